/** Every text the catalogue shows as an example must lead to the code that shows it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE, entryOf } from "../../src/failure/catalogue.js";
import { classify } from "../../src/failure/classify.js";
import { CODES, type Code } from "../../src/failure/codes.js";
import { PAGES } from "../../src/failure-pages/pages.js";
import { SIGNATURES } from "../../src/failure/signatures.js";

const examples = CODES.flatMap((code) => PAGES[code].examples.map((text) => [text, code] as const));

/** Why no test produces a failure for real; recorded texts stand in. */
const RECORDED: Partial<Readonly<Record<Code, string>>> = {
  QUOTA_EXCEEDED: "Only a managed offering sends it.",
  UNKNOWN: "Whatever matches no row; property tests produce it.",
};

const COUNTED = "It is counted in the incident of what lies underneath.";
const CALLER_ONLY = "It concerns its caller only, who was told.";

/** Why the log has no line under a code. */
const UNLOGGED: Partial<Readonly<Record<Code, string>>> = {
  DEADLINE: COUNTED,
  OUTCOME_UNKNOWN: COUNTED,
  CIRCUIT_OPEN: COUNTED,
  UNAVAILABLE: COUNTED,
  CLIENT_CLOSED: CALLER_ONLY,
  ABORTED: CALLER_ONLY,
  ARGUMENT_INVALID: CALLER_ONLY,
  QUOTA_EXCEEDED: "Only a managed offering sends it: no line could be provoked.",
  CLUSTER_UNREACHABLE: "The Cluster class is ioredis's own, and logs nothing.",
  UNKNOWN: "What is not recognised cannot be provoked.",
  SUBSCRIBER_MODE: "ioredis refuses it before it is sent: it concerns its caller only, who was told.",
};

function faultTests(name: RegExp): string {
  const folder = new URL("../fault/", import.meta.url);
  const files = readdirSync(folder).filter((file) => name.test(file) && file.endsWith(".test.ts"));
  return files.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n");
}

describe("catalogue", () => {
  it("has exactly one entry for every code", () => {
    expect(CATALOGUE.map((entry) => entry.code).toSorted()).toEqual([...CODES].toSorted());
  });

  it.each(examples)("recognises the pasted text %j as %s", (text, code) => {
    expect(classify(text).code).toBe(code);
    expect(classify(new Error(text)).code).toBe(code);
  });

  it.each(CATALOGUE.map((entry) => [entry.code, entry] as const))(
    "says what %s means and what to do",
    (_code, entry) => {
      const page = PAGES[entry.code];
      for (const list of [entry.why, entry.next, page.findOut, page.fix, page.prevent])
        expect(list.length).toBeGreaterThan(0);
      for (const text of [entry.title, page.means]) expect(text).toMatch(/\.$/);
    },
  );

  it("leads from every signature to a known code", () => {
    for (const row of SIGNATURES) expect(entryOf(row.code).code).toBe(row.code);
  });

  it("has a test that produces each failure for real, or a reason why not", () => {
    const source = faultTests(/^(?:diagnosis|client-log)-/);
    const names = [...source.matchAll(/\bit(?:\.\w+(?:\(.*?\))?)*\(\s*"([A-Z_, ]+):/g)];
    const proven = new Set(names.flatMap(([, codes = ""]) => codes.split(", ")));
    for (const code of CODES) expect([code, proven.has(code) !== (RECORDED[code] !== undefined)]).toEqual([code, true]);
  });

  it("has a test that reads the log line of each failure, or a reason why there is none", () => {
    const source = faultTests(/^client-log-/);
    const calls = [
      ...source.matchAll(/\bexpect(?:Line|Away|Report|\(line\?\.fields\["code"\]\)\.toBe)\(([\s\S]*?)\);/g),
    ].map(([, args = ""]) => args);
    const rows = [...source.matchAll(/^\s*\["[A-Z_]+",.*$/gm)].map(([row]) => row);
    const read = new Set([...calls, ...rows].flatMap((text) => text.match(/(?<=")[A-Z][A-Z_]{2,}(?=")/g) ?? []));
    for (const code of CODES) expect([code, read.has(code) !== (UNLOGGED[code] !== undefined)]).toEqual([code, true]);
  });

  it("fills every placeholder", () => {
    for (const code of CODES) {
      const diagnosis = classify(PAGES[code].examples[0] ?? Object.assign(new Error("x"), { code }));
      expect(JSON.stringify(diagnosis)).not.toMatch(/\{[a-z]+\}/i);
    }
  });
});
