/** Login as the client would do it: AUTH, HELLO, SELECT, and a first PING that shows whether the server takes commands. */
import { parseInfo } from "../../command/info.js";
import { isErrorLike } from "../../failure/unwrap.js";
import type { Check, Context } from "../check.js";
import { failed, ok, type Draft } from "../finding.js";
import { dial, dialTls } from "../wire/dial.js";
import { greet, placeOf } from "../wire/greet.js";
import { pairsOf } from "../wire/resp.js";
import { errorOf, RespClient, textOf } from "../wire/resp-client.js";

/** ioredis speaks RESP3 by HELLO; older servers are talked to in RESP2 and lack ACLs. */
const NEEDED_MAJOR = 6;

/** Whether login, database and a first command work. */
export const sessionCheck: Check = {
  id: "session",
  title: "Session",
  topic: "4.1 Passwords and ACL",
  needs: ["first-bytes"],
  deadline: 6000,
  chain: true,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { target, seen, options } = context;
  const { socket, error } =
    target.tls === undefined
      ? await dial(placeOf(context), options.connectTimeout)
      : await dialTls(placeOf(context), seen.endpoint?.host ?? "", target.tls, options.connectTimeout);
  if (socket === undefined)
    return [failed(context.classify(error, { phase: "connect" }), "a second connection failed")];
  const client = new RespClient(socket, options.replyTimeout);
  try {
    const findings = await login(context, client);
    if (findings.some((one) => one.status === "fail")) client.close();
    else seen.client = client;
    return findings;
  } catch (failure) {
    client.close();
    const again = await greet(context, target.tls);
    const seenText = isErrorLike(failure) ? failure.message : "failed";
    return [
      failed(
        context.classify(again.refusal ?? failure, { phase: "handshake" }),
        context.clean(again.refusal ?? seenText, 160),
      ),
    ];
  }
}

async function login(context: Context, client: RespClient): Promise<Draft[]> {
  const { target, seen, clean } = context;
  const findings: Draft[] = [];
  if (target.password !== undefined) {
    const user = target.username === undefined ? [] : [target.username];
    const refusal = errorOf(await client.send("AUTH", ...user, target.password));
    if (refusal !== undefined) {
      const diagnosis = context.classify(refusal, { phase: "handshake", command: "AUTH" });
      const draft = failed(diagnosis, `AUTH: ${clean(refusal, 160)}`, {
        meaning: authMeaning(diagnosis.code, diagnosis.title),
      });
      if (diagnosis.code !== "AUTH_NOT_CONFIGURED") return [draft];
      findings.push({ ...draft, status: "warn" });
    }
  }
  const [hello, ping] = await Promise.all([client.send("HELLO", "2"), client.send("PING")]);
  const refused = errorOf(ping);
  seen.hello = pairsOf(hello);
  if (refused !== undefined) {
    const blocking = await refusedPing(context, client, refused);
    if (blocking.status === "fail") return [...findings, blocking];
    seen.mayPing = false;
    findings.push(blocking);
  }
  if (target.db !== 0) {
    const wrong = errorOf(await client.send("SELECT", String(target.db)));
    if (wrong !== undefined) {
      return [
        ...findings,
        failed(
          context.classify(wrong, { phase: "handshake", command: "SELECT" }),
          `SELECT ${String(target.db)}: ${clean(wrong, 120)}`,
          { topic: "3.1 Client configuration" },
        ),
      ];
    }
  }
  const version = seen.hello.get("version");
  findings.push(...versionFindings(version, errorOf(hello)));
  const as = target.username === undefined ? "" : `, as user ${clean(target.username, 40)}`;
  findings.push(
    ok(
      `Redis ${version ?? "of unknown version"}, ${seen.hello.get("mode") ?? "unknown"} mode${as}`,
      "Login, database and first command work.",
    ),
  );
  return findings;
}

function authMeaning(code: string, title: string): string {
  if (code !== "AUTH_WRONG") return title;
  return `${title} Either the password is wrong or rotated, or the user is off or does not exist: Redis does not say which.`;
}

/** LOADING, BUSY and MASTERDOWN stop everything; a missing right to PING does not. */
async function refusedPing(context: Context, client: RespClient, refusal: string): Promise<Draft> {
  const diagnosis = context.classify(refusal, { phase: "handshake", command: "PING" });
  const evidence = `PING: ${context.clean(refusal, 160)}`;
  if (diagnosis.code === "PERMISSION_DENIED") {
    return {
      ...failed(diagnosis, evidence, {
        meaning: "The login works, but this user may not PING, which every client's health check does.",
      }),
      status: "warn",
    };
  }
  if (diagnosis.code === "LOADING") {
    const info = parseInfo(textOf(await client.send("INFO", "persistence")) ?? "");
    const percent = info.get("loading_loaded_perc");
    const eta = info.get("loading_eta_seconds");
    const progress =
      percent === undefined ? "" : `; ${Number(percent).toFixed(0)} % loaded, about ${eta ?? "?"} s to go`;
    return failed(diagnosis, `${evidence}${progress}`, {
      meaning: diagnosis.title,
      topic: "2.1 Is the server running",
    });
  }
  if (diagnosis.code === "PERSISTENCE_FAILED") {
    // A master that cannot save refuses PING along with the writes
    return failed(diagnosis, evidence, {
      meaning:
        "The server cannot save to disk, so it refuses writes (MISCONF), and PING with them: disk full, folder missing, or no permission.",
      topic: "2.2 Server resources",
    });
  }
  const topic = diagnosis.area === "access" ? "4.1 Passwords and ACL" : "2.2 Server resources";
  return failed(diagnosis, evidence, { meaning: diagnosis.title, topic });
}

function versionFindings(version: string | undefined, helloRefused: string | undefined): Draft[] {
  const major = Number.parseInt(version ?? "", 10);
  const unknown = helloRefused !== undefined && /unknown command/i.test(helloRefused);
  if (!unknown && (Number.isNaN(major) || major >= NEEDED_MAJOR)) return [];
  return [
    {
      status: "warn",
      code: "PROTOCOL_UNSUPPORTED",
      evidence: version === undefined ? "HELLO is unknown to this server" : `Redis ${version}`,
      threshold: `Redis ${String(NEEDED_MAJOR)} or newer`,
      meaning: "This server does not know HELLO: ioredis must be told `protocol: 2`, and there are no ACL users.",
      topic: "3.2 Versions",
      next: [{ say: "Set `protocol: 2`, or upgrade the server" }],
    },
  ];
}
