/**
 * Makes sure that a redis-server binary is there for the tests, the demo and the benchmarks. Says nothing when it is;
 * installs it where that is safe (root on Debian or Ubuntu), without starting a service; otherwise says how to get it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";

const binary = process.env["REDIS_SERVER"] ?? "redis-server";

/** @param {string} name */
function works(name) {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}

/** @param {string[]} args */
function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", ...args], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Debian starts a service when its package is installed, unless this file forbids it: port 6379 is not ours to take. */
const POLICY = "/usr/sbin/policy-rc.d";

function installByApt() {
  const forbid = !existsSync(POLICY);
  if (forbid) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const update = apt(["update"]);
    const install = apt(["install", "-y", "--no-install-recommends", "redis-server"]);
    return install.status === 0 ? undefined : `${update.stderr ?? ""}${install.stderr ?? ""}`.trim();
  } finally {
    if (forbid) rmSync(POLICY, { force: true });
  }
}

function instructions() {
  return `This needs a redis-server binary (6.2 or newer) and found none.

  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis
  elsewhere        REDIS_SERVER=/path/to/redis-server npm test

Without a binary, the part of the demo that harms nothing runs against a server you name:

  docker run --rm -p 127.0.0.1:6380:6379 redis:7
  npm run build && REDIS_URL=redis://127.0.0.1:6380 node demo/main.mjs
`;
}

function main() {
  if (works(binary)) return 0;
  if (process.env["REDIS_SERVER"] !== undefined) {
    console.error(`REDIS_SERVER=${binary} cannot be run.`);
    return 1;
  }
  // The demo needs no binary when it is given a server. Tests kill servers, and never a given one.
  if (process.argv.includes("--or-url") && process.env["REDIS_URL"] !== undefined) return 0;
  const debian = process.platform === "linux" && existsSync("/usr/bin/apt-get");
  if (debian && process.getuid?.() === 0) {
    console.log("redis-server is missing: installing it with apt-get (the service is not started).");
    const problem = installByApt();
    if (problem === undefined && works(binary)) return 0;
    console.error(`apt-get could not install redis-server.\n${problem ?? ""}\n`);
  }
  console.error(instructions());
  return 1;
}

process.exitCode = main();
