/** Consumers through kills, silence and a freeze: what is popped is delivered, or reported by the call that popped it. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRedis } from "ioredoubt";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { Pops } from "../../lab/pops.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { count } from "../../lab/text-table.mjs";
import { QUIET } from "./ground.mjs";

/** @param {import("./ground.mjs").Ground} ground */
export async function consumers({ kept, bar, elements }) {
  const server = kept(await startRedis({ persistence: "aof" }));
  const proxy = kept(await startProxy({ target: server }));
  const redis = createRedis({
    port: proxy.port,
    host: "127.0.0.1",
    maxRetriesPerRequest: null,
    resilience: { ...QUIET, heartbeat: { interval: 1000, timeout: 2000 } },
  });
  redis.on("error", () => {});
  // BLPOP takes an element and may lose its reply: each gets a list of its own, so that its own report must account for it.
  // BLMOVE leaves it in a list of those under way, as a queue that must deliver at least once does.
  const pops = new Pops();
  const outcomes = { delivered: 0, nothing: 0, maybe: 0, no: 0, pending: 0 };
  const moved = new Map();
  let unknownMoves = 0;
  let on = true;
  /** @param {() => Promise<unknown>} take */
  const consume = async (take) => {
    while (on) await take();
  };
  let turn = 0;
  // Short blocks, and some without end.
  const pop = async () => outcomes[await pops.follow((key) => redis.blpop(key, turn++ % 4 === 0 ? 0 : 1))]++;
  const move = async () => {
    const got = await redis.blmove("moves", "under way", "LEFT", "RIGHT", 1).catch((error) => {
      if (error.applied !== "no") unknownMoves++;
      return null;
    });
    if (got === null) return;
    moved.set(got, (moved.get(got) ?? 0) + 1);
    await redis.lrem("under way", 1, got).catch(() => {});
  };
  const poppers = Array.from({ length: 16 }, () => consume(pop));
  const movers = Array.from({ length: 8 }, () => consume(move));
  const faults = (async () => {
    for (let i = 0; on; i++) {
      await sleep(700);
      // What is popped meanwhile is popped for nobody.
      proxy.dropReplies();
      await sleep(100);
      await proxy.pass();
      proxy.cutAll();
      if (i % 3 === 1) {
        proxy.blackhole();
        await sleep(2500);
        await proxy.pass();
      }
      if (i % 4 === 2) {
        await server.kill();
        await sleep(300);
        await server.restart();
      }
      if (i === 4) {
        server.freeze();
        await sleep(10_000);
        server.thaw();
      }
    }
  })();
  /** @param {(string | number)[]} command */
  const call = (...command) => server.call(...command);
  let fed = 0;
  for (let i = 0; i < elements || fed < elements;) {
    const batch = Array.from({ length: Math.min(25, elements - i) }, (_, n) => i + n);
    try {
      if (batch.length > 0) await server.call("RPUSH", "moves", ...batch);
      i += batch.length;
      fed += await pops.feed(call);
    } catch {
      // Refused or lost while the server is away: pushed again, so some are moved twice.
      await sleep(200);
    }
    await sleep(20);
  }
  on = false;
  await faults;
  // Blocks without end go on until they get something.
  const ending = (async () => {
    let isOver = false;
    void Promise.all(poppers).then(() => (isOver = true));
    while (!isOver) {
      await pops.feed(call);
      await sleep(20);
    }
  })();
  await Promise.all([...movers, ending]);
  const until = performance.now() + 60_000;
  const drain = Array.from({ length: 4 }, async () => {
    while (performance.now() < until && Number(await server.call("LLEN", "moves")) > 0) await move();
  });
  await Promise.all(drain);
  // What was taken and never reported is still in the list: it is delivered again.
  const again = /** @type {string[]} */ (await server.call("LRANGE", "under way", 0, -1));
  const recovered = new Set(again.filter((element) => !moved.has(element))).size;
  const popped = await pops.verdict(call);
  bar(
    "BLPOP: every element popped was delivered, or reported by the call that popped it",
    popped.vanished + popped.twice + popped.pending + popped.wrong === 0 && popped.pushed >= elements * 0.9,
    `of ${count(popped.pushed)} elements ${count(popped.delivered)} delivered, ${count(popped.reported)} reported unknown, ${count(popped.kept)} not popped, ${popped.vanished} vanished; ${count(outcomes.maybe)} unknown outcomes in all, ${count(outcomes.no)} refused before they were sent`,
  );
  bar(
    "BLMOVE: every element delivered at least once",
    moved.size + recovered === elements && recovered <= unknownMoves,
    `${count(moved.size)} of ${count(elements)} delivered, ${count(recovered)} found in the list of those under way, ${count(unknownMoves)} outcomes reported unknown`,
  );
  await redis.close();
}
