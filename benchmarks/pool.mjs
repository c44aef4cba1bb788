/**
 * What the pool promises, measured: ordinary commands beside blocking ones, optimistic locking and loans under cuts,
 * consumers through kills, silence and a freeze, and the work of a job queue. Exit 1 when a bar is missed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis as Plain } from "ioredis";
import { startProxy } from "../lab/fault-proxy.mjs";
import { Pops } from "../lab/pops.mjs";
import { startRedis } from "../lab/redis-server.mjs";
import { count, duration } from "../lab/text-table.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { machine, quantile } from "./lib/report.mjs";

const options = readOptions("node benchmarks/pool.mjs [options]", {
  only: { type: "string", help: "beside,locking,leases,consumers,jobs,lanes; default: all" },
  seconds: { type: "string", default: "60", help: "length of the job queue's run, default 60" },
  elements: { type: "string", default: "10000", help: "elements for the consumers, default 10,000" },
});
const { createRedis } = await import("ioredoubt");
const QUIET = /** @type {const} */ ({ logger: false });
let missed = 0;
/** What a section started and must not leave behind. @type {{ stop(): Promise<void> }[]} */
const started = [];

/** @template {{ stop(): Promise<void> }} T @param {T} thing @returns {T} */
function kept(thing) {
  started.unshift(thing);
  return thing;
}

/** @param {string} name @param {boolean} ok @param {string} seen */
function bar(name, ok, seen) {
  if (!ok) missed++;
  console.log(`${ok ? "met   " : "MISSED"}  ${name}: ${seen}`);
}

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

async function beside() {
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

/** Cuts every connection at random until told to stop. @param {any} proxy @param {number} least @param {number} spread */
function cutting(proxy, least, spread) {
  let on = true;
  const done = (async () => {
    while (on) {
      await sleep(least + Math.random() * spread);
      proxy.cutAll();
    }
  })();
  return async () => {
    on = false;
    await done;
  };
}

/** @param {any} server */
async function openConnections(server) {
  const text = await server.cli("CLIENT", "LIST");
  return text.split("\n").filter((/** @type {string} */ line) => line !== "" && !line.includes("cmd=client|list"))
    .length;
}

async function locking() {
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

async function leases() {
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

async function consumers() {
  const server = kept(await startRedis({ persistence: "aof" }));
  const proxy = kept(await startProxy({ target: server }));
  const elements = Number(options.elements);
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

async function jobs() {
  const server = kept(await startRedis({ persistence: "aof" }));
  const proxy = kept(await startProxy({ target: server }));
  const seconds = Number(options.seconds);
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

const SMALL = 100;
/** What one connection carries on the slow link, in bytes a second. */
const SLOW_LINK = 25_000_000;

/** When more than one shared connection pays: small replies beside a large one. And when it does not: small ones only. */
async function lanes() {
  const server = kept(await startRedis());
  const proxy = kept(await startProxy({ target: server }));
  proxy.throttle(SLOW_LINK);
  await server.call("SET", "large", "x".repeat(10_000_000));
  for (let i = 0; i < SMALL; i++) await server.call("SET", `small:${i}`, "x".repeat(100));
  const links = { loopback: server.port, [`a link of ${SLOW_LINK / 1e6} MB/s a connection`]: proxy.port };
  for (const [link, port] of Object.entries(links)) {
    const seen = new Map();
    for (let round = 0; round < 3; round++) {
      for (const size of [1, 2, 4]) {
        const row = seen.get(size) ?? { p50: [], p99: [], late: [], rate: [] };
        seen.set(size, row);
        const redis = createRedis({ port, host: "127.0.0.1", resilience: { ...QUIET, pool: { size } } });
        await Promise.all(Array.from({ length: SMALL }, (_, i) => redis.get(`small:${i}`)));
        const beside = await besideLarge(redis);
        row.p50.push(quantile(beside, 0.5));
        row.p99.push(quantile(beside, 0.99));
        row.late.push(beside.filter((ms) => ms > 20).length / beside.length);
        row.rate.push(await rateOfGets(redis, 2000));
        redis.disconnect();
      }
    }
    for (const [size, { p50, p99, late, rate }] of seen) {
      const held = `${(quantile(late, 0.5) * 100).toFixed(1)} % over 20 ms`;
      console.log(
        `        ${link}, pool.size ${size}: small GET beside 10 MB replies p50 ${duration(quantile(p50, 0.5))}, p99 ${duration(quantile(p99, 0.5))}, ${held}; small GETs only, 200 at once: ${count(Math.round(quantile(rate, 0.5)))}/s`,
      );
    }
  }
}

/** @param {any} redis */
async function besideLarge(redis) {
  let on = true;
  const large = (async () => {
    while (on) {
      await redis.getBuffer("large");
      await sleep(100);
    }
  })();
  const times = await clockedGets(redis, 3000);
  on = false;
  await large;
  return times;
}

/** Answers a second with 200 loops. @param {any} redis @param {number} ms */
async function rateOfGets(redis, ms) {
  let answered = 0;
  const until = performance.now() + ms;
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      while (performance.now() < until) {
        await redis.get(`small:${i % SMALL}`);
        answered++;
      }
    }),
  );
  return (answered * 1000) / ms;
}

/**
 * One GET a millisecond by the clock, whatever the answers: a loop that waits for each answer would send nothing while
 * it is held up, and so hardly notice. @param {any} redis @param {number} ms
 */
async function clockedGets(redis, ms) {
  /** @type {Promise<number>[]} */
  const times = [];
  const since = performance.now();
  while (times.length < ms) {
    for (; times.length < Math.min(ms, performance.now() - since);) {
      const due = since + times.length;
      times.push(redis.get(`small:${times.length % SMALL}`).then(() => performance.now() - due));
    }
    await sleep(1);
  }
  return Promise.all(times);
}

const SECTIONS = { lanes, beside, locking, leases, consumers, jobs };
console.log(machine());
for (const name of list(options.only ?? Object.keys(SECTIONS).join(","))) {
  const section = /** @type {Record<string, () => Promise<void>>} */ (SECTIONS)[name];
  if (section === undefined) {
    console.error(`unknown section: ${name}`);
    process.exit(2);
  }
  try {
    await section();
  } finally {
    for (const thing of started.splice(0)) await thing.stop();
  }
}
process.exit(missed === 0 ? 0 : 1);
