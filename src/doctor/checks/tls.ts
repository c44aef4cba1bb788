/** The TLS handshake as the client would make it, and the certificate: chain, names, days left. */
import type { TLSSocket } from "node:tls";
import type { Diagnosis } from "../../failure/diagnosis.js";
import { shellQuoted } from "../../failure/template.js";
import type { Check, Context } from "../check.js";
import { doctorFor, within } from "../commands.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { addressOf } from "../target.js";
import { certificateOf, dialTls } from "../wire/dial.js";
import { greet, placeOf, tlsWithoutTrust } from "../wire/greet.js";

/** A certificate that ends sooner than this is a warning. */
const DAYS_LEFT = 21;

/** Whether the TLS handshake works and the certificate is right. */
export const tlsCheck: Check = {
  id: "tls",
  title: "TLS",
  topic: "4.2 TLS",
  needs: ["path"],
  deadline: 5000,
  chain: true,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { target, options } = context;
  const { tls } = target;
  if (tls === undefined) return [skip("this target is plain (redis://)", "TLS was not asked for.")];
  const { socket, error, unusable } = await dialTls(placeOf(context), hostOf(context), tls, options.replyTimeout);
  if (unusable === true) return [unreadable(context, error)];
  if (socket === undefined) return [await broken(context, error)];
  const evidence = [`${socket.getProtocol() ?? "TLS"}, ${socket.getCipher().name}`, ...described(socket)].join("; ");
  const certificate = certificateOf(socket);
  socket.on("error", () => undefined);
  socket.destroy();
  const days = certificate?.daysLeft;
  const findings: Draft[] = [];
  if (tls.rejectUnauthorized === false) {
    findings.push({
      status: "warn",
      evidence: "rejectUnauthorized is off",
      meaning: "Any certificate is accepted: whoever stands between can read and change everything.",
      next: [{ say: "Give the client the authority instead: tls: { ca }, or REDIS_TLS_CA_FILE" }],
    });
  }
  if (days !== undefined && days < DAYS_LEFT) {
    findings.push({
      status: "warn",
      code: "TLS_EXPIRED",
      evidence,
      threshold: `${String(DAYS_LEFT)} days`,
      meaning:
        days < 0 ? `The certificate ended ${String(-days)} days ago.` : `The certificate ends in ${String(days)} days.`,
      next: [{ say: "Renew it, then let Redis read it again with CONFIG SET tls-cert-file" }],
    });
  }
  return [...findings, ok(evidence, "The handshake succeeds.", `warns below ${String(DAYS_LEFT)} days`)];
}

function hostOf({ seen }: Context): string {
  return seen.endpoint?.host ?? "";
}

/** A key, a certificate or a version that this side cannot even begin with. */
function unreadable(context: Context, error: NodeJS.ErrnoException | undefined): Draft {
  return {
    status: "fail",
    code: "CONFIG_INVALID",
    evidence: context.clean(`${error?.code ?? ""} ${error?.message ?? ""}`, 160),
    meaning: "The TLS options of this client cannot be used: a certificate or key is not PEM, or a value is unknown.",
    topic: "4.2 TLS",
    next: [
      {
        say: "Is the certificate readable (healthy: its subject and end; an error: it is damaged or not PEM)?",
        run: "openssl x509 -in cert.pem -noout -subject -enddate",
      },
      {
        say: "Is the key readable (healthy: its numbers; an error: it is damaged or not PEM)?",
        run: "openssl pkey -in key.pem -noout -check",
      },
    ],
  };
}

async function broken(context: Context, error: NodeJS.ErrnoException | undefined): Promise<Draft> {
  const diagnosis = context.classify(error, { phase: "handshake" });
  const seenError = context.clean(error === undefined ? "" : `${error.code ?? ""} ${error.message}`, 160);
  if (diagnosis.area === "tls" && diagnosis.code !== "TLS_PROTOCOL" && diagnosis.code !== "TLS_CLIENT_CERT") {
    return failed(diagnosis, [seenError, ...(await presented(context))].join("; "));
  }
  if (diagnosis.code === "TLS_CLIENT_CERT") return failed(diagnosis, seenError);
  const versions = diagnosis.code === "TLS_PROTOCOL" ? await versionsSpoken(context) : [];
  if (versions.length > 0) return noCommonVersion(context, diagnosis, versions, seenError);
  // The other mode, once: does the port answer in plain text?
  const plain = await greet(context, undefined);
  if (plain.kind === "redis" && plain.refusal !== undefined) {
    return failed(
      context.classify(plain.refusal, { phase: "handshake" }),
      `in plain text the server says: ${context.clean(plain.words, 160)}`,
    );
  }
  if (plain.kind === "redis") {
    const mismatch = context.classify(Object.assign(new Error("wrong version number"), { code: "EPROTO" }));
    const { host, port } = context.seen.endpoint ?? { host: "HOST", port: 0 };
    return failed(mismatch, `${seenError}; without TLS the port answers ${context.clean(plain.words, 60)}`, {
      meaning: `Port ${String(port)} speaks plain Redis and this client speaks TLS: use redis://, or the server's TLS port.`,
      next: [
        { say: "Look at it without TLS (healthy: use redis://)", run: doctorFor(context, { host, port }, false) },
        {
          say: "Is there a TLS port (0 or empty: none; another number: use that)?",
          run: `${within(context)}redis-cli -h ${shellQuoted(host)} -p ${String(port)} config get tls-port`,
        },
      ],
    });
  }
  if (plain.kind === "other") {
    return failed(
      context.classify(plain.words, { phase: "handshake" }),
      `without TLS it says: ${context.clean(plain.words, 80)}`,
    );
  }
  context.seen.mute = error?.code === "ETIMEDOUT";
  const mute = context.seen.mute
    ? context.classify(Object.assign(new Error("connect ETIMEDOUT"), { code: "HANDSHAKE_TIMEOUT" }))
    : diagnosis;
  const other = plain.kind === "closed" ? "without TLS it is closed as well" : "without TLS it says nothing either";
  return failed(mute, `${seenError}; ${other}`, closedSilently(diagnosis.code) ? dropped(context, mute) : {});
}

function closedSilently(code: string): boolean {
  return code === "CONNECTION_CLOSED_EARLY" || code === "CONNECTION_RESET";
}

/** A server that objects says so in an alert; one that drops the connection before the handshake cannot. */
function dropped(context: Context, { title }: Diagnosis): Partial<Draft> {
  return {
    meaning: `${title} Not even a TLS alert came: redis-server does so on its TLS port when maxclients is reached, a load balancer when no server is behind it.`,
    next: [
      {
        say: "On the Redis machine: how many clients are there, and how many may be (healthy: connected_clients below maxclients)?",
        run: "redis-cli info clients",
      },
      {
        say: "See it drop the connection (healthy: a certificate; an error at once: dropped)",
        run: `${within(context)}openssl s_client -connect ${shellQuoted(addressOf(context.seen.endpoint))} </dev/null`,
      },
    ],
  };
}

const VERSIONS = ["TLSv1.3", "TLSv1.2"] as const;
const VERSION_TIME = 600;

/** Which versions the server takes, when it and the client find none in common. */
async function versionsSpoken(context: Context): Promise<readonly string[]> {
  const tried = await Promise.all(
    VERSIONS.map(async (version) => {
      const options = tlsWithoutTrust({ minVersion: version, maxVersion: version });
      const { socket, error } = await dialTls(placeOf(context), hostOf(context), options, VERSION_TIME);
      socket?.on("error", () => undefined);
      socket?.destroy();
      return socket !== undefined || /CERTIFICATE_REQUIRED/.test(error?.code ?? "");
    }),
  );
  return VERSIONS.filter((_, i) => tried[i] === true);
}

function noCommonVersion(
  context: Context,
  diagnosis: Diagnosis,
  versions: readonly string[],
  seenError: string,
): Draft {
  const { minVersion, maxVersion } = context.target.tls ?? {};
  const own = [
    ...(minVersion === undefined ? [] : [`minVersion ${minVersion}`]),
    ...(maxVersion === undefined ? [] : [`maxVersion ${maxVersion}`]),
  ];
  const client = own.length === 0 ? "its defaults" : own.join(", ");
  const address = addressOf(context.seen.endpoint);
  return failed(diagnosis, `${seenError}; the server takes ${versions.join(" and ")}, the client has ${client}`, {
    meaning: `${address} speaks TLS, and shares no version or cipher with this client: the server takes ${versions.join(" and ")}, the client has ${client}.`,
    next: [
      {
        say: "See what the server offers (Protocol and Cipher lines; none: nothing in common with openssl either)",
        run: `${within(context)}openssl s_client -connect ${shellQuoted(address)} </dev/null`,
      },
      {
        say: "Let the client take that version (tls: { minVersion, maxVersion, ciphers }), or set tls-protocols on the server",
      },
    ],
  });
}

/** A certificate the client refuses can still be looked at; nothing is sent over that connection. */
async function presented(context: Context): Promise<string[]> {
  const { socket } = await dialTls(
    placeOf(context),
    hostOf(context),
    tlsWithoutTrust(context.target.tls),
    context.options.replyTimeout,
  );
  if (socket === undefined) return [];
  const facts = described(socket);
  socket.on("error", () => undefined);
  socket.destroy();
  return facts;
}

function described(socket: TLSSocket): string[] {
  const certificate = certificateOf(socket);
  if (certificate === undefined) return [];
  const { subject, issuer, names, validTo, daysLeft } = certificate;
  const date = validTo.toISOString().slice(0, 10);
  const days =
    daysLeft < 0 ? `ended ${date}, ${String(-daysLeft)} days ago` : `valid to ${date}, ${String(daysLeft)} days`;
  return [`certificate ${subject || names} by ${issuer}`, `names ${names || "none"}`, days];
}
