/** Each rule of `.dependency-cruiser.cjs` refuses what it is there to refuse, and nothing that is meant to be. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const tree = mkdtempSync(join(tmpdir(), "walls-"));

const uses = (name: string) => `import type { one } from "${name}"; export type Two = typeof one;`;
const loads = (name: string) => `import { one } from "${name}"; export const two = one;`;
const loadsLater = (name: string) => `export const two = () => import("${name}");`;
const PACKAGE = `import { Command } from "ioredis"; export const two = Command;`;
const PACKAGE_TYPE = `import type { Command } from "ioredis"; export type Two = Command;`;

/** A file that imports across a wall, and the rules it breaks. */
const FILES: readonly (readonly [file: string, text: string, rules: readonly string[]])[] = [
  ["command/circle-a.ts", uses("./circle-b.js"), ["no-circles"]],
  ["command/circle-b.ts", `import "./circle-a.js"; export const one = 1;`, []],
  ["command/up.ts", uses("../engine/one.js"), ["facts-stand-alone"]],
  ["failure/up.ts", uses("../observe/one.js"), ["facts-stand-alone"]],
  ["policy/up.ts", uses("../client/one.js"), ["facts-stand-alone"]],
  ["policy/across.ts", uses("../command/one.js"), []],
  ["engine/up.ts", uses("../ioredis/one.js"), ["engine-and-endpoint-know-ports-only"]],
  ["endpoint/up.ts", uses("../observe/one.js"), ["engine-and-endpoint-know-ports-only"]],
  ["sentinel/up.ts", uses("../ioredis/one.js"), ["sentinel-asks-sentinels-only"]],
  ["sentinel/package.ts", PACKAGE, ["ioredis-has-one-door"]],
  ["engine/down.ts", loads("../endpoint/one.js"), []],
  ["engine/package.ts", PACKAGE, ["engine-runs-without-ioredis", "ioredis-has-one-door"]],
  ["engine/package-type.ts", PACKAGE_TYPE, []],
  ["lease/package.ts", PACKAGE, ["ioredis-has-one-door"]],
  ["ioredis/package.ts", PACKAGE, []],
  ["cluster.ts", PACKAGE, []],
  ["routing/up.ts", uses("../client/one.js"), ["routing-and-lease-below-the-client"]],
  ["lease/top.ts", uses("../redis.js"), ["redis-is-the-top", "routing-and-lease-below-the-client"]],
  ["client/top.ts", uses("../redis.js"), ["redis-is-the-top"]],
  ["create-redis.ts", loads("./redis.js"), []],
  ["client/doctor.ts", loads("../doctor/one.js"), ["core-loads-no-tools"]],
  ["client/numbers.ts", uses("../metrics/one.js"), ["publishers-are-leaves"]],
  ["failure/pages.ts", uses("../failure-pages/one.js"), ["core-loads-no-tools"]],
  ["client/doctor-later.ts", loadsLater("../doctor/one.js"), ["one-dynamic-import-of-the-doctor"]],
  ["client/background-doctor.ts", loadsLater("../doctor/one.js"), []],
  ["doctor/cli.ts", uses("../cli/one.js"), ["command-line-is-a-leaf"]],
  ["cli/doctor.ts", loads("../doctor/one.js"), []],
];
const FOLDERS = "command engine endpoint sentinel ioredis lease failure-pages observe client metrics doctor cli".split(
  " ",
);

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}
let violations: readonly Violation[];

beforeAll(() => {
  const write = (file: string, text: string) => {
    const path = join(tree, "src", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const folder of FOLDERS) write(`${folder}/one.ts`, "export const one = 1;");
  write("redis.ts", "export const one = 1;");
  for (const [file, text] of FILES) write(file, text);
  for (const shared of ["node_modules", "tsconfig.json"]) symlinkSync(join(ROOT, shared), join(tree, shared));
  const args = ["--config", join(ROOT, ".dependency-cruiser.cjs"), "--output-type", "json", "src"];
  const bin = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const out = execFileSync(process.execPath, [bin, ...args], { cwd: tree, encoding: "utf8", maxBuffer: 1 << 24 });
  violations = (JSON.parse(out) as { summary: { violations: readonly Violation[] } }).summary.violations;
});

afterAll(() => rmSync(tree, { recursive: true }));

describe("the walls", () => {
  it.each(FILES)("%s", (file, _text, rules) => {
    const broken = violations.filter(({ from }) => from === `src/${file}`).map(({ rule }) => rule.name);
    expect(broken.toSorted()).toEqual(rules);
  });
});
