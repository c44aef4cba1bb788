/** What the client itself refuses or gives up: circuit, queue, deadline, a blocked event loop, a closed client. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, proxyTo } from "./core-harness.js";
import { at, CANARY, events, expectFailure, expectLine, open, opened, type Logged } from "./client-log-harness.js";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ password: CANARY });
});

afterAll(async () => {
  await server.stop();
});

/** What is called from now on fails fast; what waited before keeps its own deadline. */
function circuitOpen(redis: Logged): Promise<void> {
  return eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
}

describe("a client that refuses commands", () => {
  it("CIRCUIT_OPEN: says why it is open and when it asks again; the log says once that it fails fast", async () => {
    const redis = open({ port: await freePort(), resilience: { breaker: { downAfter: 50 } } });
    await circuitOpen(redis);
    const { error, next } = await expectFailure(redis.set("k", "v"), "CIRCUIT_OPEN", "no", true);
    expect(error.message).toMatch(/ECONNREFUSED|CONNECTION_REFUSED/);
    expect(next[0]?.run).toBe(`redis-cli ${at(redis)} --askpass ping`);
    for (let i = 0; i < 50; i++) await expectFailure(redis.get("k"), "CIRCUIT_OPEN", "no", true);
    const line = await expectLine(redis, "incident.open", "error", "CONNECTION_REFUSED");
    expect(line.runs).toContain(at(redis));
    const fastFailing = redis.log.lines.filter(({ fields }) => fields["circuit"] !== undefined);
    expect(fastFailing).toHaveLength(1);
    expect(fastFailing[0]?.message).toMatch(/fail(?:ing)? fast.*(?:next probe in|probing now)/i);
    expect(redis.log.lines.length, redis.log.text()).toBeLessThanOrEqual(3);
    redis.disconnect();
    const closed = await expectLine(redis, "incident.closed", "info", "CONNECTION_REFUSED");
    expect(closed.fields).toMatchObject({ ending: "closed", rejected: 51, codes: { CIRCUIT_OPEN: 51 } });
  });

  it("CIRCUIT_OPEN: names the refusal, not a silent server, although this process was too busy to hear of it", async () => {
    const redis = open({ port: await freePort(), resilience: { breaker: { downAfter: 50 } } });
    await new Promise((resolve) => redis.once("connecting", resolve));
    await new Promise(setImmediate);
    const since = performance.now();
    while (performance.now() - since < 150);
    await circuitOpen(redis);
    const { error } = await expectFailure(redis.set("k", "v"), "CIRCUIT_OPEN", "no", true);
    expect(error.message).toContain("It opened because of CONNECTION_REFUSED");
  });

  it("CIRCUIT_OPEN: before anything has failed, it names the step that hangs", async () => {
    const proxy = await proxyTo(server);
    proxy.silent();
    const redis = open({ port: proxy.port, resilience: { deadline: 20_000, breaker: { downAfter: 500 } } });
    await circuitOpen(redis);
    const { error } = await expectFailure(redis.get("k"), "CIRCUIT_OPEN", "no", true);
    expect(error.message).toContain("It opened because of HANDSHAKE_TIMEOUT");
    const line = await expectLine(redis, "incident.open", "error", "HANDSHAKE_TIMEOUT");
    expect(line.fields["seen"]).toContain("has not finished the handshake yet");
  });

  it("QUEUE_FULL: while the endpoint is well it is one warning, with the limit in the error", async () => {
    const redis = open({ port: server.port, resilience: { queue: { maxCommands: 2 }, inFlight: { maxCommands: 2 } } });
    const waiting = [redis.set("a", "1"), redis.set("b", "2")];
    const { error } = await expectFailure(redis.set("c", "3"), "QUEUE_FULL", "no", true);
    expect(error.message).toMatch(/2 commands \(\d+ bytes\) already wait .*; the limits are 2 and/);
    await expectFailure(redis.set("d", "4"), "QUEUE_FULL", "no", true);
    const line = await expectLine(redis, "commands.rejected", "warn", "QUEUE_FULL");
    expect(line.fields).toMatchObject({ rejected: 1, waiting: 2 });
    await Promise.all(waiting);
    expect(redis.log.at("error", "fatal")).toEqual([]);
  });

  it("POOL_TIMEOUT: concerns the borrower, and is no incident", async () => {
    const redis = await opened({ port: server.port, resilience: { pool: { max: 1, acquireTimeout: 2000 } } });
    await redis.withConnection(async (held) => {
      await held.ping();
      const { error } = await expectFailure(
        redis.withConnection((other) => other.ping()),
        "POOL_TIMEOUT",
        "no",
        true,
      );
      expect(error.name).toBe("PoolTimeoutError");
    });
    await expectLine(redis, "commands.rejected", "warn", "POOL_TIMEOUT");
    expect(redis.log.at("error", "fatal")).toEqual([]);
  });

  it("CLIENT_CLOSED, ABORTED: concern their caller only: no line", async () => {
    const redis = await opened({ port: server.port });
    await expectFailure(redis.with({ signal: AbortSignal.abort() }).get("k"), "ABORTED", "no", false);
    await redis.close();
    await expectFailure(redis.get("k"), "CLIENT_CLOSED", "no", false);
    expect(redis.log.lines).toEqual([]);
  });

  it("UNAVAILABLE: no connection, and an order not to wait", async () => {
    const redis = open({ port: await freePort(), enableOfflineQueue: false });
    await expectFailure(redis.set("k", "v"), "UNAVAILABLE", "no", true);
  });
});

describe("a client that gives up", () => {
  it("DEADLINE: names the script that everything waits behind", async () => {
    // The policy's own deadline: a short one of a single caller says nothing against the server.
    const redis = await opened({
      port: server.port,
      resilience: { retry: false, deadline: 250, breaker: { downAfter: 10_000 } },
    });
    const patient = redis.withDeadline(20_000);
    const lua = `local t = redis.call('TIME') local stop = t[1] * 1000 + t[2] / 1000 + 900
      repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > stop return 1`;
    const sha = String(await patient.script("LOAD", lua));
    // A process that stood still itself does not blame the server: then the next script tells.
    while (events(redis.log, "incident.open").length === 0) {
      const slow = patient.evalsha(sha, 0);
      const calls = Array.from({ length: 4 }, (_, i) =>
        expectFailure(redis.get(`k${String(i)}`), "DEADLINE", "maybe", true),
      );
      for (const { error, why } of await Promise.all(calls)) {
        expect(error.message).toMatch(/4 commands wait behind EVALSHA, in flight for \d+ ms\./);
        expect(why.join()).toMatch(/4 commands wait behind EVALSHA, in flight for/);
      }
      expect(await slow).toBe(1);
      // The late replies have come too: the next script is the head again.
      await patient.ping();
    }
    const line = await expectLine(redis, "incident.open", "error", "RESPONSE_TIMEOUT");
    expect(line.message).toMatch(/Seen: 4 commands wait behind EVALSHA/);
  });

  it("EVENT_LOOP_BLOCKED: the error and the log blame this process, not the server", async () => {
    const proxy = await proxyTo(server);
    const redis = await opened({ port: proxy.port });
    proxy.blackhole();
    const late = expectFailure(redis.with({ deadline: 200 }).incr("stall"), "DEADLINE", "maybe", true);
    const since = performance.now();
    while (performance.now() - since < 600);
    const { error, why, breaker } = await late;
    expect(error.message).toMatch(/This process's event loop was blocked for \d+ ms/);
    expect(why[0]).toMatch(/event loop was blocked for \d+ ms of the/);
    expect(breaker).toBe("none");
    const line = await expectLine(redis, "command.refused", "warn", "EVENT_LOOP_BLOCKED");
    expect(line.why[0]).toMatch(/event loop was blocked for/);
    expect(events(redis.log, "incident.open")).toEqual([]);
    await proxy.pass();
  });

  it("a server without HELLO: its refusal of the handshake is not taken for the reason of a later loss", async () => {
    const proxy = await proxyTo(server);
    const renamed = await startRedis({ config: ['rename-command HELLO ""'] });
    atEnd(() => renamed.stop());
    proxy.switchTarget(renamed.port);
    const redis = await opened({ port: proxy.port, password: "" });
    const cut = proxy.forwardThenCut();
    const { why } = await expectFailure(redis.incr("n"), "OUTCOME_UNKNOWN", "maybe", true);
    await cut;
    expect(why.join()).not.toContain("last words");
    const line = await eventually(() => {
      // On a busy machine it is away for longer than a blip.
      const [first] = [...events(redis.log, "connection.blip"), ...events(redis.log, "incident.open")];
      expect(first?.fields["code"]).toMatch(/^CONNECTION_(?:RESET|LOST)$/);
      return first;
    });
    expect(JSON.stringify(line)).not.toContain("last words");
  });
});
