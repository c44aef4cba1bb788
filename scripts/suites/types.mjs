/** Runs the type tests of an ioredis checkout (tsd) against this package's declarations in place of ioredis's. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @import { Results } from "./results.mjs" */

const OURS = 'export * from "ioredoubt";\nexport { default } from "ioredoubt";\n';

/**
 * @param {string} checkout - built, its dependencies installed.
 * @param {string | undefined} subject
 * @returns {Results} one entry an error, or a single one that passed
 */
export function runTypes(checkout, subject) {
  const project = subject === undefined ? checkout : projectOf(checkout, subject);
  try {
    const tsd = join(checkout, "node_modules/tsd/dist/cli.js");
    const { stdout, stderr } = spawnSync(process.execPath, [tsd, project], { cwd: project, encoding: "utf8" });
    const said = `${stdout}${stderr}`;
    const errors = said.split("\n").filter((line) => /^\s*✖/.test(line));
    /** @type {Results} */
    const results = new Map(errors.map((line) => [line.trim(), { outcome: "failed", message: line.trim() }]));
    if (said.trim() !== "" && errors.length === 0) results.set("tsd", { outcome: "failed", message: said });
    if (said.trim() === "") results.set("all type tests", { outcome: "passed" });
    return results;
  } finally {
    if (project !== checkout) rmSync(project, { recursive: true });
  }
}

/**
 * A project with the checkout's tests in which `built` is this package.
 *
 * @param {string} checkout
 * @param {string} subject
 */
function projectOf(checkout, subject) {
  const project = join(subject, "types");
  cpSync(join(checkout, "test/typing"), join(project, "test/typing"), { recursive: true });
  mkdirSync(join(project, "built"));
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  writeFileSync(join(project, "built/index.d.ts"), OURS);
  const manifest = { name: "types", version: "1.0.0", types: "./built/index.d.ts", tsd: { directory: "test/typing" } };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  for (const name of ["@types/node", "tsd"]) {
    symlinkSync(join(checkout, "node_modules", name), join(project, "node_modules", name));
  }
  for (const name of ["ioredoubt", "ioredis"]) {
    symlinkSync(join(subject, "node_modules", name), join(project, "node_modules", name));
  }
  return project;
}
