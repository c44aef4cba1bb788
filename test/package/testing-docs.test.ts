/** Every snippet of docs/testing.md runs as it stands there, with the built package, in the test runner that it is for. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(new URL("../../docs/testing.md", import.meta.url), "utf8");
const SNIPPETS = new Map(
  [...PAGE.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```/gm)].map(([, name = "", source = ""]) => [name, source]),
);
/** Jest is not installed here: its functions stand for those of node:test, as far as the page uses them. */
const JEST = `import assert from "node:assert/strict";
  export { after as afterAll, before as beforeAll, test } from "node:test";
  export const expect = (value) => ({ toBe: (wanted) => assert.equal(value, wanted) });`;

const project = mkdtempSync(join(tmpdir(), "testing-docs-"));
beforeAll(() => {
  const modules = join(project, "node_modules");
  mkdirSync(join(modules, "@jest/globals"), { recursive: true });
  symlinkSync(ROOT, join(modules, "ioredoubt"));
  symlinkSync(join(ROOT, "node_modules/vitest"), join(modules, "vitest"));
  writeFileSync(join(modules, "@jest/globals/package.json"), '{ "type": "module", "exports": "./index.js" }');
  writeFileSync(join(modules, "@jest/globals/index.js"), JEST);
  for (const [name, source] of SNIPPETS) writeFileSync(join(project, name), source);
});
afterAll(() => rmSync(project, { recursive: true }));

/** Runs a file of tests; resolves to its exit code and all that it printed. */
function run(name: string): Promise<{ readonly code: number; readonly out: string }> {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const args = name.includes(".vitest.") ? [vitest, "run", "--root", project, name] : ["--test", join(project, name)];
  // What tells a test that it runs inside another one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(?:NODE_TEST_CONTEXT|VITEST)/.test(key)),
  );
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: project, env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, out: out + err });
    });
  });
}

describe("the snippets of docs/testing.md", () => {
  const tests = [...SNIPPETS.keys()].filter((name) => name.includes(".test."));

  it("all have a name, by which they are run", () => {
    expect(PAGE.match(/^```js$/gm)).toHaveLength(SNIPPETS.size);
    expect(tests.map((name) => name.split(".")[1]).sort()).toEqual(["jest", "node", "node", "node", "vitest"]);
  });

  it.each(tests)("%s passes", async (name) => {
    const { code, out } = await run(name);
    expect(out).toMatch(/# pass 1|1 passed|ℹ pass 1/);
    expect(code).toBe(0);
  }, 90_000); // prettier-ignore

  it.each(tests.filter((name) => name.startsWith("orders.")))("%s fails when the handler tries again", async (name) => {
    const good = SNIPPETS.get("orders.mjs") ?? "";
    writeFileSync(join(project, "orders.mjs"), good.replace("return undefined", 'return redis.incr("orders")'));
    const { code, out } = await run(name).finally(() => writeFileSync(join(project, "orders.mjs"), good));
    expect(out).toMatch(/expected 2 to be 1|2 !== 1|actual: 2/);
    expect(code).not.toBe(0);
  }, 90_000); // prettier-ignore
});
