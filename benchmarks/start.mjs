/**
 * What importing the package and making a client from the environment costs a process, against plain ioredis: whole
 * processes, from their start to their end, in turns. Nothing is connected, so that only the start is measured.
 */
import { spawnSync } from "node:child_process";
import { readOptions } from "./lib/options.mjs";
import { machine, median, quantile } from "./lib/report.mjs";

const BAR = 1.3;

const { rounds, check } = readOptions("node benchmarks/start.mjs [options]", {
  rounds: { type: "string", default: "40", help: "pairs of processes (default 40)" },
  check: { type: "boolean", default: false, help: `exit with 1 when the ratio is above ${BAR}` },
});

const IOREDIS = import.meta.resolve("ioredis");
const OURS = new URL("../dist/index.js", import.meta.url).href;
const env = {
  PATH: process.env["PATH"],
  REDIS_URL: "redis://user:password@127.0.0.1:6379/2",
  REDIS_LAZY_CONNECT: "on",
  IOREDOUBT_PROFILE: "cache",
  IOREDOUBT_DEADLINE: "400ms",
};

/** Code of one process each. */
const CONTENDERS = {
  ioredis: `import { Redis } from "${IOREDIS}"; new Redis(process.env.REDIS_URL, { lazyConnect: true });`,
  ours: `import { createRedis } from "${OURS}"; createRedis.fromEnv();`,
};

/** Tells the CPU time of a process as it ends, which a busy machine disturbs less than the time on the clock. */
const TELL = `process.on("exit", () => { const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system)); });`;

/**
 * Milliseconds from start to end, and of CPU.
 * @param {string} code
 */
function run(code) {
  const start = performance.now();
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", code + TELL], { env });
  const wall = performance.now() - start;
  if (child.status !== 0)
    throw new Error(`a process ended with ${child.status}: ${child.stderr.toString().slice(-500)}`);
  return { wall, cpu: Number(child.stdout.toString()) / 1000 };
}

/** @typedef {{ wall: number, cpu: number }} Run */
/** @type {{ ioredis: Run, ours: Run }[]} */
const pairs = [];
for (let round = -2; round < Number(rounds); round++) {
  const [first, second] =
    round % 2 === 0 ? /** @type {const} */ (["ioredis", "ours"]) : /** @type {const} */ (["ours", "ioredis"]);
  const runs = { [first]: run(CONTENDERS[first]), [second]: run(CONTENDERS[second]) };
  // The first pairs fill the file cache.
  if (round >= 0) pairs.push(/** @type {{ ioredis: Run, ours: Run }} */ (runs));
}

/** @param {"wall" | "cpu"} kind */
function ratioOf(kind) {
  const ratios = pairs.map(({ ours, ioredis }) => ours[kind] / ioredis[kind]);
  const [low, high] = [0.25, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  return { ratio: median(ratios), quartiles: `quartiles ${low}–${high}` };
}

console.log(machine());
for (const name of /** @type {const} */ (["ioredis", "ours"])) {
  const [wall, cpu] = /** @type {const} */ (["wall", "cpu"]).map((kind) =>
    median(pairs.map((pair) => pair[name][kind])).toFixed(0),
  );
  console.log(`${name.padEnd(8)} ${wall} ms, ${cpu} ms of CPU, medians of ${pairs.length} processes`);
}
const { ratio, quartiles } = ratioOf("wall");
const cpu = ratioOf("cpu");
console.log(`ratio    ${ratio.toFixed(2)} (${quartiles}); the bar is ${BAR}`);
console.log(`CPU      ${cpu.ratio.toFixed(2)} (${cpu.quartiles})`);
if (check && ratio > BAR) process.exitCode = 1;
