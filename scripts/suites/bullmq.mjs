/** Runs BullMQ's own suite from a checkout, with the ioredis that it has installed or with this package in its place. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { besideRedis } from "./sandbox.mjs";

/** @import { Results } from "./results.mjs" */

/** BullMQ has one list of tests for every client, and one for ioredis. */
const CONFIGS = ["vitest.config.ts", "vitest.ioredis.config.ts"];

/**
 * @param {string} checkout - its dependencies installed, its scripts generated.
 * @param {{ env: NodeJS.ProcessEnv, filters: readonly string[], subject: string | undefined, say: (line: string) => void }} options
 * @returns {Promise<Results>}
 */
export async function runBullmq(checkout, { env, filters, subject, say }) {
  /** @type {Results} */
  const results = new Map();
  for (const config of CONFIGS) {
    for (const [title, result] of await runConfig(checkout, { config, env, filters, subject }))
      results.set(title, result);
    say(`${config}: ${results.size} tests so far`);
  }
  return results;
}

/**
 * @param {string} checkout
 * @param {{ config: string, env: NodeJS.ProcessEnv, filters: readonly string[], subject: string | undefined }} options
 * @returns {Promise<Results>}
 */
async function runConfig(checkout, { config, env, filters, subject }) {
  const folder = mkdtempSync(join(tmpdir(), "vitest-"));
  const report = join(folder, "report.json");
  const own = join(checkout, "node_modules/.compare");
  mkdirSync(own, { recursive: true });
  const file = join(own, `${subject === undefined ? "plain" : "ours"}.${config}`);
  const entry = subject === undefined ? undefined : join(subject, "node_modules/ioredoubt/dist/index.js");
  const alias = entry === undefined ? [] : [{ find: "^ioredis$", replacement: entry }];
  writeFileSync(
    file,
    `import { mergeConfig } from "vitest/config";
import base from "../../${config}";
const alias = ${JSON.stringify(alias)}.map(({ find, replacement }) => ({ find: new RegExp(find), replacement }));
export default mergeConfig(base, { root: ${JSON.stringify(checkout)}, resolve: { alias } });
`,
  );
  const command = ["node_modules/vitest/vitest.mjs", "run", "--no-file-parallelism", "--config", file];
  const reporter = ["--reporter=json", `--outputFile=${report}`];
  try {
    const all = [process.execPath, ...command, ...reporter, ...filters];
    const output = await besideRedis(all, { cwd: checkout, env: { CI: "true", ...env }, minutes: 60 });
    return read(report, output, checkout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} report
 * @param {string} output
 * @param {string} checkout
 * @returns {Results}
 */
function read(report, output, checkout) {
  /** @type {Results} */
  const results = new Map();
  let told;
  try {
    told = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    results.set("(the whole suite)", { outcome: "failed", message: output });
    return results;
  }
  for (const { name, assertionResults, message } of told.testResults) {
    const where = String(name).replace(`${checkout}/`, "");
    if (assertionResults.length === 0) results.set(where, { outcome: "failed", message });
    for (const { fullName, status, failureMessages } of assertionResults) {
      const outcome = status === "passed" || status === "failed" ? status : "skipped";
      results.set(`${where} › ${String(fullName)}`, { outcome, message: failureMessages.join("\n") });
    }
  }
  return results;
}
