/**
 * Makes sure that a redis-server binary is there for the tests, the demo and the benchmarks. Says nothing when it is;
 * installs it where that is safe (root on Debian or Ubuntu), without starting a service; otherwise says how to get it.
 */
import { spawnSync } from "node:child_process";
import { canInstall, install } from "./apt.mjs";

const binary = process.env["REDIS_SERVER"] ?? "redis-server";

/** @param {string} name */
function works(name) {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
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
  if (canInstall()) {
    console.log("redis-server is missing: installing it with apt-get (the service is not started).");
    const problem = install(["redis-server"]);
    if (problem === undefined && works(binary)) return 0;
    console.error(`apt-get could not install redis-server.\n${problem ?? ""}\n`);
  }
  console.error(instructions());
  return 1;
}

const code = main();
if (code !== 0) process.exitCode = code;
