/**
 * The words and fields of the incident log's lines. Field names are stable (docs/log.md); texts may improve. Knows no
 * timers and no logger.
 */
import { entryOf } from "../failure/catalogue.js";
import type { Code } from "../failure/codes.js";
import type { Area, Diagnosis } from "../failure/diagnosis.js";
import { formatDuration as span } from "../format.js";

/** What an incident has counted. Durations in milliseconds. */
export interface Tally {
  readonly id: string;
  readonly first: Diagnosis;
  readonly latest: Diagnosis;
  readonly failed: number;
  readonly rejected: number;
  readonly retried: number;
  readonly unknownOutcome: number;
  readonly probes: number;
  readonly codes: ReadonlyMap<Code, number>;
}

export interface Line {
  readonly fields: object;
  readonly message: string;
}

const VERBS: Readonly<Record<Area, string>> = {
  network: "is unreachable",
  client: "cannot be used",
  tls: "cannot be reached over TLS",
  access: "does not let this client in",
  server: "cannot serve commands",
  topology: "cannot route commands",
  usage: "rejects how it is used",
  unknown: "fails",
};

function verb(diagnosis: Diagnosis): string {
  return diagnosis.breaker === "write" ? "refuses writes" : VERBS[diagnosis.area];
}

function stillVerb(diagnosis: Diagnosis): string {
  const said = verb(diagnosis);
  return said.startsWith("is ") ? said.replace("is ", "is still ") : `still ${said}`;
}

function headline(diagnosis: Diagnosis): string {
  return `${verb(diagnosis)}: ${entryOf(diagnosis.code).name} (${diagnosis.code})`;
}

function describe(diagnosis: Diagnosis): object {
  const { code, area, severity, seen, why, next, docs } = diagnosis;
  return { code, area, severity, seen, why, next, docs };
}

function counts(tally: Tally): object {
  const { failed, rejected, retried, unknownOutcome, probes } = tally;
  return { failed, rejected, retried, unknownOutcome, probes, codes: Object.fromEntries(tally.codes) };
}

/** `retryAfter` is set when commands already fail fast. */
export function opening(endpoint: string, id: string, diagnosis: Diagnosis, retryAfter: number | undefined): Line {
  const likely = diagnosis.why[0];
  const step = diagnosis.next[0];
  const sentences = [
    `redis ${endpoint} ${headline(diagnosis)}.`,
    likely === undefined ? "" : `Likely: ${likely}`,
    retryAfter === undefined ? "" : `Failing fast; ${nextProbe(retryAfter)}.`,
    // Last, and without a full stop behind it: it is there to be copied.
    step === undefined ? "" : `Next: ${step.run ?? step.say}`,
  ];
  return {
    fields: {
      event: "incident.open",
      incident: id,
      endpoint,
      ...describe(diagnosis),
      ...(retryAfter === undefined ? {} : { circuit: "open", retryAfterMs: retryAfter }),
    },
    message: sentences.filter((sentence) => sentence !== "").join(" "),
  };
}

export function circuitOpened(
  endpoint: string,
  id: string,
  which: "read-write" | "write",
  retryAfter: number | undefined,
  cause: Diagnosis | undefined,
): Line {
  const what = which === "write" ? "writes now fail fast" : "commands now fail fast";
  const probe = retryAfter === undefined ? "" : `; ${nextProbe(retryAfter)}`;
  return {
    fields: {
      event: "incident.circuit",
      incident: id,
      endpoint,
      circuit: which,
      ...(cause === undefined ? {} : { code: cause.code }),
      retryAfterMs: retryAfter,
    },
    message: `redis ${endpoint}: ${what}${cause === undefined ? "" : ` (${cause.code})`}${probe}.`,
  };
}

/** Others of the process are connected: it is not the endpoint's circuit. */
export function clientFailsFast(endpoint: string, id: string, retryAfter: number, cause: Diagnosis): Line {
  const { code } = cause;
  return {
    fields: { event: "incident.circuit", incident: id, endpoint, circuit: "client", code, retryAfterMs: retryAfter },
    message: `redis ${endpoint}: commands of a client that has no connection now fail fast (${code}), while others are connected; ${retryAfter < 1 ? "it is dialling now" : `it dials again in ${span(retryAfter)}`}.`,
  };
}

export function examination(
  endpoint: string,
  incident: string,
  seen: { readonly code: Code; readonly sentence: string },
): Line {
  return {
    fields: { event: "incident.examined", incident, endpoint, code: seen.code },
    message: `redis ${endpoint}, seen from outside: ${seen.sentence}`,
  };
}

export function summary(endpoint: string, tally: Tally, duration: number, waiting: number): Line {
  // A command lost with its connection is the same story; a server that is loading now is another chapter.
  const changed = tally.latest.area !== tally.first.area && tally.latest.area !== "client";
  const now = changed ? ` Now: ${entryOf(tally.latest.code).name}.` : "";
  return {
    fields: {
      event: "incident.summary",
      incident: tally.id,
      endpoint,
      code: (changed ? tally.latest : tally.first).code,
      durationMs: duration,
      waiting,
      ...counts(tally),
    },
    message: `redis ${endpoint} ${stillVerb(tally.first)} after ${span(duration)}: ${listed(tally)}, ${String(waiting)} waiting.${now}`,
  };
}

/** `recovered`: it answers again. `quiet`: an interval passed without a failure. `closed`: the client went away first. */
export type Ending = "recovered" | "quiet" | "closed";

export function closing(endpoint: string, tally: Tally, duration: number, recovery: number, ending: Ending): Line {
  const after = `after ${span(duration)} (${tally.first.code}): ${listed(tally)}`;
  const messages: Readonly<Record<Ending, string>> = {
    recovered: `redis ${endpoint} recovered ${after}. Back ${span(recovery)} after the last failure.`,
    quiet: `redis ${endpoint}: no more failures ${after}.`,
    closed: `redis ${endpoint}: the client was closed while the server ${verb(tally.first)}, ${after}.`,
  };
  return {
    fields: {
      event: "incident.closed",
      incident: tally.id,
      endpoint,
      code: tally.first.code,
      ending,
      durationMs: duration,
      recoveryMs: ending === "recovered" ? recovery : undefined,
      ...counts(tally),
    },
    message: messages[ending],
  };
}

export function flapping(endpoint: string, tally: Tally, times: number): Line {
  return {
    fields: { event: "incident.flapping", incident: tally.id, endpoint, code: tally.latest.code, recoveries: times },
    message: `redis ${endpoint} keeps failing and recovering (${tally.latest.code}, ${String(times)} times): treated as one incident until it stays up.`,
  };
}

export function blip(endpoint: string, diagnosis: Diagnosis, duration: number, suppressed: number): Line {
  const others = suppressed === 0 ? "" : ` ${String(suppressed)} more like it were not logged.`;
  return {
    fields: { event: "connection.blip", endpoint, code: diagnosis.code, durationMs: duration, suppressed },
    message: `redis ${endpoint}: connection dropped (${diagnosis.code}) and was back after ${span(duration)}; no command failed.${others}`,
  };
}

export function rejection(endpoint: string, code: Code, count: number, waiting: number): Line {
  return {
    fields: { event: "commands.rejected", endpoint, code, rejected: count, waiting, docs: `docs/errors/${code}.md` },
    message: `redis ${endpoint}: ${String(count)} ${count === 1 ? "command" : "commands"} rejected by this client: ${entryOf(code).name} (${code}).`,
  };
}

export function usage(endpoint: string, diagnosis: Diagnosis, suppressed: number): Line {
  const others = suppressed === 0 ? "" : ` ${String(suppressed)} more since the last such line.`;
  return {
    fields: { event: "command.refused", endpoint, ...describe(diagnosis), suppressed },
    message: `redis ${endpoint}: ${entryOf(diagnosis.code).name} (${diagnosis.code}): ${diagnosis.seen}${others}`,
  };
}

function nextProbe(retryAfter: number): string {
  return retryAfter < 1 ? "probing now" : `next probe in ${span(retryAfter)}`;
}

function listed(tally: Tally): string {
  const parts = [...tally.codes].filter(([, count]) => count > 0).map(([code, count]) => `${code} ${String(count)}`);
  const failed = `${String(tally.failed + tally.rejected)} failed${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
  return `${failed}, ${String(tally.retried)} retried, ${String(tally.unknownOutcome)} with unknown outcome`;
}
