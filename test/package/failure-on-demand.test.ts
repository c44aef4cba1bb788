/**
 * What only a failure needs is in a file of its own: no start loads it, it is there before an outage, and without it every
 * command still settles.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSource } from "../helpers/child.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** A copy of the build: a file is taken away from it. */
const copy = mkdtempSync(join(tmpdir(), "failure-"));
let server: RedisServer;

beforeAll(async () => {
  cpSync(join(ROOT, "dist"), join(copy, "dist"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
  rmSync(copy, { recursive: true });
});

/** Runs some code with the package and what it has loaded; gives what it printed, a JSON text a line. */
async function run(source: string): Promise<unknown[]> {
  const { stdout, stderr, unhandled, timedOut } = await runSource(`
    import { createRequire } from "node:module";
    import { renameSync } from "node:fs";
    const require = createRequire(${JSON.stringify(join(copy, "index.js"))});
    const { createRedis } = require("./dist/index.js");
    const print = (value) => console.log(JSON.stringify(value));
    const loaded = () => Object.keys(require.cache).filter((file) => /dist.failure\\.js$|opossum.index\\.js$/.test(file)).length;
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    ${source}`);
  expect({ stderr, unhandled, timedOut }).toEqual({ stderr: "", unhandled: [], timedOut: false });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

describe("what only a failure needs", () => {
  it("is not loaded by a start, and is a turn after the first connection although nothing has failed", async () => {
    // Without a circuit breaker there is no other reason to load it.
    const [made, connected] = await run(`
      const redis = createRedis(${String(server.port)}, "127.0.0.1", { lazyConnect: true, resilience: { logger: false, breaker: false } });
      print(loaded());
      await redis.get("k");
      while (loaded() === 0) await turn();
      print(loaded());
      await redis.close();`);
    expect({ made, connected }).toEqual({ made: 0, connected: 2 });
  });

  it("may be gone: commands settle as they should, one line says so, and all is as ever once it is back", async () => {
    const seen = await run(`
      const logger = Object.fromEntries(["debug", "info", "warn", "error", "fatal"].map((level) => [level, (fields) => print([level, fields.event, fields.code])]));
      const file = ${JSON.stringify(join(copy, "dist/failure.js"))};
      renameSync(file, file + ".gone");
      const options = { resilience: { logger, doctor: false, deadline: 300, breaker: { downAfter: 300, resetTimeout: 60_000 } } };
      const redis = createRedis(${String(await freePort())}, "127.0.0.1", options);
      const told = ({ code, applied, diagnosis }) => print(["command", code, applied, diagnosis.code]);
      await redis.get("k").catch(told);
      while (redis.stats().breaker.readWrite.state !== "open") await turn();
      await redis.incr("k").catch(told);
      renameSync(file + ".gone", file);
      while (loaded() === 0) await redis.incr("k").catch(() => turn());
      redis.disconnect();`);
    expect(seen).toEqual(
      expect.arrayContaining([
        ["error", "log.unavailable", "UNKNOWN"],
        ["command", "DEADLINE", "no", "DEADLINE"],
        ["command", "CIRCUIT_OPEN", "no", "CIRCUIT_OPEN"],
        ["warn", "commands.rejected", "CIRCUIT_OPEN"],
      ]),
    );
  });
});
