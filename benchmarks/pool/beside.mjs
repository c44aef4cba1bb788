/** Ordinary commands beside blocking ones of the same client; plain ioredis beside it. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis as Plain } from "ioredis";
import { createRedis } from "ioredoubt";
import { startRedis } from "../../lab/redis-server.mjs";
import { duration } from "../../lab/text-table.mjs";
import { quantile } from "../lib/report.mjs";
import { QUIET } from "./ground.mjs";

/** @param {any} client @param {number} ms */
async function gets(client, ms) {
  const times = [];
  const until = performance.now() + ms;
  while (performance.now() < until) {
    const start = performance.now();
    await Promise.race([client.get("small"), sleep(6000, undefined, { ref: false })]);
    times.push(performance.now() - start);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return times;
}

/** @param {import("./ground.mjs").Ground} ground */
export async function beside({ kept, bar }) {
  const server = kept(await startRedis());
  const makers = {
    "plain ioredis": () => new Plain({ port: server.port, host: "127.0.0.1" }),
    ioredoubt: () => createRedis({ port: server.port, host: "127.0.0.1", resilience: QUIET }),
  };
  await server.call("SET", "small", "x".repeat(100));
  for (const [label, make] of Object.entries(makers)) {
    const client = /** @type {any} */ (make());
    client.on("error", () => {});
    await gets(client, 1500);
    const ratios = [];
    const shown = [];
    for (let round = 0; round < (label === "ioredoubt" ? 5 : 1); round++) {
      const alone = quantile(await gets(client, 2500), 0.99);
      let on = true;
      const blocks = Array.from({ length: 50 }, async (_, i) => {
        while (on) await client.blpop(`${label}:${i}`, 5).catch(() => sleep(100));
      });
      await sleep(200);
      const together = quantile(await gets(client, 2500), 0.99);
      on = false;
      if (label === "ioredoubt") await Promise.all(blocks);
      ratios.push(together / alone);
      shown.push(`${duration(alone)} → ${duration(together)}`);
    }
    const middle = quantile(ratios, 0.5);
    const seen = `p99 of GET alone → beside 50 BLPOP 5: ${shown.join(", ")}; median ratio ${middle.toFixed(2)}`;
    if (label === "ioredoubt") bar("GET p99 beside 50 BLPOP ≤ 1.5 ×", middle <= 1.5, seen);
    else console.log(`        ${label}: ${seen}`);
    client.disconnect();
  }
}
