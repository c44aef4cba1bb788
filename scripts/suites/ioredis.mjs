/** Runs the unit and functional tests of an ioredis checkout, in groups, each in a process of its own. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { besideRedis } from "./sandbox.mjs";

/** @import { Results } from "./results.mjs" */

/** Folders whose files neither wait nor leave anything behind: one process for all of them saves minutes. */
const TOGETHER = ["test/unit", "test/functional/commands"];

/** @param {string} checkout */
function groupsOf(checkout) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const folder of ["test/unit", "test/functional"]) {
    for (const name of readdirSync(join(checkout, folder), { recursive: true, encoding: "utf8" }).toSorted()) {
      const file = join(folder, name);
      if (!name.endsWith(".ts") || statSync(join(checkout, file)).isDirectory()) continue;
      const group = TOGETHER.find((start) => file.startsWith(`${start}/`)) ?? file;
      groups.set(group, [...(groups.get(group) ?? []), file]);
    }
  }
  return groups;
}

/**
 * @param {string} checkout - built, its dependencies installed.
 * @param {{ env: NodeJS.ProcessEnv, only: (group: string) => boolean, like: Results | undefined, say: (line: string) => void }} options - `like`: the results of a run whose tests are to be run.
 * @returns {Promise<Results>}
 */
export async function runIoredis(checkout, { env, only, like, say }) {
  const wanted = byGroup(like);
  /** @type {Results} */
  const results = new Map();
  for (const [group, files] of groupsOf(checkout)) {
    if (!only(group)) continue;
    const found = await runGroup(checkout, files, env, []);
    // What ends its process takes the rest of its group along: those that did not run get another one.
    for (let before = -1; before < found.size;) {
      before = found.size;
      const missing = (wanted.get(group) ?? []).filter((title) => !found.has(title));
      if (missing.length === 0) break;
      for (const [title, result] of await runGroup(checkout, files, env, missing)) found.set(title, result);
    }
    for (const [title, result] of found) results.set(`${group} › ${title}`, result);
    const failed = [...found.values()].filter(({ outcome }) => outcome === "failed").length;
    say(`${group}: ${found.size} tests, ${failed} failed`);
  }
  return results;
}

/** @param {Results | undefined} results */
function byGroup(results) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const key of results?.keys() ?? []) {
    const [group = "", ...title] = key.split(" › ");
    groups.set(group, [...(groups.get(group) ?? []), title.join(" › ")]);
  }
  return groups;
}

/**
 * @param {string} checkout
 * @param {readonly string[]} files
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} titles - of the tests to run; all of them if there are none.
 * @returns {Promise<Results>}
 */
async function runGroup(checkout, files, env, titles) {
  const folder = mkdtempSync(join(tmpdir(), "mocha-"));
  const report = join(folder, "report.json");
  const helpers = readdirSync(join(checkout, "test/helpers")).map((name) => join("test/helpers", name));
  // Newer versions of Node would read the types themselves, and trip over what ts-node understands.
  const flags = process.allowedNodeEnvironmentFlags.has("--experimental-strip-types")
    ? ["--no-experimental-strip-types"]
    : [];
  const mocha = ["node_modules/mocha/bin/mocha.js", ...flags, "--reporter", "json", "--reporter-option"];
  const hook = join(import.meta.dirname, "swap-ioredis.mjs");
  const grep = titles.map((title) => `^${title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`).join("|");
  const some = titles.length === 0 ? [] : ["--grep", grep];
  const command = [...mocha, `output=${report}`, "--require", hook, ...some, ...helpers, ...files];
  const surroundings = { TS_NODE_TRANSPILE_ONLY: "true", NODE_ENV: "test", SUITE_CHECKOUT: checkout, ...env };
  try {
    const output = await besideRedis([process.execPath, ...command], { cwd: checkout, env: surroundings, minutes: 10 });
    return read(report, output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} report
 * @param {string} output
 * @returns {Results}
 */
function read(report, output) {
  /** @type {Results} */
  const results = new Map();
  /** @type {{ passes: Told[], pending: Told[], failures: Told[] }} */
  let told;
  try {
    told = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    // The process ended before its report was written.
    results.set("(the whole group)", { outcome: "failed", message: output });
    return results;
  }
  for (const { fullTitle } of told.pending) results.set(fullTitle, { outcome: "skipped" });
  for (const { fullTitle } of told.passes) results.set(fullTitle, { outcome: "passed" });
  for (const { fullTitle, err } of told.failures) {
    results.set(fullTitle, { outcome: "failed", message: err.message ?? "" });
  }
  return results;
}

/** @typedef {{ fullTitle: string, err: { message?: string } }} Told */
