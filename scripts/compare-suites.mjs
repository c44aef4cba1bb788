/**
 * Runs the test suites of others twice, with plain ioredis and with this package in its place, and tells what differs. The
 * differences that docs/drop-in.md explains are listed in scripts/suites/known.json; any other one is a failure.
 *
 *   node scripts/compare-suites.mjs ioredis ../ioredis [part of a file name …] [--off] [--cluster]
 *   node scripts/compare-suites.mjs types ../ioredis
 *   node scripts/compare-suites.mjs bullmq ../bullmq [part of a file name …] [--off]
 *
 * The checkout has its dependencies installed, and what its own tests need is built (CONTRIBUTING.md). `--off`: this package,
 * switched off. `--cluster`: its Cluster too. `--out FILE` keeps all results as JSON, and `--plain FILE` takes those of plain
 * ioredis from there.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runBullmq } from "./suites/bullmq.mjs";
import { runIoredis } from "./suites/ioredis.mjs";
import { differences, tally } from "./suites/results.mjs";
import { installBeside } from "./suites/subject.mjs";
import { runTypes } from "./suites/types.mjs";

/** @import { Results } from "./suites/results.mjs" */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    off: { type: "boolean", default: false },
    cluster: { type: "boolean", default: false },
    out: { type: "string" },
    plain: { type: "string" },
  },
});
const [suite = "", folder = "", ...filters] = positionals;
if (!["ioredis", "types", "bullmq"].includes(suite) || !existsSync(join(folder, "package.json"))) {
  console.error("usage: node scripts/compare-suites.mjs ioredis|types|bullmq CHECKOUT [part of a file name …]");
  process.exit(2);
}
const checkout = resolve(folder);

/** @type {Record<string, Record<string, string[]>>} */
const known = JSON.parse(readFileSync(join(import.meta.dirname, "suites/known.json"), "utf8"));

/**
 * @param {string | undefined} subject
 * @param {readonly string[]} parts
 * @param {Results} [like]
 * @returns {Promise<Results>}
 */
async function run(subject, parts, like) {
  const name = subject === undefined ? "plain" : "ours";
  const say = (/** @type {string} */ line) => console.log(`  ${name}: ${line}`);
  const env = {
    // The suites set NODE_ENV=test, which would choose that profile.
    IOREDOUBT_PROFILE: "production",
    IOREDOUBT_LOG_LEVEL: "error",
    ...(subject === undefined ? {} : { SUITE_SUBJECT: subject }),
    ...(values.off ? { IOREDOUBT_OFF: "1" } : {}),
    ...(values.cluster ? { SUITE_CLUSTER: "1" } : {}),
  };
  if (suite === "types") return runTypes(checkout, subject);
  if (suite === "bullmq") return runBullmq(checkout, { env, filters: parts, subject, say });
  const only = (/** @type {string} */ group) => parts.length === 0 || parts.some((part) => group.includes(part));
  return runIoredis(checkout, { env, only, like, say });
}

/** @returns {Promise<Results>} */
async function runPlain() {
  if (values.plain === undefined || !existsSync(values.plain)) return run(undefined, filters);
  const { plain } = /** @type {{ plain: [string, any][] }} */ (JSON.parse(readFileSync(values.plain, "utf8")));
  return new Map(plain.filter(([title]) => filters.length === 0 || filters.some((part) => title.includes(part))));
}

const subject = installBeside(suite === "bullmq" ? join(checkout, "node_modules/ioredis") : checkout);
try {
  const plain = await runPlain();
  const ours = await run(subject, filters, plain);
  if (suite !== "types") {
    const files = new Set(differences(plain, ours).map(({ title }) => title.split(" › ")[0] ?? ""));
    // Once more, by itself: some tests fail now and then, with plain ioredis too.
    const again = files.size === 0 ? new Map() : await run(subject, [...files], plain);
    for (const { title } of differences(plain, ours)) {
      if (again.get(title)?.outcome === "passed") {
        console.log(`now and then: ${title}`);
        ours.set(title, again.get(title));
      }
    }
  }
  if (values.out !== undefined) {
    writeFileSync(values.out, JSON.stringify({ plain: [...plain], ours: [...ours] }, undefined, 1));
  }
  const found = differences(plain, ours);
  const expected = Object.values(known[values.off ? `${suite}, switched off` : suite] ?? {}).flat();
  const isExpected = (/** @type {string} */ title) => expected.some((part) => title.includes(part));
  for (const { title, result } of found) {
    const lines = (result?.message ?? result?.outcome ?? "was not run").split("\n").slice(0, 3);
    console.log(`${isExpected(title) ? "known" : "NEW  "} ${title}\n        ${lines.join("\n        ")}`);
  }
  const unexpected = found.filter(({ title }) => !isExpected(title));
  console.log(`plain: ${tally(plain)}\nours:  ${tally(ours)}`);
  console.log(`${found.length} differ, ${found.length - unexpected.length} of them known`);
  if (unexpected.length > 0) process.exitCode = 1;
} finally {
  rmSync(subject, { recursive: true });
}
