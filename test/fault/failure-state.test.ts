/** Whatever error leaves the client carries what the client knew at that moment: bounded, frozen, hidden, free of data. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FailureState } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client, outcomeOf, outcomesOf, proxyTo, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const PLANTED = "planted-9f2c";

/** The state of an error, after a look at what must hold for each. */
function stateOf(error: unknown): FailureState {
  expect(error).toBeInstanceOf(Error);
  const { state } = error as { state?: FailureState };
  if (state === undefined) throw new Error("no state", { cause: error });
  expect(Object.keys(error as Error)).not.toContain("state");
  expect(JSON.stringify(error)).not.toContain("inFlight");
  expect(
    Object.isFrozen(state) && Object.isFrozen(state.connection ?? state) && Object.isFrozen(state.head ?? state),
  ).toBe(true);
  const text = JSON.stringify(state);
  expect(text.length).toBeLessThan(1000);
  expect(text).not.toContain(PLANTED);
  expect((error as { state?: FailureState }).state).toBe(state);
  return state;
}

describe("the state of an error", () => {
  it("of a command that came too late names what it waited behind", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 300 } });
    proxy.blackhole();
    const [first, , last] = await outcomesOf([redis.lpush(PLANTED, PLANTED), redis.get(PLANTED), redis.incr(PLANTED)]);
    expect(stateOf(first?.error)).toMatchObject({
      endpoint: `127.0.0.1:${proxy.port}`,
      phase: "ready",
      command: "lpush",
      attempts: 1,
      waiting: 0,
      inFlight: 3,
      head: { command: "lpush", behind: 2 },
      connection: { everReady: true, bytesReadSince: 0 },
    });
    const { elapsedMs = 0, head, connection } = stateOf(last?.error);
    expect(elapsedMs).toBeGreaterThanOrEqual(300);
    expect(head?.forMs).toBeGreaterThanOrEqual(299);
    expect(connection?.silentMs).toBeGreaterThanOrEqual(299);
    expect(connection?.bytesRead).toBeGreaterThan(0);
  });

  it("of a command whose connection was lost counts what was lost with it", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.blackhole();
    const lost = outcomesOf(["a", "b", "c"].map((key) => redis.incr(`${key}${PLANTED}`)));
    await eventually(() => expect(redis.stats().inFlight).toBe(3));
    proxy.cutAll();
    for (const { error } of await lost) {
      expect(stateOf(error)).toMatchObject({
        command: "incr",
        attempts: 1,
        inFlight: 3,
        head: { command: "incr", behind: 2 },
      });
    }
  });

  it("of a reply of the server is there as well", async () => {
    const redis = await ready(server.port);
    await redis.set("text", PLANTED);
    const { error } = await outcomeOf(redis.lpush("text", PLANTED));
    expect(stateOf(error)).toMatchObject({
      command: "lpush",
      attempts: 1,
      phase: "ready",
      connection: { everReady: true },
    });
    const [[refused] = []] = (await redis.pipeline().lpush("text", PLANTED).exec()) ?? [];
    expect(stateOf(refused)).toMatchObject({ command: "lpush" });
  });

  it("of what was never sent says what waited", async () => {
    const redis = client(await freePort(), {
      resilience: { queue: { maxCommands: 2 }, inFlight: { maxCommands: 2 }, breaker: { downAfter: 300 } },
    });
    const event = new Promise((resolve) => redis.once("error", resolve));
    const waiting = outcomesOf([redis.get(PLANTED), redis.get(PLANTED)]);
    const full = await outcomeOf(redis.set(PLANTED, PLANTED));
    expect(stateOf(full.error)).toMatchObject({ command: "set", attempts: 0, inFlight: 0, waiting: 2 });
    expect(stateOf(await event)).toMatchObject({ endpoint: redis.stats().endpoint, waiting: 2 });
    for (const { error } of await waiting)
      expect(stateOf(error)).toMatchObject({ command: "get", attempts: 0, inFlight: 0 });
    const refused = await outcomeOf(redis.get(PLANTED));
    expect(refused.error).toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(stateOf(refused.error)).toMatchObject({ waiting: 0 });
    const lazy = client(await freePort(), { lazyConnect: true, retryStrategy: () => null });
    expect(stateOf((await outcomeOf(lazy.connect())).error)).toMatchObject({ endpoint: lazy.stats().endpoint });
  });

  it("of the pool, of a transaction and of a closed client is there as well", async () => {
    const redis = await ready(server.port, { resilience: { pool: { max: 1, acquireTimeout: 1500 } } });
    let finish = (): void => undefined;
    const held = redis.withConnection(() => new Promise<void>((resolve) => (finish = resolve)));
    const late = await outcomeOf(redis.withConnection((conn) => conn.get(PLANTED)));
    expect(stateOf(late.error)).toMatchObject({ endpoint: redis.stats().endpoint, phase: "ready" });
    finish();
    await held;
    const conflict = await outcomeOf(
      redis.transaction(
        ["guarded"],
        async ({ multi }) => {
          await server.call("INCR", "guarded");
          multi.set("guarded", PLANTED);
        },
        { retries: 0 },
      ),
    );
    expect(stateOf(conflict.error)).toMatchObject({ phase: "ready", connection: { everReady: true } });
    expect(conflict.error).toMatchObject({ diagnosis: { code: "EXEC_ABORTED" } });
    redis.disconnect();
    const closed = await outcomesOf([redis.get(PLANTED), redis.withConnection((conn) => conn.get(PLANTED))]);
    for (const { error } of closed) expect(stateOf(error)).toMatchObject({ endpoint: redis.stats().endpoint });
  });
});
