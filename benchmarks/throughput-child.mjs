/** One throughput measurement: N closed loops on one connection for a fixed time. Started by throughput.mjs. */
import { readFileSync } from "node:fs";
import { job, report } from "./lib/child.mjs";
import { makeContender } from "./lib/contenders.mjs";

const { contender, checkout, operation, concurrency, size, keys, port, ca, warmup, duration } = job();

const tls = ca === undefined ? undefined : { ca: readFileSync(ca, "utf8") };
const subject = await makeContender(contender, { port, tls, checkout });
const VALUE = "x".repeat(size ?? 100);
const names = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => `k${i}`);
const KEYS = names(50);
const MANY = names(keys ?? (operation === "pipeline" ? 50 : 10));
for (const key of new Set([...KEYS, ...MANY])) await subject.set(key, VALUE);
if (operation === "hgetall") await subject.hset("hash", Object.fromEntries(MANY.map((field) => [field, VALUE])));

let running = false;
let done = 0;

const loops = {
  async get() {
    for (let i = 0; running; i++, done++) await subject.get(KEYS[i % 50] ?? "k0");
  },
  async set() {
    for (let i = 0; running; i++, done++) await subject.set(KEYS[i % 50] ?? "k0", VALUE);
  },
  async mget() {
    for (; running; done++) await subject.mget(MANY);
  },
  async hgetall() {
    for (; running; done++) await subject.hgetall("hash");
  },
  async multi() {
    for (; running; done++) await subject.transaction(MANY);
  },
  async pipeline() {
    for (; running; done++) await subject.getMany(MANY);
  },
};

/** @param {number} ms */
async function run(ms) {
  running = true;
  done = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  setTimeout(() => (running = false), ms);
  await Promise.all(Array.from({ length: concurrency }, () => loops[/** @type {keyof typeof loops} */ (operation)]()));
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { opsPerSecond: (done / elapsed) * 1000, cpuPerOp: (user + system) / done };
}

await run(warmup);
report(await run(duration));
