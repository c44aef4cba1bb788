/** Every text the catalogue shows as an example must lead to the code that shows it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE, entryOf } from "../../src/failure/catalogue.js";
import { classify } from "../../src/failure/classify.js";
import { CODES } from "../../src/failure/codes.js";
import { SIGNATURES } from "../../src/failure/signatures.js";

const examples = CATALOGUE.flatMap((entry) => entry.examples.map((text) => [text, entry.code] as const));

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
    const folder = new URL("../fault/", import.meta.url);
    const files = readdirSync(folder).filter((name) => /^diagnosis-.*\.test\.ts$/.test(name));
    const source = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
    const names = [...source.matchAll(/\bit(?:\.\w+(?:\(.*?\))?)*\(\s*"([A-Z_, ]+):/g)].flatMap(([, codes = ""]) =>
      codes.split(", "),
    );
    const proven = new Set(names);
    for (const { code, recorded } of CATALOGUE)
      expect([code, proven.has(code) !== (recorded !== undefined)]).toEqual([code, true]);
  });

  it("fills every placeholder", () => {
    for (const { code, examples: texts } of CATALOGUE) {
      const diagnosis = classify(texts[0] ?? Object.assign(new Error("x"), { code }));
      expect(JSON.stringify(diagnosis)).not.toMatch(/\{[a-z]+\}/i);
    }
  });
});
