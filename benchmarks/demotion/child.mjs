/**
 * One demotion seen by several clients at once, each through a name of its own. A server turns from primary to replica and
 * cuts nobody; so many milliseconds later the names lead to the new primary. Started by demotion.mjs.
 */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { job, report } from "../lib/child.mjs";

const HOSTS = { old: "127.0.0.1", new: "127.0.0.2" };
/** What the old primary acknowledged may be on its way for so long after it was demoted. */
const UNDER_WAY = 5;
const EVAL = "return redis.call('SET', KEYS[1], ARGV[1])";

/** @type {{ how: "name" | "target", after: number, watch: number, every: number, clients: { who: string, writes: string }[] }} */
const { how, after, watch, every, clients } = job();

// Names under .test are answered here, before anybody has taken the function: where they lead is moved in one place.
let address = HOSTS.old;
const lookup = dns.lookup;
/** @param {string} name @param {any} options @param {any} callback */
const own = (name, options, callback) => {
  if (!name.endsWith(".test")) {
    lookup(name, options, callback);
    return;
  }
  const [settings, done] = callback === undefined ? [{}, options] : [options, callback];
  const found = address;
  process.nextTick(() => (settings?.all === true ? done(null, [{ address: found, family: 4 }]) : done(null, found, 4)));
};
dns.lookup = /** @type {typeof dns.lookup} */ (/** @type {unknown} */ (own));
syncBuiltinESMExports();
const { makeClient, write } = await import("./clients.mjs");

const before = await startRedis();
const next = await startRedis({ port: before.port, config: [`bind ${HOSTS.new}`] });

/** The same target or name for all would make one endpoint of them, which they would try by turns. */
const doors = await Promise.all(
  clients.map(async (_, i) => {
    if (how === "name") return { host: `primary-${i}.test`, port: before.port, move: () => {}, stop: async () => {} };
    const proxy = await startProxy({ target: { port: before.port } });
    const move = () => proxy.switchTarget({ host: HOSTS.new, port: next.port });
    return { host: proxy.host, port: proxy.port, move, stop: () => proxy.stop() };
  }),
);
const watched = await Promise.all(
  clients.map(async ({ who, writes }, i) => {
    const { host = "", port = 0 } = doors[i] ?? {};
    const redis = makeClient(who, { host, port });
    await redis.ping();
    return { redis, writes, first: /** @type {number | undefined} */ (undefined), failed: 0 };
  }),
);

let movedAt = Number.POSITIVE_INFINITY;
const timers = watched.map((client, i) => {
  let n = 0;
  const issue = async () => {
    try {
      await write(client.redis, client.writes, `k${i}`, n++, EVAL);
      const now = performance.now();
      if (now >= movedAt + UNDER_WAY) client.first ??= now - movedAt;
    } catch {
      client.failed++;
    }
  };
  return setInterval(() => void issue(), every);
});
await sleep(1000);

const move = () => {
  address = HOSTS.new;
  for (const door of doors) door.move();
};
// Reachable at once: it already leads there when the old one is demoted.
if (after === 0) move();
await before.call("REPLICAOF", HOSTS.new, next.port);
if (after > 0) {
  await sleep(after);
  move();
}
movedAt = performance.now();
while (watched.some(({ first }) => first === undefined) && performance.now() < movedAt + watch) await sleep(20);
for (const timer of timers) clearInterval(timer);
// JSON has no Infinity: what never came is null.
const result = watched.map(({ first, failed }, i) => ({ ...clients[i], first: first ?? null, failed }));
for (const { redis } of watched) redis.disconnect();
for (const door of doors) await door.stop();
await Promise.all([before.stop(), next.stop()]);
report({ result });
