import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { changesBetween } from "../../src/doctor/changes.js";
import { TOPICS } from "../../src/doctor/topics.js";
import { exitCodeOf, renderHtml, renderText, type Finding, type Report } from "../../src/doctor/index.js";

const finding: Finding = {
  status: "fail",
  check: "path",
  evidence: "127.0.0.1 refused <script>alert(1)</script>",
  threshold: "2000 ms",
  meaning: 'It "refused" & said so.',
  next: [{ say: "Start it", run: "systemctl start redis-server" }, { say: "Or look" }],
  code: "CONNECTION_REFUSED",
  topic: "1.3 Network tests",
};
const report: Report = {
  version: 1,
  verdict: {
    status: "failed",
    sentence: "db.internal:6379 refused the connection.",
    check: "path",
    code: "CONNECTION_REFUSED",
    next: { say: "Start it", run: "systemctl start redis-server" },
  },
  target: {
    address: "db.internal:6379",
    mode: "standalone",
    tls: false,
    username: "app",
    db: 0,
    origins: { host: "REDIS_URL", db: "default" },
  },
  startedAt: "2026-01-02T03:04:05.678Z",
  elapsed: 1234,
  checks: [
    { id: "path", title: "Path", status: "fail", elapsed: 12, findings: [finding] },
    {
      id: "session",
      title: "Session",
      status: "ok",
      elapsed: 0,
      findings: [{ ...finding, check: "session", status: "ok", evidence: "fine", next: [], code: undefined }],
    },
  ],
  runtime: { node: "20.20.0", platform: "linux" },
};

describe(renderHtml, () => {
  const html = renderHtml(report);

  it("is one self-contained page: nothing is loaded from anywhere and nothing runs", () => {
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/\b(?:https?:)?\/\/[a-z]/i);
    expect(html).not.toMatch(/<(?:script|link|img|iframe|object|embed|base|form)\b|\bsrc=|@import|url\(|\son\w+=/i);
    // Links lead within the page, or into the documentation beside the application.
    for (const [, to = ""] of html.matchAll(/\bhref="([^"]*)"/g))
      expect(to).toMatch(/^(?:#[\w-]+|node_modules\/ioredoubt\/docs\/)/);
  });

  it("shows what was seen as text, never as markup", () => {
    expect(html).toContain("refused &lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("It &quot;refused&quot; &amp; said so.");
  });

  it("holds verdict, next command, threshold, topic and code", () => {
    for (const text of [
      "db.internal:6379 refused the connection.",
      "systemctl start redis-server",
      "2000 ms",
      "1.3 Network tests",
      "CONNECTION_REFUSED",
      "host from REDIS_URL",
    ]) {
      expect(html).toContain(text);
    }
  });

  it("counts what it found, problems first, and folds what is well", () => {
    expect(html).toContain("<li>2 checks:</li>");
    expect(html).toContain('<a href="#fail"><b>1</b> failed</a>');
    expect(html).toContain('<a href="#ok"><b>1</b> passed</a>');
    expect(html).toContain('<details class="group" open><summary>Failed (1)</summary><div id="fail">');
    expect(html).toContain('<details class="group"><summary>Passed (1)</summary><div id="ok">');
    expect(html.indexOf('id="fail"')).toBeLessThan(html.indexOf('id="ok"'));
  });

  it("counts checks, whose warnings the verdict counts, and shows the problems of a check first", () => {
    const warned = { ...finding, status: "warn", evidence: "too old" } as const;
    const fine = { ...finding, status: "ok", evidence: "young enough" } as const;
    const checks = [{ id: "x", title: "X", status: "warn", elapsed: 1, findings: [fine, warned, warned] }] as const;
    const page = renderHtml({ ...report, checks });
    expect(page).toContain('<a href="#warn"><b>1</b> with warnings</a>');
    expect(page).toContain("<summary>With warnings (1)</summary>");
    expect(page.indexOf("too old")).toBeLessThan(page.indexOf("young enough"));
  });

  it("has an anchor for each check, the version, and links to the guide's chapter and the code's page", () => {
    expect(renderHtml(report, "1.2.3")).toContain("ioredoubt doctor 1.2.3 ·");
    for (const id of ["check-path", "check-session"]) expect(html).toContain(`id="${id}"`);
    expect(html).toContain('href="node_modules/ioredoubt/docs/guide.md#13-network-tests"');
    expect(html).toContain('href="node_modules/ioredoubt/docs/errors/CONNECTION_REFUSED.md"');
  });

  it("links to chapters that exist", () => {
    const guide = readFileSync(new URL("../../docs/guide.md", import.meta.url), "utf8");
    const titles = [...guide.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(titles.slice(0, TOPICS.length)).toEqual([...TOPICS]);
    for (const [, page = ""] of guide.matchAll(/\]\(([^)]+)\)/g)) {
      expect(existsSync(new URL(`../../docs/${page}`, import.meta.url)), page).toBe(true);
    }
  });

  it("fits a phone and follows the reader's colours", () => {
    expect(html).toContain('name="viewport" content="width=device-width,initial-scale=1"');
    expect(html).toContain("@media screen and (prefers-color-scheme:dark)");
  });
});

describe(renderText, () => {
  it("is plain without colour and says each thing once", () => {
    expect(renderText(report)).toBe(`ioredoubt doctor  db.internal:6379  (from REDIS_URL)
[FAIL] Path                 127.0.0.1 refused <script>alert(1)</script> (12 ms)
       It "refused" & said so.
       limit: 2000 ms
       → Start it: systemctl start redis-server
       → Or look
[ok  ] Session              fine

[FAIL] Verdict: db.internal:6379 refused the connection. [CONNECTION_REFUSED]
       Next: Start it: systemctl start redis-server
       1.23 s
`);
  });

  it.each([40, 80, 120])("keeps to %s columns, and never breaks a command", (width) => {
    const long =
      "A sentence that goes on and on, as sentences of a doctor do when a server has much to say for itself. ";
    const run = `redis-cli -h ${"a-very-long-name.".repeat(8)}internal -p 6379 info server`;
    const wide = { ...finding, evidence: long.repeat(3), meaning: long.repeat(2), next: [{ say: long, run }] };
    const checks = report.checks.map((check) => ({ ...check, findings: [wide] }));
    const text = renderText(
      { ...report, checks, verdict: { ...report.verdict, sentence: long, next: wide.next[0] } },
      { color: false, width },
    );
    for (const line of text.split("\n")) if (!line.includes(run)) expect(line.length, line).toBeLessThanOrEqual(width);
    expect(text.split("\n").filter((line) => line.trim() === run)).toHaveLength(3);
    expect(text).toMatch(/^ {28}\S/m);
  });

  it("uses symbols and colours where they are wanted", () => {
    expect(renderText(report, { color: true })).toContain("\u001b[31m✖\u001b[0m");
  });
});

describe(exitCodeOf, () => {
  it("is 0 for healthy and warnings, 1 for failed, 2 for unknown", () => {
    const codes = (["healthy", "warnings", "failed", "unknown"] as const).map((status) =>
      exitCodeOf({ status, sentence: "" }),
    );
    expect(codes).toEqual([0, 0, 1, 2]);
  });
});

describe(changesBetween, () => {
  it("names each check whose status changed, and the verdict", () => {
    const after: Report = {
      ...report,
      verdict: { status: "healthy", sentence: "All well." },
      checks: report.checks.map((check) => ({
        ...check,
        status: "ok",
        findings: check.findings.map((one) => ({ ...one, status: "ok", evidence: "connected" })),
      })),
    };
    expect(changesBetween(report, after)).toEqual([
      "Path: fail → ok, connected",
      "Verdict: failed → healthy. All well.",
    ]);
    expect(changesBetween(after, after)).toEqual([]);
  });
});
