/** docs/errors is what the catalogue renders, no more and no less, and every link of a diagnosis leads there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { CODES } from "../../src/failure/codes.js";
import { renderAll } from "../../src/failure-pages/render.js";

const root = new URL("../../", import.meta.url);
const folder = new URL("docs/errors/", root);
const pages = renderAll();

describe("docs/errors", () => {
  it("holds one page a code and an index", () => {
    expect(readdirSync(folder).toSorted()).toEqual([...CODES.map((code) => `${code}.md`), "README.md"].toSorted());
  });

  it.each([...pages.keys()])("%s is up to date (node scripts/generate-error-docs.mjs)", (name) => {
    expect(readFileSync(new URL(name, folder), "utf8")).toBe(pages.get(name));
  });

  it("is where a diagnosis points", () => {
    for (const code of CODES) {
      const { docs } = classify(Object.assign(new Error("x"), { code }));
      expect(docs).toBe(`docs/errors/${code}.md`);
      expect(existsSync(new URL(docs, root))).toBe(true);
    }
  });

  it("leaves no placeholder unfilled", () => {
    for (const [name, text] of pages) expect(text, name).not.toMatch(/\{[a-zA-Z]+\}/);
  });
});
