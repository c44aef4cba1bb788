/**
 * Packs what is built and has publint and "are the types wrong?" look at it, as those see it who install it. Build first.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Rules of "are the types wrong?" that are not kept, each with its reason. Every resolution is checked, node10 too. */
const NOT_KEPT = [
  // `require("ioredoubt")` is the class, as `require("ioredis")` is, and has every export on it, `default` and `__esModule`
  // too. Types can say only one of the two. They say `default`, as ioredis's do, and both are used in test/package/pack.test.ts.
  "false-export-default",
];

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return status === 0;
}

const folder = mkdtempSync(join(tmpdir(), "lint-package-"));
try {
  const packed = run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder]);
  const [tarball = ""] = readdirSync(folder);
  const path = join(folder, tarball);
  const bin = (/** @type {string} */ name) => join(root, "node_modules/.bin", name);
  const passed =
    packed &&
    run(bin("publint"), ["run", path, "--strict"]) &&
    run(bin("attw"), [path, "--no-emoji", "--ignore-rules", ...NOT_KEPT]);
  if (!passed) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
