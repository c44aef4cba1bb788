/**
 * docs/log.md names every event and field that the incident log writes, and its samples are such lines. `UPDATE_DOCS=1`
 * writes the samples anew from their numbers.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import type { Code } from "../../src/failure/codes.js";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import type { IncidentEnding } from "../../src/observe/events.js";
import { FailureCounts } from "../../src/observe/failure-counts.js";
import * as lines from "../../src/observe/incident-lines.js";
import type { ServerIdentity } from "../../src/engine/ports.js";

const PAGE = new URL("../../docs/log.md", import.meta.url);
const page = readFileSync(PAGE, "utf8");

const environment = { container: false, kubernetes: false };
const diagnosis = classify("connect ECONNREFUSED 10.0.0.5:6379", { environment });
/** Of each kind one, so that every field is written. */
const counts = new FailureCounts();
counts.add({ command: "incr", code: "OUTCOME_UNKNOWN", isUnsent: false, isOutcomeUnknown: true });
counts.add({ command: "get", code: "CIRCUIT_OPEN", isUnsent: true, isOutcomeUnknown: false });
counts.fallbacks = 1;
const tally: lines.Tally = { id: "x", first: diagnosis, chapter: diagnosis, counts, retried: 3, probes: 5 };
const causes = new Map<Code, number>([["CONNECTION_RESET", 2]]);
const brief: lines.Brief = { causes, from: 0, to: 900, duration: 80, counts, retried: 1 };
const takeover = { from: "10.0.0.5:6379", to: "10.0.0.6:6379" };
const ended: lines.Ended = { ending: "recovered", duration: 1000, recovery: 10, server: "same", takeover };
const observed = classify("connect ECONNREFUSED 10.0.0.5:6379", {
  environment,
  connection: { ageMs: 5, bytesRead: 0 },
});
const circuit: lines.OpenCircuit = { kind: "write", retryAfter: 1000 };

const written = [
  lines.opening("e", "x", observed, circuit),
  lines.changed("e", "x", observed, 1000),
  lines.circuitOpened("e", "x", circuit, diagnosis),
  lines.clientFailsFast("e", "x", 1000, diagnosis),
  lines.examination("e", "x", { code: "CONNECTION_REFUSED", sentence: "s" }),
  lines.summary("e", tally, 1000, 1),
  lines.closing("e", tally, ended),
  lines.flapping("e", brief, 1_000),
  lines.blip("e", brief, 1_000),
  lines.failures("e", counts),
  lines.tookOver("e", takeover),
  lines.rejection("e", "QUEUE_FULL", 1, 1),
  lines.usage("e", observed, 0),
  lines.credentialsFailed("e", observed, 0),
  lines.credentialsRenewed("e"),
].map((line) => line.fields as Record<string, unknown>);

describe("README.md", () => {
  it("shows an outage in lines as they are written today, shortened where it says so", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const endpoint = "127.0.0.1:6380";
    const refused = classify("connect ECONNREFUSED 127.0.0.1:6380", {
      endpoint: { host: "127.0.0.1", port: 6380 },
      environment,
    });
    // Ten calls a second for 12 s: those of the first 5 s wait for their deadline, the rest are refused at once.
    const told = new FailureCounts();
    for (let i = 0; i < 121; i++)
      told.add({
        command: "get",
        code: i < 72 ? "CIRCUIT_OPEN" : "DEADLINE",
        isUnsent: true,
        isOutcomeUnknown: false,
      });
    const outage = { ...tally, first: refused, counts: told, retried: 0 };
    const sentence =
      "Redis is not running: nothing on this machine listens on port 6380, and there is no redis-server or valkey-server process.";
    const story = [
      lines.opening(endpoint, "x", refused, undefined),
      lines.examination(endpoint, "x", { code: "CONNECTION_REFUSED", sentence }),
      lines.circuitOpened(endpoint, "x", { kind: "read-write", retryAfter: 142 }, diagnosis),
      lines.closing(endpoint, outage, { ending: "recovered", duration: 12_120, recovery: 146, server: "restarted" }),
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

/** The table of fields: by name, the cell that says in which events a field is. */
const whereIs = new Map(
  [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| (.*?) \| .* \|$/gm)].flatMap(([, names = "", where = ""]) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => [name, where] as const),
  ),
);

/** Whether a cell such as "all but `client.*` and `pool.leak`" covers an event. */
function covers(cell: string, event: string): boolean {
  const [included = "", excluded = ""] = cell.split(" but ");
  const named = (text: string): boolean =>
    [...text.matchAll(/`([\w.]+?)(\*?)`/g)].some(([, name = "", wild]) =>
      wild === "" ? event === name : event.startsWith(name),
    );
  return (included.startsWith("all") || named(included)) && !named(excluded);
}

interface Sample extends Record<string, unknown> {
  readonly event: string;
  readonly endpoint: string;
  readonly incident: string;
  readonly code: Code;
  readonly level: number;
  readonly name: string;
  readonly msg: string;
}

const samples = [...page.matchAll(/^\{.*\}$/gm)].map(([text]) => JSON.parse(text) as Sample);

function numberOf(sample: Sample, name: string): number {
  return Number(sample[name] ?? 0);
}

/** The counts that a sample's fields state. */
function countsOf(sample: Sample): FailureCounts {
  const told = new FailureCounts();
  told.failed = numberOf(sample, "failed");
  told.rejected = numberOf(sample, "rejected");
  told.unknownOutcome = numberOf(sample, "unknownOutcome");
  for (const [code, times] of Object.entries(sample["codes"] as object)) told.codes.set(code as Code, Number(times));
  const names = sample["unknownCommands"] ?? {};
  for (const [name, times] of Object.entries(names)) told.unknown.set(name, Number(times));
  return told;
}

function diagnosed(sample: Sample): Diagnosis {
  const [host = "", port = ""] = sample.endpoint.split(":");
  const authenticates = sample.code === "AUTH_WRONG";
  return classify(sample["seen"] ?? "connect ECONNREFUSED", {
    endpoint: { host, port: Number(port), authenticates },
    environment,
  });
}

/** The line that is written today for what a sample shows. */
function lineOf(sample: Sample): lines.Line {
  const { event, endpoint, incident, code } = sample;
  const duration = numberOf(sample, "durationMs");
  const told = (): lines.Tally => ({
    id: incident,
    first: diagnosed(sample),
    chapter: diagnosed(sample),
    counts: countsOf(sample),
    retried: numberOf(sample, "retried"),
    probes: numberOf(sample, "probes"),
  });
  switch (event) {
    case "incident.open":
      return lines.opening(endpoint, incident, diagnosed(sample), undefined);
    case "incident.circuit":
      return lines.circuitOpened(
        endpoint,
        incident,
        { kind: "read-write", retryAfter: numberOf(sample, "retryAfterMs") },
        diagnosed(sample),
      );
    case "incident.examined": {
      const [, sentence = ""] = sample.msg.split("seen from outside: ");
      return lines.examination(endpoint, incident, { code, sentence });
    }
    case "incident.summary":
      return lines.summary(endpoint, told(), duration, numberOf(sample, "waiting"));
    case "incident.closed":
      return lines.closing(endpoint, told(), {
        ending: sample["ending"] as IncidentEnding,
        duration,
        recovery: numberOf(sample, "recoveryMs"),
        server: sample["server"] as ServerIdentity,
      });
    case "connection.blip": {
      const [times, retried] = [numberOf(sample, "times"), numberOf(sample, "retried")];
      const shown = { causes: new Map([[code, times]]), from: 0, to: 3_800, duration, retried };
      return lines.blip(endpoint, { ...shown, counts: countsOf(sample) }, shown.to + numberOf(sample, "agoMs"));
    }
    case "commands.failed":
      return lines.failures(endpoint, countsOf(sample));
    case "commands.rejected":
      return lines.rejection(endpoint, code, numberOf(sample, "rejected"), numberOf(sample, "waiting"));
    default:
      throw new Error(`no sample of ${event} can be checked`);
  }
}

describe("docs/log.md", () => {
  it.each(written)("documents $event and each of its fields, where the table says that it is", (fields) => {
    const event = String(fields["event"]);
    expect(page).toContain(`| \`${event}\` |`);
    for (const name of Object.keys(fields)) {
      if (name !== "event") expect(covers(whereIs.get(name) ?? "", event), `${name} of ${event}`).toBe(true);
    }
  });

  it.each(written)("claims no field of $event that it does not have", (fields) => {
    const event = String(fields["event"]);
    for (const [name, cell] of whereIs) if (covers(cell, event)) expect(Object.keys(fields)).toContain(name);
  });

  it("shows samples that are written in this way today, from their fields to their sentence", () => {
    expect(samples.length).toBeGreaterThanOrEqual(7);
    if (process.env["UPDATE_DOCS"] === "1") {
      const renewed = page.replace(/^\{.*\}$/gm, (text) => {
        const sample = JSON.parse(text) as Sample;
        const { level, name } = sample;
        const { fields, message } = lineOf(sample);
        return JSON.stringify({ level, name, ...fields, msg: message });
      });
      writeFileSync(PAGE, renewed);
      return;
    }
    for (const sample of samples) {
      const { level, name } = sample;
      const { fields, message } = lineOf(sample);
      expect(sample).toEqual({ level, name, ...fields, msg: message });
    }
  });
});
