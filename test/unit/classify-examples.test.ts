/** Every text the catalogue shows as an example must lead to the code that shows it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE, entryOf } from "../../src/failure/catalogue.js";
import { classify } from "../../src/failure/classify.js";
import { CODES } from "../../src/failure/codes.js";
import { SIGNATURES } from "../../src/failure/signatures.js";

const examples = CATALOGUE.flatMap((entry) => entry.examples.map((text) => [text, entry.code] as const));

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
      for (const list of [entry.why, entry.next, entry.findOut, entry.fix, entry.prevent])
        expect(list.length).toBeGreaterThan(0);
      for (const text of [entry.title, entry.means]) expect(text).toMatch(/\.$/);
    },
  );

  it("leads from every signature to a known code", () => {
    for (const row of SIGNATURES) expect(entryOf(row.code).code).toBe(row.code);
  });

  it("has a test that produces each failure for real, or a reason why not", () => {
    const source = faultTests(/^(?:diagnosis|client-log)-/);
    const names = [...source.matchAll(/\bit(?:\.\w+(?:\(.*?\))?)*\(\s*"([A-Z_, ]+):/g)];
    const proven = new Set(names.flatMap(([, codes = ""]) => codes.split(", ")));
    for (const { code, recorded } of CATALOGUE)
      expect([code, proven.has(code) !== (recorded !== undefined)]).toEqual([code, true]);
  });

  it("has a test that reads the log line of each failure, or a reason why there is none", () => {
    const source = faultTests(/^client-log-/);
    const calls = [
      ...source.matchAll(/\bexpect(?:Line|Away|Report|\(line\?\.fields\["code"\]\)\.toBe)\(([\s\S]*?)\);/g),
    ].map(([, args = ""]) => args);
    const rows = [...source.matchAll(/^\s*\["[A-Z_]+",.*$/gm)].map(([row]) => row);
    const read = new Set([...calls, ...rows].flatMap((text) => text.match(/(?<=")[A-Z][A-Z_]{2,}(?=")/g) ?? []));
    for (const { code, unlogged } of CATALOGUE)
      expect([code, read.has(code) !== (unlogged !== undefined)]).toEqual([code, true]);
  });

  it("fills every placeholder", () => {
    for (const { code, examples: texts } of CATALOGUE) {
      const diagnosis = classify(texts[0] ?? Object.assign(new Error("x"), { code }));
      expect(JSON.stringify(diagnosis)).not.toMatch(/\{[a-z]+\}/i);
    }
  });
});
