/** This package as npm would install it, beside another copy of ioredis: what the suites of others are run with. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/**
 * A new folder with this package and `ioredis` in its `node_modules`.
 *
 * @param {string} ioredis - the folder of the copy that it is to be built on.
 * @returns the folder
 */
export function installBeside(ioredis) {
  const folder = mkdtempSync(join(tmpdir(), "suite-"));
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  unpackInto(modules);
  symlinkSync(ioredis, join(modules, "ioredis"));
  return folder;
}

/**
 * Packs what is built, unpacks it, and puts its dependencies beside it where they are missing.
 *
 * @param {string} modules - a `node_modules` folder.
 */
export function unpackInto(modules) {
  const packed = mkdtempSync(join(tmpdir(), "packed-"));
  try {
    run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", packed]);
    const [tarball = ""] = readdirSync(packed);
    rmSync(join(modules, "ioredoubt"), { recursive: true, force: true });
    mkdirSync(join(modules, "ioredoubt"));
    run("tar", ["-xzf", join(packed, tarball), "-C", join(modules, "ioredoubt"), "--strip-components=1"]);
  } finally {
    rmSync(packed, { recursive: true });
  }
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    if (!existsSync(join(modules, name))) symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}`);
}
