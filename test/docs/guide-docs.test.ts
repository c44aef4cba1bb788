/** docs/guide.md has a chapter for each topic that the doctor's findings name, and its commands can be pasted. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checksOf } from "../../src/doctor/checks.js";
import { TOPICS } from "../../src/doctor/topics.js";

const page = readFileSync(new URL("../../docs/guide.md", import.meta.url), "utf8");
const chapters = [...page.matchAll(/^## ([^\n]*)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(
  ([, title = "", text = ""]) => ({
    title,
    text,
  }),
);
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => block.trim().split("\n"));

describe("docs/guide.md", () => {
  it("has the doctor's chapters first, each with what to do by hand", () => {
    expect(chapters.slice(0, TOPICS.length).map(({ title }) => title)).toEqual([...TOPICS]);
    for (const { title, text } of chapters.slice(0, TOPICS.length)) {
      expect(text, title).toContain("```sh\n");
      expect(text, title).toContain("Checks: `");
    }
  });

  it("says in each chapter what the doctor does by itself", () => {
    expect(chapters.length).toBeGreaterThan(TOPICS.length);
    // The last one is the checklist, which has a column for it.
    for (const { title, text } of chapters) expect(text, title).toMatch(/^\*\*The doctor\*\* |\| the doctor \|$/m);
  });

  it("has a place for each check", () => {
    for (const { id } of [...checksOf(true, "sentinel"), ...checksOf(true, "cluster")])
      expect(page, id).toContain(`\`${id}\``);
  });

  it.each(commands)("%s can be pasted: it is shell, ends by itself and shows no password", (command) => {
    expect(spawnSync("sh", ["-n", "-c", command]).status).toBe(0);
    expect(command).not.toMatch(
      /--latency-history|\bmonitor\b|\b-f \w+\.log|npx (?!--no )|redis-cli .*(?: -a |--pass )/,
    );
    if (/openssl s_client|--latency|strace|tcpdump/.test(command)) expect(command).toMatch(/^timeout /);
  });
});
