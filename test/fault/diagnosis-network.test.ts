/** Real failures of the network, each with plain ioredis or a plain socket, and what the diagnosis makes of them. */
import { createSocket } from "node:dgram";
import { promises as dns } from "node:dns";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whyNoIsolation } from "../helpers/abilities.js";
import { freePort } from "../helpers/free-port.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { makeCertificates } from "../helpers/tls.js";
import {
  connectFailure,
  expectDiagnosis,
  failureInChild,
  failureOf,
  plainRedis,
  socketFailure,
  dial,
} from "./diagnosis-harness.js";

const DOWN = { applied: "no", retryable: true, breaker: "read-write" } as const;
const LOST = { applied: "maybe", retryable: true, breaker: "read-write" } as const;

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
});

describe("diagnosis of the network", () => {
  it("CONNECTION_REFUSED: a port where nothing listens", async () => {
    const port = await freePort();
    const error = await connectFailure({ host: "127.0.0.1", port });
    const { seen, next } = expectDiagnosis(error, {}, "CONNECTION_REFUSED", DOWN);
    expect(seen).toContain(`127.0.0.1:${port}`);
    expect(next[0]?.run).toBe(`redis-cli -h 127.0.0.1 -p ${port} ping`);
  });

  it("CONNECTION_REFUSED: every address of a name", async () => {
    const port = await freePort();
    const error = await connectFailure({ host: "localhost", port });
    const { why } = expectDiagnosis(error, { endpoint: { host: "localhost", port } }, "CONNECTION_REFUSED", DOWN);
    if (error instanceof AggregateError) expect(why[0]).toMatch(/^Every address was tried: .*::1.*127\.0\.0\.1/);
  });

  it("CONNECTION_REFUSED: a socket file that a killed server left behind", async () => {
    const other = await startRedis();
    const { path } = other;
    await other.kill();
    const { next } = expectDiagnosis(await connectFailure({ path }), {}, "CONNECTION_REFUSED", DOWN);
    expect(next[0]?.run).toBe(`redis-cli -s ${path} ping`);
    await other.stop();
  });

  it("SOCKET_MISSING: a path without a socket", async () => {
    const path = join(server.dir, "no-such.sock");
    expectDiagnosis(await connectFailure({ path }), {}, "SOCKET_MISSING", DOWN);
  });

  it("SOCKET_PERMISSION: a socket this user may not write to", () => {
    const dir = mkdtempSync(join(tmpdir(), "closed-"));
    chmodSync(dir, 0o000);
    // Permissions do not bind root, so root becomes nobody first.
    const nobody = "process.setgroups([]); process.setgid(65534); process.setuid(65534);";
    const code = `${process.getuid?.() === 0 ? nobody : ""}
      require("net").connect({ path: ${JSON.stringify(join(dir, "redis.sock"))} }).on("error", report);`;
    const error = failureInChild("NODE", code);
    rmSync(dir, { recursive: true });
    expectDiagnosis(error, {}, "SOCKET_PERMISSION", { applied: "no", retryable: false, breaker: "none" });
  });

  it("CONNECT_TIMEOUT: a TLS client at a plain port", async () => {
    const { port } = server;
    const error = await connectFailure({
      host: "127.0.0.1",
      port,
      tls: { rejectUnauthorized: false },
      connectTimeout: 200,
    });
    const { why } = expectDiagnosis(
      error,
      { endpoint: { host: "127.0.0.1", port, tls: true } },
      "CONNECT_TIMEOUT",
      DOWN,
    );
    expect(why[0]).toContain("The port speaks plain Redis");
  });

  it("CONNECTION_CLOSED_EARLY: a plain client at a TLS port", async () => {
    await using certificates = await makeCertificates();
    await using secure = await startRedis({ tls: certificates.valid });
    const port = secure.tlsPort ?? 0;
    const redis = plainRedis({ port });
    const error = await failureOf(redis.ping());
    redis.disconnect();
    const context = { endpoint: { host: "127.0.0.1", port }, phase: "handshake", written: false } as const;
    const { why } = expectDiagnosis(error, context, "CONNECTION_CLOSED_EARLY", DOWN);
    expect(why[0]).toContain("The port speaks TLS");
  });

  it("CONNECTION_CLOSED_EARLY: a load balancer without a server behind it", async () => {
    await using proxy = await startProxy({ target: server });
    proxy.acceptThenClose();
    const { error } = await socketFailure(() => dial(proxy.port));
    const seen = error ?? (await failureOf(plainRedis({ port: proxy.port }).connect()));
    expectDiagnosis(seen, { phase: "handshake" }, "CONNECTION_CLOSED_EARLY", DOWN);
  });

  it("CONNECTION_RESET: a connection cut while a reply was due", async () => {
    await using proxy = await startProxy({ target: server });
    const redis = plainRedis({ port: proxy.port });
    await redis.ping();
    const failed = new Promise<unknown>((resolve) => redis.once("error", resolve));
    const cut = proxy.forwardThenCut();
    const rejected = failureOf(redis.incr("reset"));
    await cut;
    expectDiagnosis(await failed, { phase: "ready", written: true }, "CONNECTION_RESET", LOST);
    // What ioredis tells the caller does not name the reset, and is still understood as a loss.
    expectDiagnosis(await rejected, { written: true }, "CONNECTION_LOST", LOST);
    expect(await server.cli("get", "reset")).toBe("1");
    redis.disconnect();
  });

  it("CONNECTION_LOST: a server that is killed, with a command it never answered", async () => {
    const other = await startRedis();
    const redis = plainRedis({ port: other.port });
    await redis.ping();
    other.freeze();
    const rejected = failureOf(redis.incr("n"));
    await other.kill();
    expectDiagnosis(await rejected, { written: true }, "CONNECTION_LOST", LOST);
    redis.disconnect();
    await other.stop();
  });

  it("RESPONSE_TIMEOUT: a server that hangs", async () => {
    const redis = plainRedis({ port: server.port });
    await redis.ping();
    redis.options.commandTimeout = 100;
    server.freeze();
    const error = await failureOf(redis.incr("hang"));
    server.thaw();
    const connection = { ageMs: 12_000, bytesReadSince: 0 };
    const { why } = expectDiagnosis(error, { phase: "ready", written: true, connection }, "RESPONSE_TIMEOUT", LOST);
    expect(why[0]).toBe("The connection was 12 s old and 0 bytes came back since the command was written.");
    redis.disconnect();
  });

  it("RESPONSE_TIMEOUT: ioredis's socket timeout", async () => {
    const redis = plainRedis({ port: server.port });
    await redis.ping();
    redis.options.socketTimeout = 100;
    const failed = new Promise<unknown>((resolve) => redis.once("error", resolve));
    server.freeze();
    void failureOf(redis.ping());
    expectDiagnosis(await failed, { phase: "ready", written: true }, "RESPONSE_TIMEOUT", LOST);
    server.thaw();
    redis.disconnect();
  });

  it("EVENT_LOOP_BLOCKED: a timeout of this process's own making", async () => {
    const redis = plainRedis({ port: server.port });
    await redis.ping();
    redis.options.commandTimeout = 50;
    const rejected = failureOf(redis.incr("stall"));
    const blockedSince = performance.now();
    while (performance.now() - blockedSince < 200);
    const error = await rejected;
    const loop = { blockedMs: 200, ofMs: 210 };
    expectDiagnosis(error, { written: true, loop }, "EVENT_LOOP_BLOCKED", {
      applied: "maybe",
      retryable: true,
      breaker: "none",
    });
    redis.disconnect();
  });

  it("NOT_REDIS: an HTTP server", async () => {
    const http = createServer((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    const error = await connectFailure({ host: "127.0.0.1", port });
    expectDiagnosis(error, {}, "NOT_REDIS", { applied: "no", retryable: false, breaker: "none" });
    http.closeAllConnections();
    http.close();
  });

  it("DNS_NOT_FOUND: a name that does not exist", async () => {
    const error = await withNameserver(3, (resolver) => failureOf(resolver.resolve4("redis.example.test")));
    const { title } = expectDiagnosis(error, {}, "DNS_NOT_FOUND", DOWN);
    expect(title).toBe("The name redis.example.test does not exist.");
  });

  it("DNS_TEMPORARY: a DNS server that fails", async () => {
    const error = await withNameserver(2, (resolver) => failureOf(resolver.resolve4("redis.example.test")));
    expectDiagnosis(error, {}, "DNS_TEMPORARY", DOWN);
  });

  it("DNS_TEMPORARY: a DNS server that does not answer", async () => {
    const error = await withNameserver(undefined, (resolver) => failureOf(resolver.resolve4("redis.example.test")));
    expectDiagnosis(error, {}, "DNS_TEMPORARY", DOWN);
  });

  it("DNS_NOT_FOUND: a port within the host option is named as the mistake", async () => {
    const error = await withNameserver(3, (resolver) => failureOf(resolver.resolve4("redis.example.test:6379")));
    const { why } = expectDiagnosis(error, { endpoint: { host: "redis.example.test:6379" } }, "DNS_NOT_FOUND", DOWN);
    expect(why[0]).toContain("a port do not belong in it");
  });
});

describe.skipIf(whyNoIsolation() !== undefined)("diagnosis in a network of one's own", () => {
  const connectTo = (host: string): string =>
    `require("net").connect({ port: 6379, host: "${host}" }).on("error", report);`;

  it("NETWORK_UNREACHABLE: no route", () => {
    const error = failureInChild("unshare -rn NODE", connectTo("10.9.9.9"));
    expectDiagnosis(error, {}, "NETWORK_UNREACHABLE", DOWN);
  });

  it("HOST_UNREACHABLE: a route that says so", () => {
    const error = failureInChild(
      'unshare -rn sh -c \'ip link set lo up && ip route add unreachable 10.9.9.9 && exec "$0" -e "$SCRIPT"\' NODE'.replace(
        " NODE",
        ` "${process.execPath}"`,
      ),
      connectTo("10.9.9.9"),
    );
    expectDiagnosis(error, {}, "HOST_UNREACHABLE", DOWN);
  });

  it("DNS_TEMPORARY: no network to ask", () => {
    const error = failureInChild("unshare -rn NODE", `require("dns").lookup("redis.example.test", (e) => report(e));`);
    expectDiagnosis(error, {}, "DNS_TEMPORARY", DOWN);
  });
});

describe("diagnosis of this process's limits", () => {
  const LOCAL = { applied: "no", retryable: true, breaker: "none" } as const;

  it("TOO_MANY_OPEN_FILES: no descriptor left", () => {
    const code = `const net = require("net");
      const server = net.createServer().listen(0, "127.0.0.1", () => {
        const open = () => net.connect({ port: server.address().port, host: "127.0.0.1" }).on("error", report).on("connect", open);
        open();
      });`;
    expectDiagnosis(failureInChild("ulimit -n 40; NODE", code), {}, "TOO_MANY_OPEN_FILES", LOCAL);
  });

  it("PORTS_EXHAUSTED: no local address to connect from", () => {
    const code = `require("net").connect({ port: 6379, host: "127.0.0.1", localAddress: "203.0.113.7" }).on("error", report);`;
    expectDiagnosis(failureInChild("NODE", code), {}, "PORTS_EXHAUSTED", LOCAL);
  });
});

/** A DNS server that answers every question with this response code, or not at all. */
async function withNameserver(
  rcode: number | undefined,
  ask: (resolver: dns.Resolver) => Promise<unknown>,
): Promise<unknown> {
  const nameserver = createSocket("udp4");
  nameserver.on("message", (question, { port, address }) => {
    if (rcode === undefined) return;
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8180 | rcode, 2);
    nameserver.send(answer, port, address);
  });
  await new Promise<void>((resolve) => nameserver.bind(0, "127.0.0.1", resolve));
  const resolver = new dns.Resolver({ timeout: rcode === undefined ? 100 : 20_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${nameserver.address().port}`]);
  const error = await ask(resolver);
  nameserver.close();
  return error;
}
