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

/** @param {string} code */
function run(code) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], { env });
  if (status !== 0) throw new Error(`a process ended with ${status}: ${stderr.toString().slice(-500)}`);
  return performance.now() - start;
}

/** @type {{ ioredis: number, ours: number }[]} */
const pairs = [];
for (let round = -2; round < Number(rounds); round++) {
  const first = round % 2 === 0 ? "ioredis" : "ours";
  const pair = { ioredis: 0, ours: 0 };
  for (const name of /** @type {const} */ ([first, first === "ours" ? "ioredis" : "ours"]))
    pair[name] = run(CONTENDERS[name]);
  // The first pairs fill the file cache.
  if (round >= 0) pairs.push(pair);
}

const ratio = median(pairs.map((pair) => pair.ours / pair.ioredis));
const [low, high] = [0.25, 0.75].map((q) =>
  quantile(
    pairs.map((pair) => pair.ours / pair.ioredis),
    q,
  ).toFixed(2),
);
console.log(machine());
for (const name of /** @type {const} */ (["ioredis", "ours"])) {
  console.log(
    `${name.padEnd(8)} ${median(pairs.map((pair) => pair[name])).toFixed(0)} ms, median of ${pairs.length} processes`,
  );
}
console.log(`ratio    ${ratio.toFixed(2)} (quartiles ${low}–${high}); the bar is ${BAR}`);
if (check && ratio > BAR) process.exitCode = 1;
