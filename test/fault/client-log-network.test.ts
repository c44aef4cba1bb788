/** A client whose connection cannot be made, or is lost: what its caller is told, and what the log says once. */
import { createServer } from "node:http";
import { lookup } from "node:dns/promises";
import { connect as dial, createServer as createRelay, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whyNoDualStack } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, proxyTo, scriptedServer } from "./core-harness.js";
import {
  at,
  CANARY,
  events,
  expectAway,
  expectFailure,
  expectLine,
  failureOf,
  open,
  opened,
} from "./client-log-harness.js";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ password: CANARY });
});

afterAll(async () => {
  await server.stop();
});

const notDualStack = await whyNoDualStack();

describe("a client that cannot connect", () => {
  it("CONNECTION_REFUSED is one error line, with a command that can be run", async () => {
    const { redis, line, diagnosis } = await expectAway({ port: await freePort() }, "CONNECTION_REFUSED", "error");
    expect(line.next[0]?.run).toBe(`redis-cli ${at(redis)} --askpass ping`);
    expect(line.message).toContain(`Next: redis-cli ${at(redis)} --askpass ping`);
    expect(diagnosis.next[0]?.run).toBe(`redis-cli ${at(redis)} --askpass ping`);
  });

  it.skipIf(notDualStack !== undefined)("CONNECTION_REFUSED names both addresses of localhost", async () => {
    const { line } = await expectAway({ host: "localhost", port: await freePort() }, "CONNECTION_REFUSED", "error");
    expect(line.why[0]).toMatch(/127\.0\.0\.1.*::1|::1.*127\.0\.0\.1/);
  });

  it("SOCKET_MISSING names the path", async () => {
    const path = join(server.dir, "no-such.sock");
    const { line } = await expectAway({ path }, "SOCKET_MISSING", "error");
    expect(line.message).toContain(path);
    expect(line.fields["seen"]).toBe(`connect ENOENT ${path}`);
  });

  it("DNS: a name that cannot be resolved, in the words of this machine's resolver", async ({ skip }) => {
    const host = "no-such-host.invalid";
    const start = performance.now();
    const words = await lookup(host).then(
      () => "",
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    skip(performance.now() - start > 1000, "this machine's resolver takes longer than a client waits for it");
    const { line } = await expectAway({ host }, words === "ENOTFOUND" ? "DNS_NOT_FOUND" : "DNS_TEMPORARY", "error");
    expect(line.runs).toContain(host);
  });

  it("HANDSHAKE_TIMEOUT: a peer that accepts and stays silent", async () => {
    const proxy = await proxyTo(server);
    proxy.silent();
    const resilience = { reconnect: { minTimeout: 5, maxTimeout: 20, handshakeTimeout: 150 } };
    const { redis, line } = await expectAway({ port: proxy.port, resilience }, "HANDSHAKE_TIMEOUT", "error");
    expect(line.runs).toContain(at(redis));
    // Each attempt that is given up doubles the limit; the line tells of the one before it.
    expect(line.fields["seen"]).toMatch(/did not finish the handshake within (?:150|300|600) ms/);
    await proxy.pass();
    const closed = await expectLine(redis, "incident.closed", "info", "HANDSHAKE_TIMEOUT");
    expect(closed.fields).toMatchObject({ ending: "recovered", failed: 0 });
  });

  it("CONNECTION_LOST behind a Sentinel names the address of the master that was lost", async () => {
    const proxy = await proxyTo(server);
    // Asked for the master, then for the other Sentinels; only a script has the master where a test wants it.
    let asked = 0;
    const sentinel = await scriptedServer((name) => {
      if (name !== "sentinel") return "+OK\r\n";
      const port = String(proxy.port);
      return asked++ % 2 === 0 ? `*2\r\n$9\r\n127.0.0.1\r\n$${String(port.length)}\r\n${port}\r\n` : "*0\r\n";
    });
    const redis = await opened({ sentinels: [{ host: "127.0.0.1", port: sentinel.port }], name: "mymaster" });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.log.at("error")).toHaveLength(1));
    const [line] = redis.log.at("error");
    const text = JSON.stringify([line?.message, line?.fields]);
    expect(text).toContain(`-h 127.0.0.1 -p ${String(proxy.port)}`);
    expect(text).not.toMatch(/\bHOST\b|\bPORT\b/);
  });

  it("SENTINELS_UNREACHABLE: no Sentinel answers", async () => {
    const port = await freePort();
    const sentinels = [{ host: "127.0.0.1", port }];
    const access = { sentinelPassword: CANARY, sentinelUsername: "watcher", sentinelTLS: {} };
    const redis = open({ sentinels, name: "mymaster", ...access, resilience: { deadline: 1000 } });
    const { next } = await expectFailure(redis.get("k"), "DEADLINE", "no", true);
    const cli = `redis-cli -h 127.0.0.1 -p ${String(port)} --tls --user watcher --askpass`;
    // Of the Sentinel, as it is reached: its login is not that of the server
    const steps = next.map(({ run }) => run).join("\n");
    expect(steps).toContain(`${cli} sentinel get-master-addr-by-name mymaster`);
    const line = await eventually(() => {
      const lines = events(redis.log, "incident.open");
      expect(lines).toHaveLength(1);
      return lines[0];
    });
    expect(line?.fields["code"]).toBe("SENTINELS_UNREACHABLE");
    expect(line?.fields["endpoint"]).toContain("mymaster");
    expect(line?.message).toContain(`Next: ${cli} `);
  });

  it("CONNECTION_CLOSED_EARLY: a load balancer without a server behind it", async () => {
    const proxy = await proxyTo(server);
    proxy.acceptThenClose();
    const { redis, line } = await expectAway({ port: proxy.port }, "CONNECTION_CLOSED_EARLY", "error");
    expect(line.runs).toContain(`openssl s_client -connect 127.0.0.1:${String(redis.options.port)}`);
  });

  it("NOT_REDIS: an HTTP server, said once as fatal", async () => {
    const http = createServer((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    atEnd(() => {
      http.closeAllConnections();
      http.close();
    });
    const address = http.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const { line } = await expectAway({ port: address.port }, "NOT_REDIS", "fatal");
    expect(line.runs).toContain(String(address.port));
  });
});

describe("a client that loses its connection", () => {
  it("CONNECTION_RESET, OUTCOME_UNKNOWN: a write without its reply, named in the one line of a short cut", async () => {
    const proxy = await proxyTo(server);
    const redis = await opened({ port: proxy.port });
    const cut = proxy.forwardThenCut();
    const { error, next } = await expectFailure(redis.incr("reset"), "OUTCOME_UNKNOWN", "maybe", true);
    await cut;
    expect(error.message).toContain("INCR was in flight for");
    expect(next.length).toBeGreaterThan(0);
    const line = await expectLine(redis, "connection.blip", "warn", "CONNECTION_RESET");
    expect(line.fields).toMatchObject({ failed: 1, unknownOutcome: 1, unknownCommands: { incr: 1 } });
    expect(line.message).toMatch(/back after \d+ ms; 1 command with unknown outcome: INCR\. It may have been executed/);
    expect(redis.log.lines).toHaveLength(1);
  });

  it("PROTOCOL_ERROR: a reply that nothing asked for", async () => {
    const sockets = new Set<Socket>();
    const relay = createRelay((socket) => {
      sockets.add(socket);
      const upstream = dial(server.port, "127.0.0.1");
      for (const end of [socket, upstream]) end.on("error", () => end.destroy());
      socket.pipe(upstream).pipe(socket);
      atEnd(() => void socket.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    atEnd(() => void relay.close());
    const { port } = relay.address() as AddressInfo;
    const redis = await opened({ port });
    for (const socket of sockets) socket.write(`$${String(CANARY.length)}\r\n${CANARY}\r\n`);
    const line = await expectLine(redis, "connection.blip", "info", "PROTOCOL_ERROR");
    expect(line.message).toContain("no command failed");
  });

  it("REPLY_TOO_LONG: a value that has grown beyond the caller's own limit", async () => {
    const redis = await opened({
      port: server.port,
      resilience: { maxReplyBytes: 100_000, breaker: { volumeThreshold: 1 } },
    });
    await redis.setrange("long", 200_000, "x");
    const { message, diagnosis } = await failureOf(redis.get("long"));
    expect(message).toContain("announced a value of 195.31 KiB (200001 bytes), more than the 97.66 KiB (100000 bytes)");
    expect(diagnosis?.why.join(" ")).not.toMatch(/load balancer/);
    const line = await expectLine(redis, "connection.blip", "warn", "REPLY_TOO_LONG");
    expect(line.message).toContain("reply longer than allowed (REPLY_TOO_LONG), back after");
    // It is this client's limit that was reached: others of the server are not to suffer.
    expect(redis.stats().breaker.readWrite.state).toBe("closed");
    expect(await redis.strlen("long")).toBe(200_001);
    await redis.del("long");
  });

  it("CONNECTION_LOST: a server that closes with a command unanswered", async () => {
    const proxy = await proxyTo(server);
    const redis = await opened({ port: proxy.port });
    proxy.dropReplies();
    const outcome = expectFailure(redis.incr("lost"), "OUTCOME_UNKNOWN", "maybe", true);
    await eventually(() => expect(proxy.counters.swallowed).toBeGreaterThan(0));
    proxy.halfClose();
    const { error } = await outcome;
    expect(error.message).toContain("closed the connection after");
    await expectLine(redis, "incident.open", "error", "CONNECTION_LOST");
  });

  it("a connection that is back at once, with no command failed, is one blip", async () => {
    const proxy = await proxyTo(server);
    const redis = await opened({ port: proxy.port });
    const closed = new Promise((resolve) => redis.once("close", resolve));
    proxy.cutAll();
    await closed;
    await redis.ping();
    const line = await expectLine(redis, "connection.blip", "info", "CONNECTION_RESET");
    expect(line.message).toContain("no command failed");
    expect(redis.log.lines).toHaveLength(1);
  });

  it("RESPONSE_TIMEOUT: a server that hangs, with the age and the silence of the connection", async () => {
    const own = await startRedis({ password: CANARY });
    atEnd(() => own.stop());
    const redis = await opened({ port: own.port, resilience: { deadline: 1100, heartbeat: false } });
    own.freeze();
    const { error, why } = await expectFailure(redis.incr("hang"), "OUTCOME_UNKNOWN", "maybe", true);
    expect(error.message).toMatch(
      /no reply came over the connection to .* for [\d.]+ m?s while replies were due; it was destroyed/,
    );
    expect(why.join()).toMatch(/The connection was .* s old and 0 bytes came back since the command was written\./);
    // A process that stood still itself does not blame the server: then the next deadline tells.
    while (events(redis.log, "incident.open").length === 0) await failureOf(redis.incr("hang"));
    const line = await expectLine(redis, "incident.open", "error", "RESPONSE_TIMEOUT");
    expect(line.why[0]).toMatch(/The connection was .* s old and had been silent for [1-9](?:\.\d+)? s/);
    expect(line.runs).toContain(at(redis));
    own.thaw();
    await expectLine(redis, "incident.closed", "info", "RESPONSE_TIMEOUT");
    expect(events(redis.log, "incident.open")).toHaveLength(1);
  });

  it("RESPONSE_TIMEOUT: a server that stands still for seconds is told of, also where everything is answered in time", async () => {
    const own = await startRedis({ password: CANARY });
    atEnd(() => own.stop());
    const redis = await opened({ port: own.port, resilience: { deadline: 30_000, heartbeat: false } });
    own.freeze();
    const waiting = redis.incr("n");
    await expectLine(redis, "incident.open", "error", "RESPONSE_TIMEOUT");
    own.thaw();
    expect(await waiting).toBe(1);
    const closed = await expectLine(redis, "incident.closed", "info", "RESPONSE_TIMEOUT");
    expect(closed.fields).toMatchObject({ ending: "recovered", failed: 0 });
    expect(closed.fields["durationMs"]).toBeGreaterThanOrEqual(1900);
  });

  it("a command that only waited is DEADLINE, never sent, with the connection's failure underneath", async () => {
    const redis = open({
      port: await freePort(),
      resilience: { deadline: 1000, reconnect: { minTimeout: 100, maxTimeout: 100 } },
    });
    const { error, next } = await expectFailure(redis.set("k", "v"), "DEADLINE", "no", true);
    expect(error.message).toMatch(/SET was never sent.*ECONNREFUSED.*safe to try again/);
    expect(next[0]?.run).toBe(`redis-cli ${at(redis)} --askpass ping`);
    const line = await expectLine(redis, "incident.open", "error", "CONNECTION_REFUSED");
    expect(line.runs).toContain(at(redis));
  });
});
