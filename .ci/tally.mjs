/**
 * Counts tests while they run, in a file that outlives the run: one that hangs or is killed still says what passed, what
 * failed and what it was doing. Vitest loads it as a reporter, which writes a line for each event; run by itself with the
 * file and the run's exit code, it reads them and prints the counts.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";

/** @import { Reporter, TestModule } from "vitest/node" */
/** @typedef {{ starts?: string, ends?: string, in?: string, runs?: string, result?: "passed" | "failed" | "skipped" | "pending", isOver?: boolean, isBroken?: boolean }} Event */

/** @implements {Reporter} */
export default class Tally {
  /** @param {TestModule} module */
  onTestModuleStart(module) {
    note({ starts: nameOf(module) });
  }

  /** @param {import("vitest/node").TestCase} test */
  onTestCaseReady(test) {
    note({ in: nameOf(test.module), runs: test.fullName });
  }

  /** @param {import("vitest/node").TestCase} test */
  onTestCaseResult(test) {
    note({ in: nameOf(test.module), result: test.result().state });
  }

  /** @param {TestModule} module */
  onTestModuleEnd(module) {
    // A file that cannot be loaded has no tests to count, and is a failure all the same.
    const isBroken = !module.ok() && [...module.children.allTests()].length === 0;
    note({ ends: nameOf(module), isBroken });
  }

  /** @type {NonNullable<Reporter["onTestRunEnd"]>} */
  onTestRunEnd(_modules, _errors, reason) {
    if (reason !== "interrupted") note({ isOver: true });
  }
}

/** @param {TestModule} module */
function nameOf(module) {
  return `${module.project.name}: ${relative(process.cwd(), module.moduleId)}`;
}

/** @param {Event} event */
function note(event) {
  appendFileSync(process.env["TALLY"] ?? "", `${JSON.stringify(event)}\n`);
}

/**
 * Prints what did not finish, and ends with the counts.
 * @param {string} file
 * @param {number} code
 */
function report(file, code) {
  const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  const unfinished = new Map();
  const lines = readFileSync(file, "utf8").split("\n");
  // The last line of a run that was killed may be half a line.
  for (const line of lines.slice(0, -1)) {
    const event = /** @type {Event} */ (JSON.parse(line));
    if (event.starts !== undefined) unfinished.set(event.starts, "before its first test");
    // Events of one file may come in another order than they happened: the last results behind its end.
    const isRunning = event.in !== undefined && unfinished.has(event.in);
    if (event.runs !== undefined && isRunning) unfinished.set(event.in, `in: ${event.runs}`);
    if (event.result !== undefined) {
      count[event.result]++;
      if (isRunning) unfinished.set(event.in, "between two tests, or behind its last");
    }
    if (event.isOver) unfinished.clear();
    if (event.ends !== undefined) {
      unfinished.delete(event.ends);
      if (event.isBroken) count.failed++;
    }
  }
  for (const [name, where] of unfinished) console.log(`Did not finish: ${name}, ${where}`);
  count.failed += unfinished.size;
  // A run may also fail beside its tests: the build, or an error that nobody caught.
  if (code !== 0 && count.failed === 0) count.failed = 1;
  console.log(`${count.passed} passed, ${count.failed} failed`);
}

const [, main = "", file, code] = process.argv;
if (import.meta.url === pathToFileURL(main).href) report(file ?? "", Number(code));
