/** docs/log.md names every event and field that the incident log writes, and its samples are such lines. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { FailureCounts } from "../../src/observe/failure-counts.js";
import * as lines from "../../src/observe/incident-lines.js";

const page = readFileSync(new URL("../../docs/log.md", import.meta.url), "utf8");

const diagnosis = classify("connect ECONNREFUSED 10.0.0.5:6379", {
  environment: { container: false, kubernetes: false },
});
/** Of each kind one, so that every field is written. */
const counts = new FailureCounts();
counts.add({ command: "incr", code: "OUTCOME_UNKNOWN", isUnsent: false, isOutcomeUnknown: true });
counts.add({ command: "get", code: "CIRCUIT_OPEN", isUnsent: true, isOutcomeUnknown: false });
counts.fallbacks = 1;
const tally: lines.Tally = { id: "x", first: diagnosis, chapter: diagnosis, counts, retried: 3, probes: 5 };
const brief: lines.Brief = { code: "CONNECTION_RESET", times: 2, duration: 80, counts, retried: 1 };
const ended: lines.Ended = { ending: "recovered", duration: 1000, recovery: 10, server: "same" };
const observed = classify("connect ECONNREFUSED 10.0.0.5:6379", {
  environment: { container: false, kubernetes: false },
  connection: { ageMs: 5, bytesRead: 0 },
});

const written = [
  lines.opening("e", "x", observed, 1000),
  lines.changed("e", "x", observed, 1000),
  lines.circuitOpened("e", "x", "write", 1000, diagnosis),
  lines.examination("e", "x", { code: "CONNECTION_REFUSED", sentence: "s" }),
  lines.summary("e", tally, 1000, 1),
  lines.closing("e", tally, ended),
  lines.flapping("e", brief, 30_000),
  lines.blip("e", brief, 30_000),
  lines.rejection("e", "QUEUE_FULL", 1, 1),
  lines.usage("e", diagnosis, 0),
].map((line) => line.fields as Record<string, unknown>);

describe("README.md", () => {
  it("shows an outage in lines as they are written today, shortened where it says so", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const endpoint = "127.0.0.1:6380";
    const refused = classify("connect ECONNREFUSED 127.0.0.1:6380", {
      endpoint: { host: "127.0.0.1", port: 6380 },
      environment: { container: false, kubernetes: false },
    });
    const told = new FailureCounts();
    for (let i = 0; i < 16; i++)
      told.add({ command: "get", code: "CIRCUIT_OPEN", isUnsent: true, isOutcomeUnknown: false });
    const outage = { ...tally, first: refused, counts: told, retried: 0 };
    const sentence =
      "Redis is not running: nothing listens on port 6380 of this machine, and there is no redis-server or valkey-server process.";
    const story = [
      lines.opening(endpoint, "x", refused, undefined),
      lines.examination(endpoint, "x", { code: "CONNECTION_REFUSED", sentence }),
      lines.circuitOpened(endpoint, "x", "read-write", 142, diagnosis),
      lines.closing(endpoint, outage, { ending: "recovered", duration: 3700, recovery: 845, server: "restarted" }),
    ].map(({ message }) => message);
    const shown = [...readme.matchAll(/^(?:error|warn|info) +(redis 127\.0\.0\.1:6380.*)$/gm)].map(
      ([, text = ""]) => text,
    );
    expect(shown).toHaveLength(story.length + 1);
    shown.slice(1).forEach((text, i) => {
      if (text.endsWith("…")) expect(story[i]).toContain(text.slice(0, -1).trim());
      else expect(story[i]).toBe(text);
    });
  });
});

describe("docs/log.md", () => {
  it.each(written)("documents $event and its fields", (fields) => {
    for (const name of [fields["event"], ...Object.keys(fields)]) expect(page).toContain(`\`${String(name)}\``);
  });

  it("shows samples with exactly the fields that are written", () => {
    const samples = [...page.matchAll(/^\{.*\}$/gm)].map(([text]) => JSON.parse(text) as Record<string, unknown>);
    expect(samples.length).toBeGreaterThanOrEqual(7);
    for (const sample of samples) {
      const fields = written.find((one) => one["event"] === sample["event"]) ?? {};
      const known = new Set([...Object.keys(fields), "level", "name", "msg"]);
      for (const name of Object.keys(sample)) expect(known, name).toContain(name);
    }
  });

  it("shows the opening line as it is written today", () => {
    expect(page).toContain(lines.opening("10.0.0.5:6379", "k3f9ad", diagnosis, undefined).message);
  });
});
