/**
 * Packages that take an ioredis client, or make one themselves, work with this package in its place: swapped by
 * `--import ioredoubt/register`, on the copies of ioredis that they bring. Needs a package registry once.
 */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { consumerProject } from "./consumer-project.js";

let server: RedisServer;
let project: string;
beforeAll(async () => {
  [server, project] = await Promise.all([startRedis(), consumerProject()]);
}, 600_000);
afterAll(() => server.stop());

/** One line of JSON for each package, and for each error that nobody caught. */
async function lines(flags: readonly string[]): Promise<{ name: string; ok?: boolean; error?: string }[]> {
  const env = {
    ...process.env,
    PORT: String(server.port),
    IOREDOUBT_PROFILE: "production",
    IOREDOUBT_LOG_LEVEL: "error",
  };
  const child = spawn(process.execPath, [...flags, "run.mjs"], {
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  return printed
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { name: string });
}

it("work", async () => {
  const told = await lines(["--import", "ioredoubt/register"]);
  expect(told.filter(({ ok }) => ok !== true)).toEqual([]);
  expect(told.length).toBeGreaterThanOrEqual(39);
}, 600_000);
