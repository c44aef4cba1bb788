/** What every benchmark prints around its table: the machine, the versions, and numbers reduced to a median with its spread. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { redisVersion } from "../../lab/redis-server.mjs";

/** @param {string} name */
function packageVersion(name) {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
}

/** One line: where and with what the numbers were made. @param {readonly string[]} [packages] that took part */
export function machine(packages = ["ioredis", "redis", "opossum", "p-retry"]) {
  const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const cores = cpus();
  const parts = [
    `${cores[0]?.model.trim() ?? "unknown CPU"}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `load ${(loadavg()[0] ?? 0).toFixed(1)}`,
    `Node ${process.versions.node}`,
    `redis-server ${redisVersion()}`,
    `${own.name} ${own.version}`,
    ...packages.map(packageVersion),
  ];
  return parts.join(" · ");
}

/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * @param {readonly number[]} values
 * @param {number} q
 */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  // Equal ends first: Infinity - Infinity is no number.
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}

/** `1.23 (1.20–1.31)` @param {readonly number[]} values */
export function spread(values) {
  const show = (/** @type {number} */ value) => value.toFixed(2);
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;
}

/** The option, for `readOptions`. */
export const JSON_OPTION = {
  json: { type: /** @type {const} */ ("string"), help: "file that gets the results as JSON; - is standard output" },
};

/**
 * Hands the results over as JSON, where that was asked for.
 * @param {string | undefined} file
 * @param {object} results
 */
export function writeResults(file, results) {
  if (file === undefined) return;
  const text = `${JSON.stringify({ machine: machine(), at: new Date().toISOString(), ...results }, undefined, 2)}\n`;
  if (file === "-") process.stdout.write(text);
  else writeFileSync(file, text);
}

/** Ends with a message when something was asked for that there is not. @param {readonly string[]} names @param {object} known */
export function refuseUnknown(names, known) {
  const unknown = names.filter((name) => !(name in known));
  if (unknown.length === 0) return;
  console.error(`unknown name: ${unknown.join(", ")}; there are ${Object.keys(known).join(", ")}`);
  process.exit(2);
}
