/** The TLS handshake as the client would make it, and the certificate: chain, names, days left. */
import type { TLSSocket } from "node:tls";
import type { Check, Context } from "../check.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { certificateOf, dialTls } from "../wire/dial.js";
import { greet, placeOf, tlsWithoutTrust } from "../wire/greet.js";

/** A certificate that ends sooner than this is a warning. */
const DAYS_LEFT = 21;

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
  const { socket, error } = await dialTls(placeOf(context), hostOf(context), tls, options.replyTimeout);
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

async function broken(context: Context, error: NodeJS.ErrnoException | undefined): Promise<Draft> {
  const diagnosis = context.classify(error, { phase: "handshake" });
  const seenError = context.clean(error === undefined ? "" : `${error.code ?? ""} ${error.message}`, 160);
  if (diagnosis.area === "tls" && diagnosis.code !== "TLS_PROTOCOL" && diagnosis.code !== "TLS_CLIENT_CERT") {
    return failed(diagnosis, [seenError, ...(await presented(context))].join("; "));
  }
  if (diagnosis.code === "TLS_CLIENT_CERT" || diagnosis.code === "CONFIG_INVALID") return failed(diagnosis, seenError);
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
    const port = String(context.seen.endpoint?.port ?? 0);
    return failed(mismatch, `${seenError}; without TLS the port answers ${context.clean(plain.words, 60)}`, {
      meaning: `Port ${port} speaks plain Redis and this client speaks TLS: use redis://, or the server's TLS port.`,
      next: [
        { say: "Look at it without TLS", run: `npx ioredoubt doctor redis://${hostOf(context)}:${port}` },
        { say: "On the server: is there a TLS port?", run: "redis-cli config get tls-port" },
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
  return failed(mute, `${seenError}; without TLS it says nothing either`);
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
