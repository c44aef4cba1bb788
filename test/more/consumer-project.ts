/** A project with the packages that take an ioredis client, installed as their lock file says, and this package as npm would pack it. */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unpackInto } from "../../scripts/suites/subject.mjs";

const run = promisify(execFile);
const source = fileURLToPath(new URL("consumers", import.meta.url));
/** Where a second run finds it again, and no test runner takes it for a part of this repository. */
const project = join(tmpdir(), "ioredoubt-consumers");

/** Returns the project's folder. It takes a minute or two where it is new. */
export async function consumerProject(): Promise<string> {
  mkdirSync(project, { recursive: true });
  const [lock, installed] = [join(source, "package-lock.json"), join(project, "installed.json")];
  const isThere = existsSync(installed) && readFileSync(installed, "utf8") === readFileSync(lock, "utf8");
  for (const file of readdirSync(source)) copyFileSync(join(source, file), join(project, file));
  if (!isThere) {
    const quiet = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["ci", ...quiet], { cwd: project });
    copyFileSync(lock, installed);
  }
  unpackInto(join(project, "node_modules"));
  return project;
}
