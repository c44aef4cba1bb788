/** `etc/*.api.md` says what the built package makes public, and nothing else. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderReport, REPORTS } from "../../scripts/api-report.mjs";

const written = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

describe("the API report", () => {
  it.each([...REPORTS])("%s is that of the build; if the change is meant, run: npm run api", (file, report) => {
    expect(renderReport(report)).toBe(written(file));
  });

  it("shows no class that holds a connection together", () => {
    const classes = written("etc/ioredoubt.api.md").match(/(?<=^class )\w+/gm);
    // The types of that name are these, or the same with other replies.
    expect(classes).toEqual(["Cluster", "Redis"]);
  });
});
