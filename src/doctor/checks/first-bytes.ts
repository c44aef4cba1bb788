/** What the port says: a refusal in the server's own words, Redis, TLS, another protocol, or nothing at all. */
import { formatTrip } from "../../format.js";
import type { Check, Context } from "../check.js";
import { shellQuoted } from "../../failure/template.js";
import { doctorFor, within } from "../commands.js";
import { addressOf } from "../target.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { dialTls } from "../wire/dial.js";
import { greet, placeOf, tlsWithoutTrust, type Greeting } from "../wire/greet.js";

/** What the port says first. */
export const firstBytesCheck: Check = {
  id: "first-bytes",
  title: "First bytes",
  topic: "1.3 Network tests",
  needs: ["path", "tls"],
  deadline: 5000,
  chain: true,
  run,
};

const OTHER_MODE = 900;

async function run(context: Context): Promise<readonly Draft[]> {
  const { target, options } = context;
  // A TLS server says nothing before a handshake
  if (options.passive && target.tls !== undefined) return [skip("only listened to, and TLS waits for the client")];
  const greeting = await greet(context, target.tls, true);
  const limit = `${String(options.replyTimeout)} ms`;
  switch (greeting.kind) {
    case "redis":
      return [answered(context, greeting)];
    case "other":
      return [notRedis(context, greeting)];
    case "tls":
      return [speaksTls(context, "the answer is a TLS record")];
    case "closed":
    case "mute": {
      if (options.passive && greeting.kind === "mute") {
        context.seen.mute = true;
        return [ok("the server waits for the client", "As it should.")];
      }
      if (target.tls === undefined && !options.passive) {
        const record = await handshakes(context);
        if (record !== undefined) return [speaksTls(context, record)];
      }
      return [greeting.kind === "closed" ? closedEarly(context, greeting) : mute(context, greeting, limit)];
    }
  }
}

function answered(context: Context, greeting: Greeting): Draft {
  const said = context.clean(greeting.words, 160);
  if (greeting.refusal !== undefined) {
    const diagnosis = context.classify(greeting.refusal, { phase: "handshake" });
    return failed(diagnosis, `the server says: ${said}`, {
      meaning: diagnosis.title,
      topic: diagnosis.code === "MAX_CLIENTS" ? "2.2 Server resources" : "4.1 Passwords and ACL",
    });
  }
  context.seen.firstTrip = greeting.elapsed;
  return ok(`PING → ${said} after ${formatTrip(greeting.elapsed)}`, "The port speaks Redis.");
}

function notRedis(context: Context, greeting: Greeting): Draft {
  const said = context.clean(greeting.words, 80);
  const diagnosis = context.classify(`Unknown RESP type ${String(greeting.words.charCodeAt(0))} `, {
    phase: "handshake",
  });
  const what = /^(?:HTTP\/|<)/.test(greeting.words)
    ? " (an HTTP server)"
    : greeting.words.startsWith("SSH-")
      ? " (an SSH server)"
      : "";
  return failed(diagnosis, `it says: ${said}`, {
    meaning: `${diagnosis.title.replace(/\.$/, "")}${what}.`,
    topic: "1.1 Host and port",
  });
}

/** Whether the port answers a TLS handshake, whatever certificate it shows or wants. */
async function handshakes(context: Context): Promise<string | undefined> {
  const { socket, error } = await dialTls(
    placeOf(context),
    context.seen.endpoint?.host ?? "",
    tlsWithoutTrust(),
    OTHER_MODE,
  );
  if (socket !== undefined) {
    const protocol = socket.getProtocol() ?? "TLS";
    socket.on("error", () => undefined);
    socket.destroy();
    return `a TLS handshake succeeds (${protocol})`;
  }
  return /alert/i.test(error?.message ?? "") ? "it answers a TLS handshake with an alert" : undefined;
}

function speaksTls(context: Context, evidence: string): Draft {
  const { seen } = context;
  const diagnosis = context.classify(Object.assign(new Error("wrong version number"), { code: "EPROTO" }));
  const { host, port } = seen.endpoint ?? { host: "HOST", port: 0 };
  const address = addressOf({ host, port });
  return failed(diagnosis, `no answer in plain text; ${evidence}`, {
    meaning: `Port ${String(port)} speaks TLS and this client does not: use rediss:// or the \`tls\` option.`,
    next: [
      { say: "Look at it with TLS (healthy: use rediss://)", run: doctorFor(context, { host, port }, true) },
      {
        say: "See its certificate (one shown: it speaks TLS)",
        run: `${within(context)}openssl s_client -connect ${shellQuoted(address)} </dev/null`,
      },
    ],
    topic: "4.2 TLS",
  });
}

function closedEarly(context: Context, { error }: Greeting): Draft {
  const seenError = error ?? Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const diagnosis = context.classify(seenError, { phase: "handshake" });
  return failed(
    diagnosis,
    `the connection was closed without a word${error?.code === undefined ? "" : ` (${error.code})`}`,
  );
}

function mute(context: Context, { words }: Greeting, limit: string): Draft {
  context.seen.mute = true;
  const diagnosis = context.classify(Object.assign(new Error("no answer"), { code: "HANDSHAKE_TIMEOUT" }));
  const heard = words === "" ? "no answer to PING" : `only the beginning of an answer (${context.clean(words, 20)})`;
  return failed(diagnosis, `connected, and ${heard} within ${limit}`, { threshold: limit });
}
