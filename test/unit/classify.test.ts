/** Recorded error shapes, in the circumstances in which they were seen, and what each must be taken for. */
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import type { Code } from "../../src/failure/codes.js";
import type { Applied, BreakerEffect, FailureContext } from "../../src/failure/diagnosis.js";
import { CircuitOpenError, DeadlineError, OutcomeUnknownError } from "../../src/failure/errors.js";

const HERE = { container: false, kubernetes: false };
const local: FailureContext = { endpoint: { host: "127.0.0.1", port: 6379 }, environment: HERE };
const remote: FailureContext = { endpoint: { host: "10.0.0.5", port: 6380 }, environment: HERE };

function errno(message: string, code: string, more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more });
}

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError", command: { name: "set", args: ["k", "v"] } });
}

const refused = errno("connect ECONNREFUSED 127.0.0.1:6379", "ECONNREFUSED", {
  syscall: "connect",
  address: "127.0.0.1",
  port: 6379,
});
const refused6 = errno("connect ECONNREFUSED ::1:6379", "ECONNREFUSED", {
  syscall: "connect",
  address: "::1",
  port: 6379,
});
const bothRefused = Object.assign(new AggregateError([refused6, refused], ""), { code: "ECONNREFUSED" });
const maxRetries =
  'Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.';
const digest = "7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11";

type Row = readonly [
  name: string,
  error: unknown,
  context: FailureContext,
  code: Code,
  applied: Applied,
  retryable: boolean,
  breaker: BreakerEffect,
];

const rows: readonly Row[] = [
  ["a refused port", refused, local, "CONNECTION_REFUSED", "no", true, "read-write"],
  ["both addresses of localhost refused", bothRefused, local, "CONNECTION_REFUSED", "no", true, "read-write"],
  [
    "a refused reconnect after the command was written",
    refused,
    { ...local, written: true },
    "CONNECTION_REFUSED",
    "maybe",
    true,
    "read-write",
  ],
  [
    "ioredis's connect timeout",
    errno("connect ETIMEDOUT", "ETIMEDOUT", { errorno: "ETIMEDOUT", syscall: "connect" }),
    remote,
    "CONNECT_TIMEOUT",
    "no",
    true,
    "read-write",
  ],
  [
    "a kernel read timeout",
    errno("read ETIMEDOUT", "ETIMEDOUT", { syscall: "read" }),
    { ...remote, written: true },
    "CONNECTION_LOST",
    "maybe",
    true,
    "read-write",
  ],
  [
    "a reset before ready",
    errno("read ECONNRESET", "ECONNRESET", { syscall: "read" }),
    { ...remote, phase: "handshake" },
    "CONNECTION_CLOSED_EARLY",
    "no",
    true,
    "read-write",
  ],
  [
    "EPIPE on a connection that never was ready",
    errno("write EPIPE", "EPIPE", { syscall: "write" }),
    { connection: { everReady: false } },
    "CONNECTION_CLOSED_EARLY",
    "no",
    true,
    "read-write",
  ],
  [
    "a reset after ready",
    errno("read ECONNRESET", "ECONNRESET", { syscall: "read" }),
    { ...remote, phase: "ready", written: true },
    "CONNECTION_RESET",
    "maybe",
    true,
    "read-write",
  ],
  [
    "a reset when the command was not written",
    errno("read ECONNRESET", "ECONNRESET"),
    { ...remote, phase: "ready", written: false },
    "CONNECTION_RESET",
    "no",
    true,
    "read-write",
  ],
  [
    "a flushed queue, not written",
    new Error("Connection is closed."),
    { written: false },
    "CLIENT_CLOSED",
    "no",
    false,
    "none",
  ],
  [
    "a flushed queue, written",
    new Error("Connection is closed."),
    { written: true },
    "CONNECTION_LOST",
    "maybe",
    true,
    "read-write",
  ],
  ["max retries, not written", new Error(maxRetries), { written: false }, "UNAVAILABLE", "no", true, "read-write"],
  ["max retries, written", new Error(maxRetries), { written: true }, "CONNECTION_LOST", "maybe", true, "read-write"],
  [
    "max retries with a cause",
    new Error(maxRetries, { cause: refused }),
    {},
    "CONNECTION_REFUSED",
    "maybe",
    true,
    "read-write",
  ],
  [
    "a cut pipeline",
    Object.assign(new Error("Command aborted due to connection close"), { name: "AbortError" }),
    {},
    "CONNECTION_LOST",
    "maybe",
    true,
    "read-write",
  ],
  [
    "ioredis's command timeout",
    new Error("Command timed out"),
    { written: true },
    "RESPONSE_TIMEOUT",
    "maybe",
    true,
    "read-write",
  ],
  [
    "a command timeout before sending",
    new Error("Command timed out"),
    { written: false },
    "DEADLINE",
    "no",
    true,
    "read-write",
  ],
  [
    "a command timeout while the loop was blocked",
    new Error("Command timed out"),
    { loop: { blockedMs: 310, ofMs: 400 } },
    "EVENT_LOOP_BLOCKED",
    "maybe",
    true,
    "none",
  ],
  ["opossum's timeout", errno("Timed out after 300ms", "ETIMEDOUT"), {}, "DEADLINE", "maybe", true, "read-write"],
  ["opossum's open circuit", errno("Breaker is open", "EOPENBREAKER"), {}, "CIRCUIT_OPEN", "no", true, "none"],
  [
    "p-retry's abort of a reply",
    Object.assign(new Error("LOADING Redis is loading the dataset in memory"), {
      name: "AbortError",
      originalError: reply("LOADING Redis is loading the dataset in memory"),
    }),
    {},
    "LOADING",
    "no",
    true,
    "read-write",
  ],
  [
    "an application's error around a reply",
    new Error("could not save the cart", { cause: reply("OOM command not allowed when used memory > 'maxmemory'.") }),
    {},
    "OUT_OF_MEMORY",
    "no",
    false,
    "write",
  ],
  [
    "cluster: refused nodes",
    Object.assign(new Error("Failed to refresh slots cache."), { lastNodeError: new Error("Connection is closed.") }),
    {},
    "CLUSTER_UNREACHABLE",
    "no",
    true,
    "read-write",
  ],
  [
    "cluster: wrong password",
    Object.assign(new Error("Failed to refresh slots cache."), {
      lastNodeError: reply("WRONGPASS invalid username-password pair or user is disabled."),
    }),
    {},
    "AUTH_WRONG",
    "no",
    false,
    "none",
  ],
  [
    "cluster: too many redirections",
    new Error("Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down"),
    {},
    "CLUSTER_DOWN",
    "maybe",
    true,
    "read-write",
  ],
  [
    "sentinel: refused",
    new Error(
      "All sentinels are unreachable. Retrying from scratch after 10ms. Last error: connect ECONNREFUSED 127.0.0.1:26379",
    ),
    {},
    "SENTINELS_UNREACHABLE",
    "no",
    true,
    "read-write",
  ],
  [
    "ioredis 5's ready check",
    new Error("Ready check failed: LOADING Redis is loading the dataset in memory"),
    {},
    "LOADING",
    "no",
    true,
    "read-write",
  ],
  [
    "a TLS alert on a plain client",
    new Error('Unknown RESP type 21 "\u0015". Please report this.'),
    local,
    "TLS_PROTOCOL",
    "no",
    false,
    "none",
  ],
  [
    "a reply inside EVAL, Redis 7",
    reply(`WRONGTYPE Operation against a key holding the wrong kind of value script: ${digest}, on @user_script:1.`),
    {},
    "WRONG_TYPE",
    "maybe",
    false,
    "none",
  ],
  [
    "a reply inside EVAL, Redis 6",
    reply(
      `ERR Error running script (call to f_${digest}): @user_script:1: READONLY You can't write against a read only replica.`,
    ),
    {},
    "READ_ONLY_REPLICA",
    "maybe",
    true,
    "write",
  ],
  [
    "READONLY outside a script",
    reply("READONLY You can't write against a read only replica."),
    { written: true },
    "READ_ONLY_REPLICA",
    "no",
    true,
    "write",
  ],
  [
    "READONLY returned by a script's pcall",
    reply("READONLY You can't write against a read only replica."),
    { command: "evalsha", written: true },
    "READ_ONLY_REPLICA",
    "maybe",
    true,
    "write",
  ],
  [
    "BUSY while this command is a script",
    reply("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
    { script: true },
    "BUSY_SCRIPT",
    "maybe",
    true,
    "read-write",
  ],
  [
    "NOSCRIPT",
    reply("NOSCRIPT No matching script. Please use EVAL."),
    { script: true },
    "NO_SCRIPT",
    "no",
    false,
    "none",
  ],
  [
    "EXECABORT of a transaction with a script",
    reply("EXECABORT Transaction discarded because of previous errors."),
    { script: true },
    "EXEC_ABORTED",
    "no",
    false,
    "none",
  ],
  ["MOVED on a plain client", reply("MOVED 3999 127.0.0.1:6381"), local, "MOVED", "no", false, "none"],
  [
    "MOVED on a cluster client",
    reply("MOVED 3999 127.0.0.1:6381"),
    { endpoint: { host: "h", cluster: true } },
    "MOVED",
    "no",
    true,
    "none",
  ],
  ["CLIENT UNBLOCK", reply("UNBLOCKED client unblocked via CLIENT UNBLOCK"), {}, "UNBLOCKED", "no", false, "none"],
  ["an unknown reply", reply("WAT is this"), { written: true }, "COMMAND_REFUSED", "maybe", false, "none"],
  ["an unknown error", new Error("WAT is this"), { written: true }, "UNKNOWN", "maybe", false, "none"],
  ["a script's own reply", reply("LIMIT reached"), { command: "evalsha" }, "SCRIPT_FAILED", "maybe", false, "none"],
  [
    "Lua's own error, with words of another row",
    reply(
      `ERR user_script:1: invalid value (table) at index 2 in table for 'concat' script: ${digest}, on @user_script:1.`,
    ),
    {},
    "SCRIPT_FAILED",
    "maybe",
    false,
    "none",
  ],
  [
    "a transaction that ran into the state of the server at EXEC",
    reply("EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."),
    { script: true, written: true },
    "OUT_OF_MEMORY",
    "no",
    false,
    "write",
  ],
  [
    "the same on a replica",
    reply("EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica."),
    { written: true },
    "READ_ONLY_REPLICA",
    "no",
    true,
    "write",
  ],
  [
    "a host that vanished under a standing connection",
    errno("read EHOSTUNREACH", "EHOSTUNREACH", { syscall: "read" }),
    {},
    "HOST_UNREACHABLE",
    "maybe",
    true,
    "read-write",
  ],
  [
    "TLS cut short without a farewell",
    errno("error:0A000126:SSL routines::unexpected eof while reading", "ERR_SSL_UNEXPECTED_EOF_WHILE_READING"),
    { phase: "ready", written: true },
    "CONNECTION_LOST",
    "maybe",
    true,
    "read-write",
  ],
  [
    "a request too large for the plan",
    reply("ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1260000 bytes"),
    {},
    "QUOTA_EXCEEDED",
    "no",
    false,
    "none",
  ],
  [
    "the server's last words",
    errno("write EPIPE", "EPIPE"),
    { phase: "handshake", connection: { lastWords: "-ERR max number of clients reached" } },
    "MAX_CLIENTS",
    "no",
    true,
    "read-write",
  ],
  [
    "protected mode in the last words",
    new Error("Connection is closed."),
    { phase: "handshake", connection: { lastWords: "-DENIED Redis is running in protected mode because" } },
    "PROTECTED_MODE",
    "no",
    false,
    "none",
  ],
  [
    "an HTTP server's last words",
    errno("read ECONNRESET", "ECONNRESET"),
    { phase: "handshake", connection: { lastWords: "HTTP/1.1 400 Bad Request" } },
    "NOT_REDIS",
    "no",
    false,
    "none",
  ],
  [
    "our deadline, nothing sent",
    new DeadlineError("DEADLINE", "x", { applied: "no", cause: refused }),
    {},
    "DEADLINE",
    "no",
    true,
    "read-write",
  ],
  [
    "our deadline, in flight, loop blocked",
    new DeadlineError("DEADLINE", "x", { applied: "maybe" }),
    { loop: { blockedMs: 300, ofMs: 400 } },
    "DEADLINE",
    "maybe",
    true,
    "none",
  ],
  [
    "our unknown outcome",
    new OutcomeUnknownError("OUTCOME_UNKNOWN", "x", { applied: "maybe" }),
    {},
    "OUTCOME_UNKNOWN",
    "maybe",
    true,
    "read-write",
  ],
];

describe("classify", () => {
  it.each(rows)("takes %s for what it is", (_name, error, context, code, applied, retryable, breaker) => {
    const { code: found, applied: may, retryable: again, breaker: effect } = classify(error, context);
    expect({ code: found, applied: may, retryable: again, breaker: effect }).toEqual({
      code,
      applied,
      retryable,
      breaker,
    });
  });

  it("names every address that was tried", () => {
    expect(classify(bothRefused, local).why[0]).toBe(
      "Every address was tried: ::1 (ECONNREFUSED), 127.0.0.1 (ECONNREFUSED).",
    );
  });

  it("puts what this process saw before what is usual", () => {
    const { why } = classify(new Error("Command timed out"), {
      written: true,
      connection: { ageMs: 12_000, bytesReadSince: 0 },
      head: { command: "evalsha", forMs: 1900, behind: 37 },
      loop: { blockedMs: 90, ofMs: 400 },
    });
    expect(why.slice(0, 3)).toEqual([
      "37 commands wait behind EVALSHA, in flight for 1.9 s.",
      "This process's event loop was blocked for 90 ms of the 400 ms.",
      "The connection was 12 s old and 0 bytes came back since the command was written.",
    ]);
  });

  it("says what 127.0.0.1 means inside a container, and only there", () => {
    const inside = classify(refused, { ...local, environment: { container: true, kubernetes: false } });
    expect(inside.why[0]).toContain("127.0.0.1 is the container itself");
    expect(classify(refused, local).why.join()).not.toContain("container");
  });

  it("takes the machine's own addresses for this machine, where only loopback may be listened on", () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const own = addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
    // A machine without a network has no other address.
    const here = classify(refused, { ...local, endpoint: { host: own ?? "127.0.0.1", port: 6379 } });
    expect(here.next.map(({ run }) => run)).toContain("ss -ltnp | grep -E '6379|redis'");
    expect(here.why.some((line) => line.includes("bind 127.0.0.1"))).toBe(own !== undefined);
    expect(here.why.join()).not.toContain("A firewall rejects");
    const away = classify(refused, { ...local, endpoint: { host: "192.0.2.7", port: 6379 } });
    expect(away.why.join()).toContain("A firewall rejects");
  });

  it("does not doubt an address and port at which it was connected before", () => {
    for (const endpoint of [local.endpoint, { host: "192.0.2.7", port: 6379 }]) {
      const first = classify(refused, { ...local, endpoint });
      expect(first.why.join()).toContain("The port is wrong");
      const again = classify(refused, { ...local, endpoint, connection: { everReady: true } });
      expect(again.why.join()).not.toMatch(/wrong|bind/);
      expect(again.why[0]).toContain("redis-server is not running");
    }
  });

  it("fills commands with the real host, port and user, and quotes what a shell would misread", () => {
    const { next } = classify(refused, {
      endpoint: { host: "redis.internal", port: 6390, tls: true, username: "o'hara; rm -rf /" },
      environment: HERE,
    });
    expect(next[0]?.run).toBe("redis-cli -h redis.internal -p 6390 --tls --user 'o'\\''hara; rm -rf /' --askpass ping");
  });

  it("gives other advice for a unix socket, a provider and a Sentinel", () => {
    const socket = classify(
      errno("connect ENOENT /run/redis.sock", "ENOENT", { syscall: "connect", address: "/run/redis.sock" }),
      { environment: HERE },
    );
    expect([socket.code, socket.next[0]?.run]).toEqual(["SOCKET_MISSING", "ss -lxp | grep redis"]);
    const cloud = classify(errno("connect ETIMEDOUT", "ETIMEDOUT", { syscall: "connect" }), {
      endpoint: { host: "a.xyz.0001.euw1.cache.amazonaws.com", port: 6379 },
      environment: HERE,
    });
    expect(cloud.why[0]).toContain("security group");
    const sentinel = classify(reply("READONLY You can't write against a read only replica."), {
      endpoint: { host: "10.0.0.5", sentinelName: "mymaster", sentinels: ["10.0.0.9:26379"] },
      environment: HERE,
    });
    expect(sentinel.next.map((step) => step.run)).toContain(
      "redis-cli -h 10.0.0.9 -p 26379 sentinel get-master-addr-by-name mymaster",
    );
  });

  it("puts the cause's causes and steps first for errors of this client", () => {
    const error = new CircuitOpenError("x", 100, { cause: refused, applied: "no" });
    const diagnosis = classify(error, local);
    expect(diagnosis.code).toBe("CIRCUIT_OPEN");
    expect(diagnosis.next[0]?.run).toBe("redis-cli -h 127.0.0.1 -p 6379 ping");
    expect(diagnosis.why.join(" ")).toContain("redis-server is not running");
  });

  it.each([
    ["CLUSTER INFO of a standalone server", "ERR This instance has cluster support disabled", "cluster", {}, "info"],
    [
      "the same to a cluster client",
      "ERR This instance has cluster support disabled",
      "get",
      { cluster: true },
      "fatal",
    ],
    ["MOVE to a database that is none", "ERR DB index is out of range", "move", {}, "info"],
    ["SELECT of one", "ERR DB index is out of range", "select", {}, "fatal"],
    ["AUTH of the caller's", "WRONGPASS invalid username-password pair or user is disabled.", "auth", {}, "info"],
    ["a login that failed", "WRONGPASS invalid username-password pair or user is disabled.", "get", {}, "fatal"],
  ])("weighs the same words by the command that got them: %s", (_name, message, command, endpoint, severity) => {
    expect(classify(reply(message), { command, endpoint: { ...local.endpoint, ...endpoint } }).severity).toBe(severity);
  });

  it("gives commands that work as they stand: TLS, IPv6 and the database included", () => {
    const endpoint = { host: "::1", port: 6390, tls: true, db: 3 };
    const runs = (text: string): string =>
      classify(reply(text), { endpoint, environment: HERE })
        .next.map(({ run }) => run ?? "")
        .join("\n");
    expect(runs("WRONGPASS x")).toContain("redis-cli -h ::1 -p 6390 --tls --askpass acl whoami");
    expect(runs("NOAUTH x")).toContain("redis-cli -h ::1 -p 6390 --tls --askpass ping");
    expect(runs("WRONGTYPE x")).toContain("redis-cli -h ::1 -p 6390 --tls -n 3 type KEY");
    expect(runs("certificate has expired CERT_HAS_EXPIRED")).toContain("openssl s_client -connect '[::1]':6390 ");
    expect(runs("CLUSTERDOWN x")).toContain("redis-cli --cluster check '[::1]':6390 --tls");
  });

  it("shows which file could not be opened, and nothing that is no path", () => {
    const seen = (path: string): string => classify(`ENOENT: no such file or directory, open '${path}'`).seen;
    expect(seen("/etc/tls/ca.pem")).toContain("'/etc/tls/ca.pem'");
    expect(seen("ca.pem")).toContain("'ca.pem'");
    expect(seen("-----BEGIN PRIVATE KEY----- MIIE")).toContain("'…'");
    expect(seen("hunter2hunter2")).toContain("'…'");
  });

  it("does not show quoted keys, but keeps the server's own words", () => {
    expect(classify(reply("NOGROUP No such key 'orders:42' or consumer group 'g'")).seen).toBe(
      "NOGROUP No such key '…'",
    );
    expect(classify(reply("OOM command not allowed when used memory > 'maxmemory'.")).seen).toContain("'maxmemory'");
  });

  it("blames the pause of this process, not the server, for a connection that did not outlive it", () => {
    const connection = { ageMs: 9000, bytesRead: 50, silentMs: 8700, pausedMs: 7000, everReady: true };
    const silent = Object.assign(new Error("no reply came"), { code: "RESPONSE_TIMEOUT" });
    const { why, evidence } = classify(silent, { ...remote, connection });
    expect(evidence[0]).toBe("This process stood still for at least 7 s before that.");
    expect(why.find((sentence) => !evidence.includes(sentence))).toMatch(
      /forgot the connection while this process stood/,
    );
    const { why: refusal } = classify(refused, { ...remote, connection });
    expect(refusal.join(" ")).not.toContain("forgot the connection");
  });
});
