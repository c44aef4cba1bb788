/** `config` on a terminal keeps its sentences to the width; in a pipe a line stays a line, so that it can be searched. */
import { describe, expect, it } from "vitest";
import { runConfig } from "../../src/cli/config.js";

function shown(columns: number | undefined): readonly string[] {
  let text = "";
  const out = { write: (more: string) => (text += more), columns };
  expect(runConfig([], out, { REDIS_URL: "redis://10.0.0.5", IOREDOUBT_DEADLINE: "5" })).toBe(0);
  return text.split("\n");
}

/** From a heading to the next empty line. */
function under(heading: string, lines: readonly string[]): readonly string[] {
  const from = lines.indexOf(heading) + 1;
  return lines.slice(from, lines.indexOf("", from));
}

describe("ioredoubt config", () => {
  it.each([40, 80])("keeps its sentences to %i columns", (columns) => {
    const lines = shown(columns);
    for (const heading of ["Warnings", "What it means"]) {
      expect(under(heading, lines).length).toBeGreaterThan(1);
      for (const line of under(heading, lines)) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });

  it("writes whole lines into a pipe, in the same words", () => {
    const whole = shown(undefined);
    expect(Math.max(...under("Warnings", whole).map(({ length }) => length))).toBeGreaterThan(80);
    const words = (lines: readonly string[]): string => under("Warnings", lines).join(" ").replace(/\s+/g, " ");
    expect(words(shown(60))).toBe(words(whole));
  });
});
