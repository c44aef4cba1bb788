/** Ending a client settles everything and lets the process go, whatever the connection is doing; a refused one says why. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { atMost } from "../helpers/at-most.js";
import { runSource } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import {
  atEnd,
  callsOf,
  clean,
  client,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  proxyTo,
  ready,
  sleep,
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

/** A process that brings a client into a state, waits for the test to break the network, and ends the client. */
const CHILD = `
import { connect } from "node:net";
import { Redis } from "ioredoubt";
const [port, serverPort, state, action] = process.argv.slice(-4);
const redis = new Redis({
  host: "127.0.0.1",
  port: Number(port),
  lazyConnect: state === "wait",
  ...(state === "connecting" ? { tls: { rejectUnauthorized: false } } : {}),
  resilience: {
    profile: "production",
    // QUIT alone waits for its deadline where nobody answers.
    deadline: action === "quit" ? 1000 : 5000,
    logger: false,
    reconnect: { minTimeout: 5000, maxTimeout: 5000, handshakeTimeout: 20_000 },
    breaker: { downAfter: 20_000 },
  },
});
redis.on("error", () => {});
const connected = ["ready", "in flight", "reconnecting", "end"].includes(state);
if (connected) await redis.withDeadline(20_000).ping();
if (state !== "wait") {
  // Waits for the test's word on a connection of its own.
  await new Promise((resolve) => {
    const line = connect(Number(serverPort), "127.0.0.1", () => line.write("BLPOP go 20\\r\\n"));
    line.once("data", () => (line.destroy(), resolve()));
  });
}
if (state === "end") {
  redis.disconnect();
  await new Promise((resolve) => redis.once("end", resolve));
}
if (state === "reconnecting") while (redis.status !== "reconnecting") await new Promise((r) => setTimeout(r, 5));
const before = redis.status;
const outcomes = {};
const note = (name, promise) =>
  promise.then(
    // A pipeline fulfils with its members' errors.
    (value) => (outcomes[name] = Array.isArray(value) && Array.isArray(value[0]) ? (value[0][0]?.name ?? "ok") : "ok"),
    (error) => (outcomes[name] = error.name),
  );
const all = [];
if (state !== "wait" && state !== "end") {
  all.push(note("get", redis.get("a")), note("incr", redis.incr("n")), note("multi", redis.multi().incr("m").exec()));
  all.push(note("pipeline", redis.pipeline().incr("p").exec()), note("subscribe", redis.subscribe("c")));
  if (state === "in flight") await new Promise((resolve) => setImmediate(resolve));
}
if (action === "close") all.push(note("close", redis.close({ drain: 300 })));
if (action === "disconnect") redis.disconnect();
if (action === "quit") all.push(note("quit", redis.quit()));
all.push(note("after", redis.get("a")));
await Promise.all(all);
const settled = Math.round(performance.now());
process.on("exit", () => {
  console.log(JSON.stringify({ before, status: redis.status, outcomes, lingered: Math.round(performance.now()) - settled }));
});
`;

/** Less than the shortest timer that could keep the process once all has settled. In milliseconds. */
const LINGER = 2500;

interface Report {
  readonly before: string;
  readonly status: string;
  readonly outcomes: Readonly<Record<string, string>>;
  /** Milliseconds that the process lived on after everything had settled. */
  readonly lingered: number;
}

const STATES = ["wait", "connecting", "connect", "ready", "in flight", "reconnecting", "end"] as const;
type State = (typeof STATES)[number];

async function endIn(state: State, action: string): Promise<Report> {
  const own = await startRedis();
  atEnd(() => own.stop());
  const proxy = await proxyTo(own);
  if (state === "connecting" || state === "connect") proxy.silent();
  const child = runSource(CHILD, {
    args: [String(proxy.port), String(own.port), state, action],
    env: { NODE_ENV: "production" },
    timeout: 25_000,
  });
  if (state !== "wait") {
    await eventually(async () => expect(await own.cli("INFO", "clients")).toContain("blocked_clients:1"), {
      withinMs: 20_000,
    });
    if (state === "in flight") proxy.blackhole();
    if (state === "reconnecting") {
      await proxy.refuse();
      proxy.cutAll();
    }
    await own.call("RPUSH", "go", "1");
  }
  const result = await child;
  expect(result.stderr).toBe("");
  expect(result).toMatchObject({ code: 0, signal: null, timedOut: false, unhandled: [] });
  return JSON.parse(result.stdout) as Report;
}

describe.each(STATES)("in the state %s", (state) => {
  it.each(["disconnect", "quit", "close"])(
    "%s() settles everything and lets the process end by itself",
    async (action) => {
      const report = await endIn(state, action);
      if (state !== "in flight") expect(report.before).toBe(state);
      expect(report.status).toBe("end");
      expect(report.lingered).toBeLessThan(LINGER);
      // Nothing may pass for done that was not: only a live server answers.
      const expected = state === "ready" ? /^(ok|ClosedError)$/ : /^(ClosedError|DeadlineError|OutcomeUnknownError)$/;
      for (const [name, outcome] of Object.entries(report.outcomes)) {
        if (name === "close" || name === "quit")
          expect(outcome).toBe(action === "quit" && state === "end" ? "ClosedError" : "ok");
        else if (name === "after")
          expect(outcome).toMatch(action === "quit" ? /^(Closed|Deadline)Error$/ : /^ClosedError$/);
        else expect(`${name} ${outcome}`).toMatch(new RegExp(`^${name} ${expected.source.slice(1)}`));
      }
    },
  );
});

describe("close()", () => {
  it("is over with the connection when that is lost before QUIT is answered", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const before = proxy.counters.requests;
    proxy.dropReplies();
    let isClosed = false;
    void redis.close().then(() => (isClosed = true));
    await eventually(() => expect(proxy.counters.requests).toBeGreaterThan(before));
    const ended = new Promise<void>((resolve) => redis.once("end", resolve));
    proxy.cutAll();
    await ended;
    // No timer has to run for it: it may be all that keeps the process.
    await new Promise(setImmediate);
    expect(isClosed).toBe(true);
  });

  it("waits for what is under way, takes nothing new, and can be called again", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.latency(100);
    const underWay = outcomesOf([redis.incr("n"), redis.pipeline().incr("n").exec(), redis.multi().incr("n").exec()]);
    const closed = redis.close();
    const after = await outcomeOf(redis.incr("n"));
    expectError(after, "ClosedError", "no");
    expect(after.error?.message).toBe("Connection is closed.");
    expect((await underWay).map(gist)).toEqual(["ok", "ok", "ok"]);
    await closed;
    expect(redis.status).toBe("end");
    await redis.close();
    expect(await server.cli("GET", "n")).toBe("3");
  });

  it("gives up after `drain` on a server that does not answer, and tells each command the truth", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 10_000 } });
    proxy.blackhole();
    const inFlight = outcomeOf(redis.incr("n"));
    const start = performance.now();
    await redis.close({ drain: 200 });
    expect(performance.now() - start).toBeLessThan(atMost(200 + 250));
    expectError(await inFlight, "ClosedError", "maybe");
    expect(redis.health().status).toBe("closed");
  });

  it("is what `await using` does at the end of its block", async () => {
    const redis = client(server.port);
    await redis.incr("n");
    await redis[Symbol.asyncDispose]();
    expect(redis.status).toBe("end");
    await eventually(async () => expect(await server.cli("INFO", "clients")).toContain("connected_clients:1\r"));
  });

  it("drains also what waits for a connection", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port);
    const waiting = outcomeOf(redis.incr("n"));
    const closed = redis.close({ drain: 20_000 });
    await proxy.pass();
    expect((await waiting).value).toBe(1);
    await closed;
    expect(redis.status).toBe("end");
  });
});

describe("quit()", () => {
  it("answers OK after everything that was issued before it", async () => {
    const redis = await ready(server.port);
    const values = Promise.all([redis.incr("n"), redis.pipeline().incr("n").exec(), redis.quit()]);
    expect(await values).toEqual([1, [[null, 2]], "OK"]);
    await eventually(() => expect(redis.status).toBe("end"));
  });

  it("does not hang on a server that went silent", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 400 } });
    proxy.blackhole();
    const outcome = await outcomeOf(redis.quit());
    expect(outcome.value).toBe("OK");
    expect(outcome.after).toBeLessThan(atMost(400));
    await eventually(() => expect(redis.status).toBe("end"));
  });
});

describe("after the end", () => {
  it("connect() revives the client, also its circuit and its log", async () => {
    const redis = await ready(server.port, { resilience: { breaker: { downAfter: 100 } } });
    redis.disconnect();
    await eventually(() => expect(redis.status).toBe("end"));
    expectError(await outcomeOf(redis.incr("n")), "ClosedError", "no");
    await redis.connect();
    // Where connecting took longer than `downAfter`, the circuit asks the server first.
    await eventually(async () => expect(await redis.incr("n")).toBe(1));
    expect(redis.health().status).toBe("ready");
    redis.disconnect();
    const revived = redis.connect();
    await outcomeOf(revived);
  });

  it("connect() after close() revives it too", async () => {
    const redis = await ready(server.port);
    await redis.close();
    await redis.connect();
    expect(await redis.incr("n")).toBe(1);
    await redis.close();
    expect(redis.status).toBe("end");
  });

  it("a retryStrategy that gives up ends the client and settles what waits", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port, { retryStrategy: (times) => (times > 2 ? null : 10) });
    const outcomes = await outcomesOf([redis.incr("n"), redis.multi().incr("n").exec()]);
    for (const outcome of outcomes) expect(gist(outcome)).toMatch(/ no$|Connection is closed/);
    await eventually(() => expect(redis.status).toBe("end"));
  });
});

describe("a database that does not exist", () => {
  it("is never served as database 0", async () => {
    const redis = client(server.port, { db: 99, resilience: { deadline: 500 } });
    const outcomes = await outcomesOf([redis.set("a", "1"), redis.incr("n"), redis.pipeline().set("b", "1").exec()]);
    for (const outcome of outcomes.slice(0, 2))
      expect(gist(outcome)).toMatch(/DB index is out of range|DeadlineError no/);
    expect(await server.cli("DBSIZE")).toBe("0");
    expect((await callsOf(server))["set"]).toBeUndefined();
    await eventually(() => expect(redis.log.text()).toContain("DB index is out of range"));
  });
});

describe("a wrong password", () => {
  it("fails what waits with the server's own error, and heals when the password is set right", async () => {
    const guarded = await startRedis({ password: "first" });
    atEnd(() => guarded.stop());
    const redis = client(guarded.port, { password: "second", resilience: { deadline: 20_000 } });
    const outcome = await outcomeOf(redis.set("a", "1"));
    expect(outcome.error?.message).toMatch(/^WRONGPASS/);
    expect(outcome.error).toHaveProperty("diagnosis.code");
    expect(outcome.after).toBeLessThan(10_000);
    expect(redis.log.text()).not.toMatch(/"second"|>second/);
    await guarded.call("CONFIG", "SET", "requirepass", "second");
    await eventually(async () => expect(await redis.set("a", "1")).toBe("OK"));
    expect(redis.health().status).toBe("ready");
  });

  it("is not tried without pause", async () => {
    const guarded = await startRedis({ password: "first" });
    atEnd(() => guarded.stop());
    const proxy = await proxyTo(guarded);
    const redis = client(proxy.port, {
      password: "second",
      resilience: { reconnect: { minTimeout: 50, maxTimeout: 1000 } },
    });
    await sleep(2000);
    expect(proxy.counters.connections).toBeLessThan(25);
    expect(redis.status).not.toBe("ready");
  });
});
