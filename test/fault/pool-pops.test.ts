/** No element is ever lost: popped by the server means delivered to the caller, or reported by the very call that popped it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Pops } from "../../lab/pops.mjs";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { sleep } from "./core-harness.js";
import { client } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

it.each([
  ["on connections of their own", 12, 12],
  ["on the clients' own connections", 0, 1],
])("each popped element is delivered or reported by its own call, %s", async (_where, pings, perClient) => {
  await using proxy = await startProxy({ target: server });
  const beating = { heartbeat: { interval: 1_000, timeout: 500 }, deadline: 1_000, breaker: false } as const;
  const clients = Array.from({ length: 12 / perClient }, () =>
    client(proxy.port, { ...beating, reconnect: { minTimeout: 5, maxTimeout: 30 } }),
  );
  for (const redis of clients) for (let n = 0; n < pings; n++) await redis.ping();
  const pops = new Pops();
  let isOn = true;
  const consumers = clients.flatMap((redis) =>
    Array.from({ length: perClient }, async (_, n) => {
      while (isOn) await pops.follow((key) => redis.blpop(key, n % 2 === 0 ? 0 : 1));
    }),
  );
  let running = consumers.length;
  for (const consumer of consumers) void consumer.then(() => running--);
  const call = (...command: (string | number)[]): Promise<unknown> => server.call(...command);
  for (let round = 1; round <= 12; round++) {
    for (let fed = 0; fed < 24;) {
      fed += await pops.feed(call);
      await sleep(1);
    }
    // What is popped from now on is popped for nobody, or its reply comes late, or is cut on its way.
    if (round % 3 === 0) proxy.blackhole();
    else proxy.dropReplies();
    await pops.feed(call);
    await sleep(20);
    await proxy.pass();
    if (round % 3 !== 0) proxy.cutAll();
  }
  isOn = false;
  // Blocks without end go on until they get something.
  while (running > 0) {
    await pops.feed(call);
    await sleep(5);
  }
  const verdict = await pops.verdict(call);
  expect(verdict).toMatchObject({ vanished: 0, twice: 0, pending: 0, wrong: 0 });
  expect(verdict.delivered).toBeGreaterThan(100);
  expect(verdict.reported).toBeGreaterThan(0);
  for (const redis of clients) redis.disconnect();
});
