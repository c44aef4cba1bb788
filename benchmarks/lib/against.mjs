/** This checkout against another one: is anything slower than it was, and by how much? */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { count, markdownTable } from "../../lab/text-table.mjs";
import { entryOf } from "./contenders.mjs";
import { machine, median, quantile } from "./report.mjs";
import { WORKLOADS } from "./workloads.mjs";

const THIS = resolve(import.meta.dirname, "../..");

/** A row that looks worse is measured for so many times as many rounds before it counts. */
const MOST_TIMES = 3;

/**
 * @typedef {{ opsPerSecond: number, cpuPerOp: number }} Result
 * @typedef {(workload: import("./workloads.mjs").Workload, contender: string, checkout: string) => Promise<Result>} Measure
 */

/**
 * Both take turns in fresh processes, and who begins changes from round to round. A round's ratio compares two turns that stand
 * next to each other. The same load generator, this checkout's, drives both.
 *
 * A row is worse when its median is beyond `either` percent in throughput or in CPU time a command, or beyond `both` percent
 * in both; all rows together are, when the median row is beyond `both` percent in either.
 *
 * @param {{
 *   other: string, workloads: readonly string[], rounds: number, either: string, both: string,
 *   measureOnce: Measure,
 * }} options
 * @returns {Promise<boolean>} whether nothing is worse
 */
export async function compareCheckouts({ other, workloads, rounds, either, both, measureOnce }) {
  const theirs = resolve(other);
  for (const checkout of [THIS, theirs])
    if (!existsSync(fileURLToPath(entryOf(checkout)))) throw new Error(`${checkout} is not built: npm run build`);
  const limits = { either: Number(either) / 100, both: Number(both) / 100 };
  console.log(`${machine()}\n${rounds} alternating rounds: ${commitOf(THIS)} against ${commitOf(theirs)}\n`);

  const [load = 0] = loadavg();
  if (load > 1)
    console.error(
      `The machine is busy (load ${load.toFixed(1)}, ${String(availableParallelism())} cores): ratios will be rough.`,
    );
  const rows = [["workload", "this, ops/s", "rounds", "throughput, this ÷ other", "CPU per op, this ÷ other", ""]];
  /** @type {string[]} */
  const worse = [];
  const losses = { speed: /** @type {number[]} */ ([]), cpu: /** @type {number[]} */ ([]) };
  for (const name of workloads) {
    const workload = WORKLOADS[name];
    if (workload === undefined) continue;
    const row = new Row(workload, limits);
    // What looks worse may be the machine's doing: it is measured on, and all that was measured counts.
    for (let times = 1; times <= MOST_TIMES; times++) {
      for (let round = 0; round < rounds; round++) await row.measure(round, theirs, measureOnce);
      if (!row.isWorse) break;
    }
    const { loss, isWorse } = row;
    losses.speed.push(loss.speed);
    losses.cpu.push(loss.cpu);
    if (isWorse) worse.push(`${name}: throughput ${percent(-loss.speed)}, CPU ${percent(loss.cpu)}`);
    rows.push(row.cells());
    process.stderr.write(`${name} done\n`);
  }
  const all = { speed: median(losses.speed), cpu: median(losses.cpu) };
  if (Math.max(all.speed, all.cpu) > limits.both)
    worse.push(`the median row: throughput ${percent(-all.speed)}, CPU ${percent(all.cpu)}`);
  console.log(markdownTable(rows));
  console.log("\nRatios: median of the rounds (quartiles). A pipeline and a MULTI count as one op.");
  console.log(`The median row: throughput ${percent(-all.speed)}, CPU ${percent(all.cpu)}.`);
  if (worse.length > 0) console.log(`\nWorse than the other:\n${worse.map((line) => `  ${line}`).join("\n")}`);
  return worse.length === 0;
}

/** What was measured of one workload. */
class Row {
  /** @type {{ ours: Result, base: Result }[]} */
  #rounds = [];
  #workload;
  #limits;

  /**
   * @param {import("./workloads.mjs").Workload} workload
   * @param {{ either: number, both: number }} limits shares
   */
  constructor(workload, limits) {
    this.#workload = workload;
    this.#limits = limits;
  }

  /**
   * One turn each. Who begins changes from round to round.
   * @param {number} round
   * @param {string} theirs
   * @param {Measure} measureOnce
   */
  async measure(round, theirs, measureOnce) {
    const ours = () => measureOnce(this.#workload, "ours", THIS);
    const base = () => measureOnce(this.#workload, "ours", theirs);
    if (round % 2 === 0) this.#rounds.push({ ours: await ours(), base: await base() });
    else this.#rounds.push({ base: await base(), ours: await ours() });
  }

  /** @param {keyof Result} what */
  #ratios(what) {
    return this.#rounds.map(({ ours, base }) => ours[what] / base[what]);
  }

  /** How much worse this checkout is, as shares; negative is better. */
  get loss() {
    return { speed: 1 - median(this.#ratios("opsPerSecond")), cpu: median(this.#ratios("cpuPerOp")) - 1 };
  }

  get isWorse() {
    const { speed, cpu } = this.loss;
    return Math.max(speed, cpu) > this.#limits.either || Math.min(speed, cpu) > this.#limits.both;
  }

  cells() {
    const told = (/** @type {keyof Result} */ what) => {
      const [low, high] = [0.25, 0.75].map((q) => quantile(this.#ratios(what), q).toFixed(2));
      return `${median(this.#ratios(what)).toFixed(2)} (${low}–${high})`;
    };
    const rate = count(Math.round(median(this.#rounds.map(({ ours }) => ours.opsPerSecond))));
    const rounds = String(this.#rounds.length);
    return [this.#workload.label, rate, rounds, told("opsPerSecond"), told("cpuPerOp"), this.isWorse ? "worse" : ""];
  }
}

/** @param {number} share */
function percent(share) {
  return `${share >= 0 ? "+" : "−"}${Math.abs(share * 100).toFixed(1)} %`;
}

/** The folder with its commit, where git knows one. @param {string} checkout */
function commitOf(checkout) {
  const { stdout } = spawnSync("git", ["-C", checkout, "describe", "--always", "--dirty"], { encoding: "utf8" });
  const commit = stdout.trim();
  return existsSync(join(checkout, ".git")) && commit !== "" ? `${checkout} (${commit})` : checkout;
}
