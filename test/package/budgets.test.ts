/** What the package costs those who install it and every process that loads it. A budget is raised by a commit that says why. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

/** Bytes, a few percent above what the build has. */
const BYTES = {
  // All that `index` loads: what V8 reads at every start
  "core.js": 568_000,
  // What only a failure needs
  "failure.js": 157_000,
  // Loaded when its name is first used
  "cluster.js": 94_000,
  // The doctor, loaded when something is wrong
  "diagnose.js": 166_000,
  "index.d.ts": 79_000,
  "doctor/index.d.ts": 16_000,
};
/** Files of JavaScript in the build, source maps aside. */
const FILES = 45;
/** Modules that making a client loads beside ioredis's own, by package. */
const MODULES = { ioredoubt: 2 };

/** What a process has loaded after running some CommonJS. */
function loadedBy(source: string): readonly string[] {
  const tell = "console.log(JSON.stringify(Object.keys(require.cache)));";
  const out = execFileSync(process.execPath, ["--eval", source + tell], { encoding: "utf8" });
  return JSON.parse(out) as readonly string[];
}

describe("budgets", () => {
  it.each(Object.entries(BYTES))("%s is no larger than %i bytes", (file, budget) => {
    const { size } = statSync(`${DIST}/${file}`);
    expect(size).toBeLessThanOrEqual(budget);
    // A budget far above what is there guards nothing: lower it.
    expect(size).toBeGreaterThan(budget * 0.8);
  });

  it("has few files", () => {
    const files = readdirSync(DIST, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /\.m?js$/.test(file)).length).toBeLessThanOrEqual(FILES);
    expect(files.filter((file) => /\.d\.m?ts$/.test(file)).sort()).toEqual([
      "doctor/index.d.mts",
      "doctor/index.d.ts",
      "index.d.mts",
      "index.d.ts",
      "otel/index.d.mts",
      "otel/index.d.ts",
      "prometheus/index.d.mts",
      "prometheus/index.d.ts",
      "register/index.d.ts",
      "testing/index.d.mts",
      "testing/index.d.ts",
    ]);
  });

  it("loads few modules to make a client", () => {
    const theirs = new Set(loadedBy(`require(${JSON.stringify(fileURLToPath(import.meta.resolve("ioredis")))});`));
    const all = loadedBy(`const { createRedis } = require(${JSON.stringify(`${DIST}/index.js`)});
      createRedis({ port: 1, host: "127.0.0.1", lazyConnect: true, resilience: { logger: false } });`);
    const count: Record<string, number> = {};
    for (const file of all.filter((one) => !theirs.has(one))) {
      const owner = file.startsWith(DIST) ? "ioredoubt" : /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
      count[owner ?? file] = (count[owner ?? file] ?? 0) + 1;
    }
    expect(count).toEqual(MODULES);
  });
});
