/** docs/api.md is what the built declarations say today, and names everything that can be imported. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PAGE, renderPage } from "../../scripts/api-docs.mjs";

const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), "utf8");

describe("the reference", () => {
  it("is that of the build; if the change is meant, run: npm run api", () => {
    expect(renderPage()).toBe(page);
  });

  it("has a chapter for each name that this package exports as a value", async () => {
    const own = await import("../../src/index.js");
    const ioredis = await import("ioredis");
    const names = Object.keys(own).filter(
      (name) => name !== "default" && (!(name in ioredis) || /^(?:Redis|Cluster)$/.test(name)),
    );
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(page, name).toContain(`\n#### ${name}\n`);
  });

  it("says of each option what it means, and of what is thrown what it is", () => {
    expect(page).toMatch(/- `readonly tokens: number` {2}\n {2}Tokens at the start/);
    expect(page).toContain("Throws `ConfigError` before anything connects");
    expect(page).not.toMatch(/\$\d|\{@link|\bdeclare\b/);
  });

  it("shows what stands behind an alias, once, and nothing that says nothing", () => {
    for (const member of [
      "executions(name: string): number",
      "freeze(): void",
      "get addresses()",
      "dropReplies(): void",
    ])
      expect(page).toContain(`- \`${member}`);
    expect(page).toMatch(/- `times\?: number` {2}\n {2}To how many commands it happens\. Default: 1\n/);
    expect(page).not.toMatch(/\btype (\w+) = \1(?:;|<)/);
    expect(page).not.toMatch(/^(?:`\w+`:|Returns|ts-ignore) ?$/m);
    for (const entry of page.split(/^## /m)) {
      const names = [...entry.matchAll(/^#### (.*)$/gm)].map(([, name]) => name);
      expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    }
  });
});
