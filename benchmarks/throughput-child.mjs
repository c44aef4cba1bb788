/** One throughput measurement: N closed loops on one connection for a fixed time. Started by throughput.mjs. */
import { readFileSync } from "node:fs";
import { job, report } from "./lib/child.mjs";
import { makeContender } from "./lib/contenders.mjs";

const { contender, checkout, operation, concurrency, port, ca, warmup, duration } = job();

const tls = ca === undefined ? undefined : { ca: readFileSync(ca, "utf8") };
const subject = await makeContender(contender, { port, tls, checkout });
const KEYS = Array.from({ length: 50 }, (_, i) => `k${i}`);
const FEW = KEYS.slice(0, 10);
const VALUE = "x".repeat(100);
for (const key of KEYS) await subject.set(key, VALUE);

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
    for (; running; done++) await subject.mget(FEW);
  },
  async multi() {
    for (; running; done++) await subject.transaction(FEW);
  },
  async pipeline() {
    for (; running; done++) await subject.getMany(KEYS);
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
