/**
 * The pages of docs/policies: their defaults are the code's, and the numbers, events, lines and metrics that they name exist.
 * `UPDATE_DOCS=1` renews the tables.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatValue } from "../../src/policy/explain-policy.js";
import { FIELDS } from "../../src/policy/fields.js";
import { flatten } from "../../src/policy/layers.js";
import { BASE } from "../../src/policy/profiles.js";

const FOLDER = new URL("../../docs/policies/", import.meta.url);
const base = flatten(BASE);

/** Which options each page is about. */
const PAGES: Readonly<Record<string, RegExp>> = {
  "circuit.md": /^breaker\b/,
  "deadline.md": /^deadline$/,
  "queue.md": /^(?:queue|inFlight)\b/,
  "reconnect.md": /^reconnect\b/,
  "retry.md": /^retry\b/,
  "silence.md": /^(?:silenceHold|heartbeat\b)/,
};

function defaults(options: RegExp): string {
  const rows = FIELDS.filter(({ path }) => options.test(path)).map(({ path, says }) => {
    const value = base.get(path);
    const shown = path === "breaker.downAfter" ? "the deadline" : value === true ? "on" : formatValue(path, value);
    return `| \`${path}\` | ${shown} | ${says} |`;
  });
  return ["| option | default | what it is |", "|---|---|---|", ...rows].join("\n");
}

function read(page: string): string {
  return readFileSync(new URL(page, FOLDER), "utf8");
}

const known = ["metrics.md", "log.md", "health.md", "api.md"].map((page) =>
  readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8"),
);

describe("docs/policies", () => {
  it("has a page for each policy", () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(PAGES));
  });

  it.each(Object.entries(PAGES))("%s has the defaults of the code", (page, options) => {
    const text = read(page);
    const table = `<!-- defaults:begin -->\n\n${defaults(options)}\n\n<!-- defaults:end -->`;
    const renewed = text.replace(/<!-- defaults:begin -->[\s\S]*<!-- defaults:end -->/, table);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(new URL(page, FOLDER), renewed);
    else expect(text).toBe(renewed);
  });

  it.each(Object.keys(PAGES))("%s says what it is, draws it, and names nothing that does not exist", (page) => {
    const text = read(page);
    for (const part of ["```text\n", "## Defaults", "## What you see", "## Do\n", "## Do not"])
      expect(text).toContain(part);
    const seen = /## What you see\n([\s\S]*?)## Do\n/.exec(text)?.[1] ?? "";
    const names = [...seen.matchAll(/`([a-zA-Z_]+(?:[._][a-zA-Z]+)*)`/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const last = name.split(".").at(-1) ?? name;
      expect(
        known.some((other) => other.includes(name) || other.includes(last)),
        name,
      ).toBe(true);
    }
  });
});
