/** What a job queue does, under cuts, blackholes and kills: no job and no stream entry is lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRedis } from "ioredoubt";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { count, duration } from "../../lab/text-table.mjs";
import { QUIET } from "./ground.mjs";

/** @param {import("./ground.mjs").Ground} ground */
export async function jobs({ kept, bar, seconds }) {
  const server = kept(await startRedis({ persistence: "aof" }));
  const proxy = kept(await startProxy({ target: server }));
  const redis = createRedis({
    port: proxy.port,
    host: "127.0.0.1",
    maxRetriesPerRequest: null,
    resilience: { ...QUIET, heartbeat: { interval: 1000, timeout: 2000 } },
  });
  redis.on("error", () => {});
  const scripts = /** @type {any} */ (redis);
  redis.defineCommand("addJob", {
    numberOfKeys: 2,
    lua: "if redis.call('HSETNX', KEYS[2], ARGV[1], 'added') == 1 then redis.call('LPUSH', KEYS[1], ARGV[1]) end return 1",
  });
  redis.defineCommand("finishJob", {
    numberOfKeys: 2,
    lua: "redis.call('LREM', KEYS[1], 0, ARGV[1]) redis.call('HSET', KEYS[2], ARGV[1], 'done') return 1",
  });
  redis.defineCommand("promote", {
    numberOfKeys: 2,
    lua: "local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1], 'LIMIT', 0, 50) for _, id in ipairs(due) do redis.call('ZREM', KEYS[1], id) redis.call('LPUSH', KEYS[2], id) end return #due",
  });
  await redis.xgroup("CREATE", "stream", "group", "0", "MKSTREAM");
  const added = new Set();
  const streamed = new Set();
  const seenInStream = new Set();
  let on = true;
  let errors = 0;
  /** @param {() => Promise<unknown>} work */
  const loop = async (work) => {
    while (on) await work().catch(() => (errors++, sleep(20)));
  };
  let next = 0;
  const produce = loop(async () => {
    const id = `job-${next++}`;
    await scripts.addJob("wait", "jobs", id);
    added.add(id);
    const later = `late-${next++}`;
    await redis.hset("jobs", later, "added");
    await redis.zadd("delayed", Date.now() + 500, later);
    added.add(later);
    const entry = await redis.xadd("stream", "*", "id", String(next));
    streamed.add(entry);
    await sleep(2);
  });
  const promote = loop(async () => {
    await scripts.promote("delayed", "wait", Date.now());
    await sleep(50);
  });
  const blockers = [redis.duplicate(), redis.duplicate(), redis.duplicate()];
  for (const blocker of blockers) blocker.on("error", () => {});
  const work = blockers.map((blocker) =>
    loop(async () => {
      const id = await blocker.brpoplpush("wait", "active", 2);
      if (id !== null) await scripts.finishJob("active", "jobs", id);
    }),
  );
  const reader = redis.duplicate();
  reader.on("error", () => {});
  const read = loop(async () => {
    const batch = await reader.xreadgroup(
      "GROUP",
      "group",
      "one",
      "COUNT",
      50,
      "BLOCK",
      1000,
      "STREAMS",
      "stream",
      ">",
    );
    for (const [, entries] of /** @type {any} */ (batch ?? [])) {
      for (const [id] of entries) seenInStream.add(id);
      await redis.xack("stream", "group", ...entries.map((/** @type {any} */ [id]) => id));
    }
  });
  const since = performance.now();
  for (let i = 0; performance.now() - since < seconds * 1000; i++) {
    await sleep(1500);
    proxy.cutAll();
    if (i % 6 === 2) {
      proxy.blackhole();
      await sleep(2500);
      await proxy.pass();
    }
    if (i % 8 === 5) {
      await server.kill();
      await server.restart();
    }
  }
  await sleep(3000);
  const sockets = blockers.map((blocker) => blocker.stats().pool?.blocking.created ?? -1);
  on = false;
  const ending = performance.now();
  for (const blocker of [...blockers, reader]) blocker.disconnect();
  await Promise.all([produce, promote, ...work, read]);
  const endedAfter = performance.now() - ending;
  // What a queue does with stalled jobs: those a worker took and never finished, and stream entries never acknowledged.
  const states = /** @type {any} */ (await redis.hgetall("jobs"));
  const inLists = new Set([
    ...(await redis.lrange("wait", 0, -1)),
    ...(await redis.lrange("active", 0, -1)),
    ...(await redis.zrange("delayed", "0", "-1")),
  ]);
  const lost = [...added].filter((id) => states[id] !== "done" && !inLists.has(id));
  const pending = new Set(
    (await redis.xpending("stream", "group", "-", "+", 1_000_000)).map((/** @type {any} */ [id]) => id),
  );
  const unread = [...streamed].filter((id) => !seenInStream.has(id) && !pending.has(id));
  const notDelivered = new Set((await redis.xrange("stream", await lastDelivered(redis), "+")).map(([id]) => id));
  const lostEntries = unread.filter((id) => !notDelivered.has(id));
  const done = Object.values(states).filter((state) => state === "done").length;
  bar(
    `job queue for ${seconds} s under faults: nothing lost`,
    lost.length === 0 && lostEntries.length === 0,
    `${count(added.size)} jobs added, ${count(done)} done, ${count(inLists.size)} still queued, ${lost.length} lost; ${count(streamed.size)} stream entries, ${lostEntries.length} lost; ${count(errors)} errors seen by callers; second sockets of the blocking duplicates ${sockets.join(", ")}`,
  );
  bar("blocked workers end at once on disconnect()", endedAfter < 1000, duration(endedAfter));
  await redis.close();
}

/** @param {any} redis */
async function lastDelivered(redis) {
  const [group] = await redis.xinfo("GROUPS", "stream");
  const at = group.indexOf("last-delivered-id");
  return `(${group[at + 1]}`;
}
