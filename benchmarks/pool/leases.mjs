/** Loans that leave a connection in disorder, throw, or lose it: all end, in order. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRedis } from "ioredoubt";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { cutting, QUIET } from "./ground.mjs";

/** @param {import("./ground.mjs").Ground} ground */
export async function leases({ kept, bar }) {
  const server = kept(await startRedis());
  const proxy = kept(await startProxy({ target: server }));
  const redis = createRedis({
    port: proxy.port,
    host: "127.0.0.1",
    resilience: { ...QUIET, pool: { max: 8, acquireTimeout: 30_000, idleTimeout: 500 }, breaker: false },
  });
  await redis.ping();
  const stop = cutting(proxy, 20, 40);
  /** @type {number[]} */
  const order = [];
  const outcomes = await Promise.allSettled(
    Array.from({ length: 1000 }, (_, i) =>
      redis.withConnection(async (conn) => {
        order.push(i);
        if (i % 3 === 0) await conn.watch("k");
        if (i % 5 === 0) await conn.select(i % 7);
        if (i % 11 === 0) throw new Error("mine");
        await conn.get("k");
      }),
    ),
  );
  await stop();
  const inOrder = order.every((value, i) => i === 0 || value > (order[i - 1] ?? -1));
  await sleep(1500);
  const stats = redis.stats().pool;
  bar(
    "1,000 loans: all end",
    stats?.leased === 0 && stats.waiting === 0,
    `${outcomes.filter((o) => o.status === "fulfilled").length} went well, ${order.length} were served; destroyed ${JSON.stringify(stats?.destroyed)}`,
  );
  bar("waiters served in order", inOrder, inOrder ? "yes" : "no");
  await redis.close();
}
