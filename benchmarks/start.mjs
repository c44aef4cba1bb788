/**
 * What importing the package and making a client from the environment costs a process, against plain ioredis: whole
 * processes, from their start to their end, in turns. Nothing is connected, so that only the start is measured.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { markdownTable } from "../lab/text-table.mjs";
import { readOptions } from "./lib/options.mjs";
import { machine, median, quantile } from "./lib/report.mjs";

/** The most that ours may take, as a multiple of plain ioredis, on the clock. */
const BARS = { import: 1.1, require: 1.25 };

const { rounds, check } = readOptions("node benchmarks/start.mjs [options]", {
  rounds: { type: "string", default: "40", help: "pairs of processes (default 40)" },
  check: {
    type: "boolean",
    default: false,
    help: `exit with 1 above ${BARS.import} for import, ${BARS.require} for require`,
  },
});

const IOREDIS = import.meta.resolve("ioredis");
const OURS = new URL("../dist/index.mjs", import.meta.url).href;
const required = (/** @type {string} */ url) => JSON.stringify(fileURLToPath(url.replace(/mjs$/, "js")));
const env = {
  PATH: process.env["PATH"],
  REDIS_URL: "redis://user:password@127.0.0.1:6379/2",
  REDIS_LAZY_CONNECT: "on",
  IOREDOUBT_PROFILE: "cache",
  IOREDOUBT_DEADLINE: "400ms",
};

const PLAIN = "new Redis(process.env.REDIS_URL, { lazyConnect: true });";
const FROM_ENV = "createRedis.fromEnv();";

/** How a service loads the two, and the code of one process each. */
const WAYS = {
  import: {
    ioredis: `import { Redis } from "${IOREDIS}"; ${PLAIN}`,
    ours: `import { createRedis } from "${OURS}"; ${FROM_ENV}`,
  },
  require: {
    ioredis: `const { Redis } = require(${required(IOREDIS)}); ${PLAIN}`,
    ours: `const { createRedis } = require(${required(OURS)}); ${FROM_ENV}`,
  },
};

/** Tells the CPU time of a process as it ends, which a busy machine disturbs less than the time on the clock. */
const TELL = `process.on("exit", () => { const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system)); });`;

/**
 * Milliseconds from start to end, and of CPU.
 * @param {keyof typeof WAYS} way
 * @param {"ioredis" | "ours"} who
 */
function run(way, who) {
  const start = performance.now();
  const child = spawnSync(
    process.execPath,
    [`--input-type=${way === "import" ? "module" : "commonjs"}`, "--eval", WAYS[way][who] + TELL],
    { env },
  );
  const wall = performance.now() - start;
  if (child.status !== 0)
    throw new Error(`a process ended with ${child.status}: ${child.stderr.toString().slice(-500)}`);
  return { wall, cpu: Number(child.stdout.toString()) / 1000 };
}

/** @typedef {{ wall: number, cpu: number }} Run */

/**
 * @param {keyof typeof WAYS} way
 * @returns {{ ioredis: Run, ours: Run }[]}
 */
function takeTurns(way) {
  const pairs = [];
  for (let round = -2; round < Number(rounds); round++) {
    const [first, second] =
      round % 2 === 0 ? /** @type {const} */ (["ioredis", "ours"]) : /** @type {const} */ (["ours", "ioredis"]);
    const runs = { [first]: run(way, first), [second]: run(way, second) };
    // The first pairs fill the file cache.
    if (round >= 0) pairs.push(/** @type {{ ioredis: Run, ours: Run }} */ (runs));
  }
  return pairs;
}

console.log(`${machine()}\nmedians of ${rounds} processes each, in turns; ratios with their quartiles\n`);
const rows = [["", "ioredis", "ioredoubt", "ratio on the clock", "ratio of CPU time"]];
for (const way of /** @type {const} */ (["import", "require"])) {
  const pairs = takeTurns(way);
  const ratios = (/** @type {"wall" | "cpu"} */ kind) => pairs.map(({ ours, ioredis }) => ours[kind] / ioredis[kind]);
  const told = (/** @type {"wall" | "cpu"} */ kind) => {
    const [low, high] = [0.25, 0.75].map((q) => quantile(ratios(kind), q).toFixed(2));
    return `${median(ratios(kind)).toFixed(2)} (${low}–${high})`;
  };
  const clock = (/** @type {"ioredis" | "ours"} */ who) =>
    `${median(pairs.map((pair) => pair[who].wall)).toFixed(0)} ms`;
  rows.push([way, clock("ioredis"), clock("ours"), told("wall"), told("cpu")]);
  if (check && median(ratios("wall")) > BARS[way]) process.exitCode = 1;
}
console.log(markdownTable(rows));
console.log(`\nThe bars on the clock: import ${BARS.import}, require ${BARS.require}.`);
