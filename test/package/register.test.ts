/** `--import ioredoubt/register` and `--require`: who asks for ioredis gets this package, built on the copy that was asked for. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const installed = join(root, "node_modules");
/** A program with ioredis 6, and a package of its own that brings ioredis 5; `old` brings one that is too old. */
const app = mkdtempSync(join(tmpdir(), "register-"));
afterAll(() => rmSync(app, { recursive: true }));

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  const modules = join(app, "node_modules");
  mkdirSync(join(modules, "worker/node_modules"), { recursive: true });
  mkdirSync(join(modules, "old/node_modules/ioredis"), { recursive: true });
  symlinkSync(root, join(modules, "ioredoubt"));
  symlinkSync(join(installed, "ioredis"), join(modules, "ioredis"));
  symlinkSync(join(installed, "ioredis5"), join(modules, "worker/node_modules/ioredis"));
  write("node_modules/worker/index.js", 'module.exports = require("ioredis");');
  write("node_modules/old/index.js", 'module.exports = require("ioredis");');
  write(
    "node_modules/old/node_modules/ioredis/package.json",
    '{ "name": "ioredis", "version": "4.28.5", "main": "index.js" }',
  );
  write("node_modules/old/node_modules/ioredis/index.js", 'module.exports = "old";');
});
afterAll(() => server.stop());

function write(file: string, text: string): void {
  writeFileSync(join(app, file), text);
}

async function start(flags: readonly string[], file: string, env: Readonly<Record<string, string>> = {}) {
  const given = {
    ...process.env,
    PORT: String(server.port),
    IOREDOUBT_LOG_LEVEL: "error",
    IOREDOUBT_PROFILE: "production",
    ...env,
  };
  const { stdout, stderr } = await run(process.execPath, [...flags, file], { cwd: app, env: given });
  return { printed: JSON.parse(stdout) as unknown, stderr };
}

const LOOK = `
async function look(Redis) {
  const redis = new Redis(Number(process.env.PORT));
  const reply = await redis.set("k", "v");
  const seen = [reply, typeof redis.health, redis.policy?.deadline, typeof Redis.Command, typeof Redis.ReplyError];
  redis.disconnect();
  return seen;
}`;
const OURS = ["OK", "function", 5000, "function", "function"];
const THEIRS = ["OK", "undefined", null, "function", "function"];

describe.each([
  ["--import", ["--import", "ioredoubt/register"]],
  ["--require", ["--require", "ioredoubt/register"]],
])("%s", (_, flags) => {
  it("swaps ioredis for CommonJS, nested copies too, each on its own copy", async () => {
    write(
      "app.cjs",
      `${LOOK}
      const Redis = require("ioredis"), Worker = require("worker"), { createRequire } = require("node:module");
      const theirs = createRequire(require.resolve("worker"))(require.resolve("worker").replace("index.js", "node_modules/ioredis/built/Redis.js")).default;
      Promise.all([look(Redis), look(Redis.Redis), look(Worker), look(Worker.default)]).then((seen) => {
        const same = [Redis === require("ioredoubt"), Redis === Worker, Worker.prototype instanceof theirs, require("worker") === Worker];
        console.log(JSON.stringify({ seen, same }));
      });`,
    );
    const { printed } = await start(flags, "app.cjs");
    expect(printed).toEqual({ seen: [OURS, OURS, OURS, OURS], same: [true, false, true, true] });
  });

  it("swaps ioredis for ES modules, in all forms of import", async () => {
    write(
      "app.mjs",
      `${LOOK}
      import Redis, { Redis as Named, Command, Cluster } from "ioredis";
      import * as all from "ioredis";
      const { default: lazily } = await import("ioredis");
      import Worker, { Redis as Theirs } from "worker";
      import Own from "ioredoubt";
      const seen = await Promise.all([look(Redis), look(Named), look(lazily), look(Worker)]);
      const same = [Redis === Own, all.Redis === Named, Command === Redis.Command, Cluster === Redis.Cluster, Theirs === Worker];
      console.log(JSON.stringify({ seen, same }));`,
    );
    const { printed } = await start(flags, "app.mjs");
    expect(printed).toEqual({ seen: [OURS, OURS, OURS, OURS], same: [true, true, true, true, true] });
  });

  it("takes the policy from the environment", async () => {
    write("policy.cjs", `${LOOK} look(require("ioredis")).then((seen) => console.log(JSON.stringify(seen)));`);
    const { printed } = await start(flags, "policy.cjs", { IOREDOUBT_DEADLINE: "900ms" });
    expect(printed).toEqual(["OK", "function", 900, "function", "function"]);
  });

  it("leaves alone what is too old, and says so", async () => {
    write("old.cjs", 'console.log(JSON.stringify(require("old")));');
    const { printed, stderr } = await start(flags, "old.cjs");
    expect(printed).toBe("old");
    expect(stderr).toMatch(/leaves ioredis 4\.28\.5 .*needs 5\.11/);
  });

  it("does nothing while IOREDOUBT_OFF is on, and says so", async () => {
    const { printed, stderr } = await start(flags, "policy.cjs", { IOREDOUBT_OFF: "1" });
    expect(printed).toEqual(THEIRS);
    expect(stderr).toMatch(/does nothing \(IOREDOUBT_OFF=1\)/);
  });
});

it("lists what ioredis exports to ES modules", async () => {
  const names = Object.keys(await import("ioredis")).filter(
    (name) => !/^(?:default|module\.exports|__esModule|Promise)$/.test(name),
  );
  const { NAMES } = await import("../../src/register/modules.js");
  expect([...NAMES].sort()).toEqual(names.sort());
});
