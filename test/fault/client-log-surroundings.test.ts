/**
 * A client whose surroundings fail it: no route, no name, no port, no descriptor, no permission. Each runs in a process
 * of its own, with limits or a network of its own; the verdict and the log come back as JSON.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Code } from "../../src/failure/codes.js";
import type { Applied, NextStep } from "../../src/failure/diagnosis.js";
import { isHere } from "../../src/failure/tools.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { CANARY, expectLine, open } from "./client-log-harness.js";
import { whyNoIsolation } from "../helpers/abilities.js";
import { dial } from "./diagnosis-harness.js";
import { atEnd } from "./core-harness.js";

interface Line {
  readonly level: string;
  readonly event: string;
  readonly code: Code;
  readonly message: string;
  readonly next: readonly NextStep[];
}

interface Report {
  readonly code: Code;
  readonly applied: Applied;
  readonly retryable: boolean;
  readonly lines: readonly Line[];
}

const folder = mkdtempSync(join(tmpdir(), "surroundings-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** `before` runs in the process before the client is made; `shell` is what stands around NODE, the call of the process. */
function report(shell: string, options: object, before = ""): Report {
  const script = `
    const { createRedis } = await import(process.env.ENTRY);
    const lines = [];
    const at = (level) => (fields, message) => {
      if (fields.event !== "policy.warning") lines.push({ level, ...fields, message });
    };
    const logger = Object.fromEntries(["debug", "info", "warn", "error", "fatal"].map((level) => [level, at(level)]));
    // Loads what is loaded on first use: afterwards there may be no descriptor or permission for it.
    const first = createRedis(1, "127.0.0.1", { lazyConnect: true, resilience: { logger: false, deadline: 100 } });
    await first.get("k").catch(() => first.disconnect());
    ${before}
    const reconnect = { minTimeout: 5, maxTimeout: 30 };
    const resilience = { profile: "production", logger, reconnect, doctor: false };
    const redis = createRedis({ ...JSON.parse(process.env.OPTIONS), lazyConnect: true, resilience });
    redis.on("error", () => undefined);
    const error = await redis.connect().catch((thrown) => thrown);
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const { code, applied, retryable } = error.diagnosis;
    console.log(JSON.stringify({ code, applied, retryable, lines }));
    process.exit();`;
  const node = `"${process.execPath}" --input-type=module -e "$SCRIPT"`;
  const { stdout, stderr } = spawnSync("sh", ["-c", shell.replace("NODE", node)], {
    env: {
      ...process.env,
      SCRIPT: script,
      ENTRY: createRequire(import.meta.url).resolve("../../dist/index.mjs"),
      OPTIONS: JSON.stringify({ password: CANARY, ...options }),
    },
    encoding: "utf8",
    timeout: 25_000,
  });
  expect(stdout, stderr).not.toBe("");
  expect(stdout + stderr).not.toContain(CANARY);
  return JSON.parse(stdout) as Report;
}

/** The verdict, and the one line about it; returns that line. */
function expectReport(
  { lines, ...verdict }: Report,
  code: Code,
  level: "error" | "fatal",
): Line & { readonly runs: string } {
  expect(verdict).toEqual({ code, applied: "no", retryable: level === "error" });
  expect(lines.map((line) => [line.level, line.event, line.code])).toEqual([[level, "incident.open", code]]);
  const [line] = lines;
  if (line === undefined) throw new Error("no line");
  expect(line.message).toContain(`(${code})`);
  return { ...line, runs: line.next.map(({ run }) => run ?? "").join("\n") };
}

const IN_OWN_NETWORK = 'unshare -rnm sh -c \'ip link set lo up; PREPARE exec "$0" "$@"\' NODE';
const alone = (prepare = ""): string => IN_OWN_NETWORK.replace("PREPARE", prepare);

describe.skipIf(whyNoIsolation() !== undefined)("a client in a network of its own", () => {
  it("NETWORK_UNREACHABLE: no route", () => {
    const line = expectReport(report(alone(), { host: "10.9.9.9" }), "NETWORK_UNREACHABLE", "error");
    expect(line.runs).toContain("ip route get 10.9.9.9");
  });

  it("HOST_UNREACHABLE: a route that says so", () => {
    const shell = alone("ip route add unreachable 10.9.9.9;");
    const line = expectReport(report(shell, { host: "10.9.9.9" }), "HOST_UNREACHABLE", "error");
    expect(line.runs).toContain("ip route get 10.9.9.9");
    expect(line.runs.includes("nc -vz -w 3 10.9.9.9 6379")).toBe(isHere("nc"));
  });

  it.each([
    ["DNS_NOT_FOUND", 3],
    ["DNS_TEMPORARY", 2],
  ] as const)("%s: in the words of a DNS server", (code, rcode) => {
    const resolver = join(folder, "resolv.conf");
    writeFileSync(resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    const nameserver = `
      const { createSocket } = await import("node:dgram");
      const server = createSocket("udp4").on("message", (question, { port, address }) => {
        const answer = Buffer.from(question);
        answer.writeUInt16BE(0x8180 | ${String(rcode)}, 2);
        server.send(answer, port, address);
      });
      await new Promise((resolve) => server.bind(53, "127.0.0.1", resolve));`;
    const shell = alone(`mount --bind ${resolver} /etc/resolv.conf;`);
    const line = expectReport(report(shell, { host: "redis.example.test" }, nameserver), code, "error");
    expect(line.runs).toContain("getent hosts redis.example.test");
  });

  it("PORTS_EXHAUSTED: every local port in use", () => {
    const taken = `
      const { connect, createServer } = await import("node:net");
      const { once } = await import("node:events");
      const held = createServer(() => undefined).listen(6379, "127.0.0.1");
      await once(held, "listening");
      for (let i = 0; i < 2; i++) await once(connect(6379, "127.0.0.1"), "connect");`;
    const shell = alone('echo "40000 40001" > /proc/sys/net/ipv4/ip_local_port_range;');
    const line = expectReport(report(shell, { host: "127.0.0.1" }, taken), "PORTS_EXHAUSTED", "error");
    expect(line.runs).toContain("sysctl net.ipv4.ip_local_port_range");
  });
});

describe("a client in a process with limits", () => {
  it("TOO_MANY_OPEN_FILES: no descriptor left", () => {
    const taken = `
      const { openSync } = await import("node:fs");
      // Node itself lets some go a little later, after loading a module for instance.
      for (let quiet = 0; quiet < 20; quiet++) {
        try { for (;;) openSync("/dev/null", "r"), (quiet = 0); } catch {}
        await new Promise((resolve) => setTimeout(resolve, 5));
      }`;
    const line = expectReport(
      report("ulimit -n 200; NODE", { host: "127.0.0.1" }, taken),
      "TOO_MANY_OPEN_FILES",
      "error",
    );
    expect(line.runs).toMatch(/ls \/proc\/\d+\/fd/);
  });

  it.skipIf(process.getuid?.() !== 0)("SOCKET_PERMISSION: a socket this user may not write to", async () => {
    const server = await startRedis({ password: CANARY });
    atEnd(() => server.stop());
    // Permissions do not bind root, so it becomes nobody when everything is loaded; the folder of the server is its own.
    const nobody = "process.setgroups([]); process.setgid(65534); process.setuid(65534);";
    const line = expectReport(report("NODE", { path: server.path }, nobody), "SOCKET_PERMISSION", "fatal");
    expect(line.runs).toContain(`namei -l ${server.path}`);
  });
});

describe("a client at a server that does not accept", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ password: CANARY, config: ["tcp-backlog 1"] });
  });
  afterAll(() => server.stop());

  it("CONNECT_TIMEOUT: its accept queue is full, and further attempts get no answer", async () => {
    server.freeze();
    const waiting = Array.from({ length: 4 }, () => dial(server.port).on("error", () => undefined));
    atEnd(() => {
      for (const socket of waiting) socket.destroy();
      server.thaw();
    });
    await eventually(() => expect(waiting.filter((socket) => !socket.connecting)).toHaveLength(2));
    const seen = report("NODE", { host: "127.0.0.1", port: server.port, connectTimeout: 300 });
    const line = expectReport(seen, "CONNECT_TIMEOUT", "error");
    expect(line.runs).toContain("ps axo pid,stat,pcpu,args");
    expect(line.runs.includes(`nc -vz -w 3 127.0.0.1 ${String(server.port)}`)).toBe(isHere("nc"));

    // The client's own limit ends such an attempt too, and there has been no handshake that could have taken too long.
    const reconnect = { minTimeout: 5, maxTimeout: 20, handshakeTimeout: 250 };
    const redis = open({ port: server.port, resilience: { deadline: 20_000, reconnect } });
    const opening = await expectLine(redis, "incident.open", "error", "CONNECT_TIMEOUT");
    expect(opening.fields["seen"]).toContain("did not accept the connection within 250 ms");
  });
});
