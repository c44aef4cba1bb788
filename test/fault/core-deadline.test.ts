/** Every command settles at its deadline, with the truth about whether it may have run, and a dead connection does not stay. */
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IoredoubtError } from "../../src/failure/errors.js";
import { atMost } from "../helpers/at-most.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import type { Redis } from "../../src/redis.js";
import {
  atEnd,
  callsOf,
  clean,
  client,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  plain,
  proxyTo,
  ready,
  scriptedServer,
  sleep,
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Blocks for this long, and until so many bytes of replies lie in the client's socket, where the kernel shows that. */
function blockUntilReplied(redis: Redis, bytes: number, ms: number): void {
  const port = redis.stream.localPort ?? 0;
  const row = new RegExp(`: \\w+:${port.toString(16).toUpperCase().padStart(4, "0")} \\w+:\\w+ 01 \\w+:(\\w+) `);
  const waiting = (): number => Number.parseInt(row.exec(readFileSync("/proc/net/tcp", "utf8"))?.[1] ?? "0", 16);
  block(ms);
  if (!existsSync("/proc/net/tcp")) return;
  const until = performance.now() + 10_000;
  while (waiting() < bytes && performance.now() < until);
}

/** Commands are given up on this connection until it is given up itself: a process that stood still does not blame the server. */
async function givenUp(redis: Redis): Promise<void> {
  await turn();
  while (redis.status === "ready") {
    await outcomeOf(redis.get("n"));
    await turn();
  }
}

/**
 * A relay that takes requests in at a limited rate, as a thin uplink does, for so many milliseconds from the first large one;
 * from then on as fast as this machine can, so that nothing depends on how fast that is.
 */
async function thinUplink(bytesPerSecond: number, during: number): Promise<number> {
  const relay = createServer((from) => {
    const to = connect(server.port, "127.0.0.1");
    let until = Infinity;
    to.pipe(from);
    from.on("data", (chunk) => {
      to.write(chunk);
      const now = performance.now();
      if (until === Infinity && chunk.length > 10_000) until = now + during;
      if (now >= until) return;
      from.pause();
      setTimeout(() => from.resume(), (chunk.length / bytesPerSecond) * 1000);
    });
    for (const socket of [from, to]) {
      socket.on("error", () => socket.destroy());
      socket.on("close", () => (from.destroy(), to.destroy()));
    }
    atEnd(() => void from.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  atEnd(() => void relay.close());
  const address = relay.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe("a connection that went silent", () => {
  it("is destroyed at the deadline, and everything in flight has one fate: outcome unknown", async () => {
    const proxy = await proxyTo(server);
    // No heartbeat: the deadline alone must find out.
    const redis = await ready(proxy.port, { resilience: { deadline: 1000, breaker: false, heartbeat: false } });
    proxy.blackhole();
    const outcomes = await outcomesOf([redis.incr("n"), redis.get("n"), redis.pipeline().incr("n").exec()]);
    expectError(outcomes[0] ?? fail(), "OutcomeUnknownError", "maybe");
    expectError(outcomes[1] ?? fail(), "OutcomeUnknownError", "maybe");
    expect(outcomes[2]?.value).toMatchObject([[{ code: "OUTCOME_UNKNOWN", applied: "maybe" }]]);
    expect(IoredoubtError.is(outcomes[0]?.error) && outcomes[0].error.elapsed).toBeGreaterThanOrEqual(1000);
    for (const { after } of outcomes) expect(after).toBeLessThan(atMost(1000));
    await givenUp(redis);
    await eventually(() => expect(proxy.counters.connections).toBe(2));
    await proxy.pass();
    expect(await redis.set("after", "1")).toBe("OK");
    expect(redis.log.text()).toContain("RESPONSE_TIMEOUT");
    expect(await server.cli("EXISTS", "after")).toBe("1");
  });

  it("is kept for ever by plain ioredis with commandTimeout", async () => {
    const proxy = await proxyTo(server);
    const redis = await plain(proxy.port, { commandTimeout: 300 });
    proxy.blackhole();
    for (let i = 0; i < 5; i++) expect(gist(await outcomeOf(redis.get("n")))).toBe("Command timed out");
    expect(redis.status).toBe("ready");
    expect(proxy.counters.connections).toBe(1);
  });

  it("with replies dropped behind the execution is told as possibly applied; it was, once", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 300 } });
    proxy.dropReplies();
    const outcome = await outcomeOf(redis.incr("n"));
    const error = expectError(outcome, "DeadlineError", "maybe");
    expect(error.elapsed).toBeGreaterThanOrEqual(300);
    expect(outcome.after).toBeLessThan(atMost(300));
    await proxy.pass();
    await redis.ping();
    expect(await server.cli("GET", "n")).toBe("1");
  });

  it("does not take the following commands with it: a short deadline alone replaces nothing", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await server.call("MSET", "a", "A", "b", "B", "c", "C");
    proxy.blackhole();
    const [early, b, short, c] = [
      outcomeOf(redis.withDeadline(50).get("a")),
      outcomeOf(redis.withDeadline(20_000).get("b")),
      outcomeOf(redis.withDeadline(60).incr("n")),
      outcomeOf(redis.withDeadline(20_000).get("c")),
    ];
    expect([gist(await early), gist(await short)]).toEqual(Array(2).fill("DeadlineError maybe"));
    await proxy.pass();
    expect([(await b).value, (await c).value]).toEqual(["B", "C"]);
    expect(proxy.counters.connections).toBe(1);
    expect(redis.stats().inFlight).toBe(0);
  });
});

describe("a connection that was idle", () => {
  it("is not taken for silent when the first command after that gives up early", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1000 } });
    await sleep(1200);
    proxy.blackhole();
    const [early, later] = [
      outcomeOf(redis.withDeadline(50).get("a")),
      outcomeOf(redis.withDeadline(20_000).incr("n")),
    ];
    expect(gist(await early)).toBe("DeadlineError maybe");
    await proxy.pass();
    expect(gist(await later)).toBe("ok");
    expect(proxy.counters.connections).toBe(1);
  });
});

describe("a frozen server", () => {
  it("fails 500 commands in flight and those that follow within their deadline, and works soon after it thaws", async () => {
    const frozen = await startRedis();
    atEnd(() => frozen.stop());
    const redis = await ready(frozen.port, { resilience: { deadline: 1000, heartbeat: false } });
    frozen.freeze();
    const inFlight = Array.from({ length: 500 }, (_, i) => outcomeOf(i % 2 === 0 ? redis.incr("n") : redis.get("n")));
    const settled = await Promise.all(inFlight);
    for (const outcome of settled)
      expect(gist(outcome)).toMatch(/^(DeadlineError|OutcomeUnknownError|CircuitOpenError) maybe$/);
    expect(Math.max(...settled.map(({ after }) => after))).toBeLessThan(atMost(1000));
    // The kernel still accepts connections for the frozen process; nothing of this is written to them.
    await givenUp(redis);
    const waiting = await outcomeOf(redis.incr("later"));
    expect(["DeadlineError no", "CircuitOpenError no"]).toContain(gist(waiting));
    expect(waiting.after).toBeLessThan(atMost(1000));
    frozen.thaw();
    // Sooner than the circuit would ask by itself.
    await eventually(async () => expect(await redis.get("later")).toBeNull(), { withinMs: 4500 });
    expect(Number(await frozen.cli("GET", "n"))).toBeLessThanOrEqual(250);
  });
});

describe("while there is no connection", () => {
  it("says at the deadline that nothing was sent, for how long it waited and why", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port, { resilience: { deadline: 300 } });
    const outcome = await outcomeOf(redis.incr("n"));
    const error = expectError(outcome, "DeadlineError", "no");
    expect(error.message).toMatch(/INCR was never sent; it waited \d+ ms for 127\.0\.0\.1:\d+\. .*ECONNREFUSED/);
    expect(error.attempts).toBe(0);
    expect(outcome.after).toBeLessThan(atMost(300));
    expect(error.diagnosis).toBeDefined();
  });

  it("counts the wait and the attempt together", async () => {
    const deaf = await scriptedServer((name) => (name === "incr" ? "" : "+PONG\r\n"));
    const proxy = await proxyTo(deaf);
    await proxy.refuse();
    const resilience = { deadline: 1500, breaker: false, reconnect: { minTimeout: 10, maxTimeout: 50 } } as const;
    const redis = client(proxy.port, { resilience });
    const issued = performance.now();
    const outcome = outcomeOf(redis.incr("n"));
    await sleep(700);
    await proxy.pass();
    const { elapsed } = expectError(await outcome, "DeadlineError", "maybe");
    expect(deaf.seen).toEqual(["incr"]);
    expect(elapsed).toBeGreaterThanOrEqual(1500);
    // A deadline that began with the attempt would have given it that much alone.
    expect(elapsed - ((deaf.at[0] ?? 0) - issued)).toBeLessThan(1500);
  });
});

describe("limits of single calls", () => {
  it("withDeadline(false) outlives the client's deadline", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 100 } });
    const outcome = await outcomeOf(redis.withDeadline(false).call("DEBUG", "SLEEP", "0.4"));
    expect(gist(outcome)).toBe("ok");
  });

  it("commandTimeout of ioredis is the deadline", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { commandTimeout: 150, resilience: { deadline: undefined } });
    proxy.dropReplies();
    const outcome = await outcomeOf(redis.incr("n"));
    expectError(outcome, "DeadlineError", "maybe");
    expect(outcome.error?.message).toMatch(/^Command timed out/);
    expect(outcome.after).toBeLessThan(atMost(150));
  });

  it("a signal ends a wait at once, and the command is never sent", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port);
    const controller = new AbortController();
    const waiting = outcomeOf(redis.with({ signal: controller.signal }).incr("n"));
    await turn();
    const reason = new Error("request closed");
    controller.abort(reason);
    const error = expectError(await waiting, "AbortedError", "no");
    expect(error.cause).toBe(reason);
    await proxy.pass();
    await redis.ping();
    expect((await callsOf(server))["incr"]).toBeUndefined();
    expect(gist(await outcomeOf(redis.with({ signal: controller.signal }).incr("n")))).toBe("AbortedError no");
    await redis.ping();
    expect((await callsOf(server))["incr"]).toBeUndefined();
  });

  it("a signal in flight says that it may have run; later replies reach their own commands", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.latency(100);
    const controller = new AbortController();
    const aborted = outcomeOf(redis.with({ signal: controller.signal }).incr("n"));
    const next = redis.incr("n");
    controller.abort();
    expectError(await aborted, "AbortedError", "maybe");
    expect(await next).toBe(2);
    expect(redis.stats().inFlight).toBe(0);
    expect(proxy.counters.connections).toBe(1);
  });
});

describe("limits of limits", () => {
  it("concern commands only: what else is done through the view is done to the client", async () => {
    const proxy = await proxyTo(server);
    const redis = client(proxy.port, { lazyConnect: true });
    const view = redis.withDeadline(1000);
    await view.connect();
    expect([redis.status, view.status]).toEqual(["ready", "ready"]);
    const ended = new Promise((resolve) => view.on("end", resolve));
    view.on("message", () => undefined).off("message", () => undefined);
    expect(Object.keys(view)).toEqual(Object.keys(redis));
    view.disconnect();
    await ended;
    expect([redis.status, view.status]).toEqual(["end", "end"]);
  });

  it("add up: with() on a view keeps what the view already had", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.dropReplies();
    const outcome = await outcomeOf(redis.withDeadline(150).with({ ambiguous: "reads" }).get("a"));
    expectError(outcome, "DeadlineError", "maybe");
    expect(outcome.after).toBeLessThan(atMost(150));
  });
});

describe("a blocked event loop", () => {
  it("does not fail a command whose reply is in the socket already", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 100 } });
    for (let i = 0; i < 3; i++) {
      const replies = outcomesOf(Array.from({ length: 20 }, () => redis.incr("n")));
      await turn();
      blockUntilReplied(redis, 20 * ":1\r\n".length, 300);
      expect((await replies).map(gist)).toEqual(Array(20).fill("ok"));
    }
    expect(redis.stats().breaker.readWrite.state).toBe("closed");
  });

  it("fails it with plain ioredis and commandTimeout", async () => {
    const redis = await plain(server.port, { commandTimeout: 100 });
    const reply = outcomeOf(redis.incr("n"));
    await turn();
    block(300);
    expect(gist(await reply)).toBe("Command timed out");
  });

  it("is named in the error when there was no reply, and is not held against the server", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 100 } });
    proxy.dropReplies();
    const reply = outcomeOf(redis.incr("n"));
    await turn();
    block(400);
    const error = expectError(await reply, "DeadlineError", "maybe");
    expect(error.message).toMatch(/event loop was blocked for \d+ ms/);
  });
});

describe("an event loop that was blocked for a part of a wait", () => {
  it("gives the server that time: a reply that comes later than the deadline is no late one", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1500, heartbeat: false } });
    proxy.blackhole();
    const reply = outcomeOf(redis.withDeadline(1600).incr("n"));
    await sleep(1000);
    block(900);
    // It is as late as this by the clock on the wall.
    await sleep(300);
    await proxy.pass();
    expect(gist(await reply)).toBe("ok");
    expect(proxy.counters.connections).toBe(1);
    expect(redis.log.lines.filter(({ fields }) => fields["event"] === "incident.open")).toEqual([]);
    expect(redis.stats()).toMatchObject({ lost: 0, deadlines: 0 });
  });

  it("gives it once: a server that was silent in all the rest is given up", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1500, heartbeat: false } });
    proxy.blackhole();
    const reply = outcomeOf(redis.incr("n"));
    await sleep(1000);
    block(900);
    const { elapsed } = expectError(await reply, "OutcomeUnknownError", "maybe");
    expect(elapsed).toBeGreaterThanOrEqual(1500 + 800);
  });
});

describe("a large payload", () => {
  const VALUE = "x".repeat(1024 * 1024);

  it("may outlive its deadline while its bytes are leaving", async () => {
    // Half of it has left when the uplink widens: after the deadline, before the look that follows.
    const port = await thinUplink(24 * 1024 * 1024, 600);
    const redis = await ready(port, { resilience: { deadline: 500 } });
    const pipeline = redis.pipeline();
    for (let i = 0; i < 32; i++) pipeline.set(`big${String(i)}`, VALUE);
    const start = performance.now();
    const outcome = await outcomeOf(pipeline.exec());
    expect(performance.now() - start).toBeGreaterThan(600);
    const entries = outcome.value as [Error | null, unknown][];
    expect(new Set(entries.map(([error]) => gist(error)))).toEqual(new Set(["ok"]));
    expect(await server.cli("DBSIZE")).toBe("32");
  });

  it("settles all the same when its bytes do not move", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 500 } });
    proxy.blackhole();
    const pipeline = redis.pipeline();
    for (let i = 0; i < 32; i++) pipeline.set(`big${String(i)}`, VALUE);
    const outcome = await outcomeOf(pipeline.exec());
    const entries = outcome.value as [Error | null, unknown][];
    for (const [error] of entries) expect(gist(error)).toMatch(/maybe$|no$/);
    expect(outcome.after).toBeLessThan(atMost(1000 + 250));
  });

  it("that arrives slowly fails its reader at the deadline and leaves the connection to the others", async () => {
    const proxy = await proxyTo(server);
    await server.call("SET", "big", VALUE);
    const redis = await ready(proxy.port, { resilience: { deadline: 1100 } });
    proxy.throttle(600 * 1024);
    const outcomes = await outcomesOf([redis.get("big"), redis.withDeadline(20_000).get("missing")]);
    expect(outcomes.map(gist)).toEqual(["DeadlineError maybe", "ok"]);
    expect(proxy.counters.connections).toBe(1);
  });
});

describe("blocking commands", () => {
  it("have their own time: a BLPOP of one second ends with null under a deadline of 200 ms", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 200 } });
    const start = performance.now();
    expect(await redis.blpop("l", 1)).toBeNull();
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it("get the deadline as grace on top of it, and no more", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 300 } });
    // Once, so that the connection for blocking commands stands.
    await redis.blpop("l", 0.01);
    proxy.dropReplies();
    const outcome = await outcomeOf(redis.blpop("l", 0.3));
    expect(expectError(outcome, "DeadlineError", "maybe").elapsed).toBeGreaterThanOrEqual(600);
    expect(outcome.after).toBeLessThan(atMost(600));
  });

  it("do not lose an element when given up in flight: the socket goes, so that the server delivers to nobody", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const controller = new AbortController();
    const popped = outcomeOf(redis.with({ signal: controller.signal }).blpop("l", 0));
    await eventually(async () => expect(await server.cli("INFO", "clients")).toContain("blocked_clients:1"));
    controller.abort();
    expectError(await popped, "AbortedError", "maybe");
    await eventually(async () => expect(await server.cli("INFO", "clients")).toContain("blocked_clients:0"));
    await server.call("RPUSH", "l", "job-1");
    expect(await server.cli("LRANGE", "l", 0, -1)).toBe("job-1");
    expect(await redis.blpop("l", 1)).toEqual(["l", "job-1"]);
  });

  it("do not lose an element with blockingTimeout either", async () => {
    const redis = await ready(server.port, { blockingTimeout: 200 });
    expectError(await outcomeOf(redis.blpop("l", 0)), "DeadlineError", "maybe");
    await eventually(async () => expect(await server.cli("INFO", "clients")).toContain("blocked_clients:0"));
    await server.call("RPUSH", "l", "job-1");
    expect(await redis.lpop("l")).toBe("job-1");
  });

  it("lose it with plain ioredis and blockingTimeout", async () => {
    const redis = await plain(server.port, { blockingTimeout: 200 });
    expect(await redis.blpop("l", 0)).toBeNull();
    await server.call("RPUSH", "l", "job-1");
    await eventually(async () => expect(await server.cli("LLEN", "l")).toBe("0"));
  });

  it("wait for a connection no longer than the deadline", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port, { resilience: { deadline: 300 } });
    const outcome = await outcomeOf(redis.blpop("l", 0));
    expectError(outcome, "DeadlineError", "no");
    expect(outcome.after).toBeLessThan(atMost(300));
  });

  it("of whatever length are not taken for a silent connection by the heartbeat", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { heartbeat: { interval: 100, timeout: 400 } } });
    const popped = redis.blpop("l", 0);
    await eventually(async () => expect(await server.cli("INFO", "clients")).toContain("blocked_clients:1"));
    await sleep(1500);
    await server.call("RPUSH", "l", "x");
    expect(await popped).toEqual(["l", "x"]);
    expect(proxy.counters.connections).toBe(1);
  });
});

function fail(): never {
  throw new Error("missing");
}
