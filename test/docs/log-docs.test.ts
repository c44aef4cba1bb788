/** docs/log.md names every event and field that the incident log writes, and its samples are such lines. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import * as lines from "../../src/observe/incident-lines.js";

const page = readFileSync(new URL("../../docs/log.md", import.meta.url), "utf8");

const diagnosis = classify("connect ECONNREFUSED 10.0.0.5:6379", {
  environment: { container: false, kubernetes: false },
});
const tally: lines.Tally = {
  id: "x",
  first: diagnosis,
  latest: diagnosis,
  failed: 1,
  rejected: 2,
  retried: 3,
  unknownOutcome: 4,
  probes: 5,
  codes: new Map([["CONNECTION_REFUSED", 1]]),
};

const written = [
  lines.opening("e", "x", diagnosis, 1000),
  lines.circuitOpened("e", "x", "write", 1000, diagnosis),
  lines.summary("e", tally, 1000, 1),
  lines.closing("e", tally, 1000, 10, "recovered"),
  lines.flapping("e", tally, 3),
  lines.blip("e", diagnosis, 10, 0),
  lines.rejection("e", "QUEUE_FULL", 1, 1),
  lines.usage("e", diagnosis, 0),
].map((line) => line.fields as Record<string, unknown>);

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
