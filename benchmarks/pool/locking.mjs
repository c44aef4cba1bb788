/** Optimistic locking on few connections, all of them cut again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRedis } from "ioredoubt";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { count } from "../../lab/text-table.mjs";
import { cutting, QUIET } from "./ground.mjs";

/** @param {any} server */
async function openConnections(server) {
  const text = await server.cli("CLIENT", "LIST");
  return text.split("\n").filter((/** @type {string} */ line) => line !== "" && !line.includes("cmd=client|list"))
    .length;
}

/** @param {import("./ground.mjs").Ground} ground */
export async function locking({ kept, bar }) {
  const server = kept(await startRedis());
  const proxy = kept(await startProxy({ target: server }));
  const redis = createRedis({
    port: proxy.port,
    host: "127.0.0.1",
    resilience: { ...QUIET, pool: { max: 4, acquireTimeout: 30_000, idleTimeout: 500 }, breaker: false },
  });
  await redis.ping();
  const stop = cutting(proxy, 30, 60);
  const tally = { succeeded: 0, refused: 0, unknown: 0, conflicts: 0 };
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (let i = 0; i < 40; i++) {
        try {
          const { conflicts } = await redis.transaction(
            ["counter"],
            async ({ conn, multi }) => void multi.set("counter", Number(await conn.get("counter")) + 1),
            { retries: 50 },
          );
          tally.succeeded++;
          tally.conflicts += conflicts;
        } catch (error) {
          if (/** @type {any} */ (error).applied === "no") tally.refused++;
          else tally.unknown++;
        }
      }
    }),
  );
  await stop();
  const counter = Number(await server.call("GET", "counter"));
  const { succeeded, unknown } = tally;
  bar(
    "optimistic locking: counter = successes (+ those reported unknown)",
    counter >= succeeded && counter <= succeeded + unknown && succeeded > 0,
    `counter ${count(counter)}, ${JSON.stringify(tally)}`,
  );
  await sleep(1500);
  const left = await openConnections(server);
  const { leased, waiting } = redis.stats().pool ?? { leased: -1, waiting: -1 };
  bar(
    "no leaked connection",
    left <= 1 && leased === 0 && waiting === 0,
    `${left} connection left, ${leased} leased, ${waiting} waiting`,
  );
  await redis.close();
}
