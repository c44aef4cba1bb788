/**
 * The words and fields of the incident log's lines. Field names are stable (docs/log.md); texts may improve. Knows no
 * timers and no logger.
 */
import { entryOf } from "../failure/catalogue.js";
import type { Code } from "../failure/codes.js";
import type { CircuitKind, ServerIdentity, Takeover } from "../engine/ports.js";
import type { Area, Diagnosis } from "../failure/diagnosis.js";
import { formatDuration, formatElapsed } from "../format.js";
import type { IncidentEnding } from "./events.js";
import type { FailureCounts } from "./failure-counts.js";

/** What an incident has counted. Durations in milliseconds. */
export interface Tally {
  readonly id: string;
  readonly first: Diagnosis;
  readonly chapter: Diagnosis;
  readonly counts: FailureCounts;
  readonly retried: number;
  readonly probes: number;
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

/** Where the area's says something untrue: who is to blame, or that the server cannot be reached. */
const OWN_VERBS: Partial<Readonly<Record<Code, string>>> = {
  CREDENTIALS_FAILED: "cannot be logged in to",
  HANDSHAKE_TIMEOUT: "does not answer",
  NOT_REDIS: "cannot be used",
  PROTOCOL_ERROR: "cannot be used",
  REPLY_TOO_LONG: "cannot be used",
  RESPONSE_TIMEOUT: "does not answer",
};

function verb({ breaker, code, area }: Diagnosis): string {
  return breaker === "write" ? "refuses writes" : (OWN_VERBS[code] ?? VERBS[area]);
}

function stillVerb(diagnosis: Diagnosis): string {
  const said = verb(diagnosis);
  return said.startsWith("is ") ? said.replace("is ", "is still ") : `still ${said}`;
}

function headline(diagnosis: Diagnosis): string {
  return `${verb(diagnosis)}: ${entryOf(diagnosis.code).name} (${diagnosis.code})`;
}

function describe(diagnosis: Diagnosis): object {
  const { code, area, severity, seen, evidence, why, next, docs } = diagnosis;
  return { code, area, severity, seen, ...(evidence.length === 0 ? {} : { evidence }), why, next, docs };
}

function numbers({ failed, rejected, unknownOutcome, fallbacks, codes, unknown }: FailureCounts): object {
  return {
    failed,
    rejected,
    unknownOutcome,
    ...(unknown.size === 0 ? {} : { unknownCommands: Object.fromEntries(unknown) }),
    ...(fallbacks === 0 ? {} : { fallbacks }),
    codes: Object.fromEntries(codes),
  };
}

function counted({ counts, retried, probes }: Tally): object {
  return { ...numbers(counts), retried, probes };
}

/** A circuit that is open, so that commands, or only writes, fail fast. */
export interface OpenCircuit {
  readonly kind: CircuitKind;
  /** Milliseconds until somebody asks the server next; `undefined`: not known. */
  readonly retryAfter: number | undefined;
}

/** What a line is about, and what of it is in trouble, where that is not all of it. */
function about(endpoint: string, part: string | undefined, says: string): string {
  if (part === undefined) return `redis ${endpoint} ${says}`;
  const isOne = /^1\b/.test(part);
  return `redis ${endpoint}: ${part} ${isOne ? says : says.replace(SINGULAR, (word) => PLURAL[word] ?? word)}`;
}

const PLURAL: Readonly<Record<string, string>> = {
  is: "are",
  does: "do",
  fails: "fail",
  refuses: "refuse",
  rejects: "reject",
};
/** The first of these words is the verb. */
const SINGULAR = new RegExp(`\\b(?:${Object.keys(PLURAL).join("|")})\\b`);

/** `circuit`: the one whose opening began the incident. `part`: what is in trouble, where that is not all of it. */
export function opening(
  endpoint: string,
  id: string,
  diagnosis: Diagnosis,
  circuit: OpenCircuit | undefined,
  part?: string,
): Line {
  const step = diagnosis.next[0];
  const sentences = [
    `${about(endpoint, part, headline(diagnosis))}.`,
    ...explained(diagnosis),
    circuit === undefined ? "" : failingFast(circuit),
    // Last, and without a full stop behind it: it is there to be copied.
    step === undefined ? "" : `Next: ${step.run ?? step.say}`,
  ];
  return {
    fields: {
      event: "incident.open",
      incident: id,
      endpoint,
      ...describe(diagnosis),
      ...(circuit === undefined ? {} : { circuit: circuit.kind, retryAfterMs: circuit.retryAfter }),
    },
    message: sentences.filter((sentence) => sentence !== "").join(" "),
  };
}

/** The incident has become another one. */
export function changed(endpoint: string, id: string, diagnosis: Diagnosis, duration: number, part?: string): Line {
  const step = diagnosis.next[0];
  const sentences = [
    `${about(endpoint, part, verb(diagnosis))} now, after ${formatElapsed(duration)}: ${entryOf(diagnosis.code).name} (${diagnosis.code}).`,
    ...explained(diagnosis),
    step === undefined ? "" : `Next: ${step.run ?? step.say}`,
  ];
  return {
    fields: { event: "incident.changed", incident: id, endpoint, ...describe(diagnosis), durationMs: duration },
    message: sentences.filter((sentence) => sentence !== "").join(" "),
  };
}

export function circuitOpened(
  endpoint: string,
  id: string,
  { kind, retryAfter }: OpenCircuit,
  cause: Diagnosis | undefined,
): Line {
  const what = kind === "write" ? "writes now fail fast" : "commands now fail fast";
  return {
    fields: {
      event: "incident.circuit",
      incident: id,
      endpoint,
      circuit: kind,
      ...(cause === undefined ? {} : { code: cause.code }),
      retryAfterMs: retryAfter,
    },
    message: `redis ${endpoint}: ${what}${cause === undefined ? "" : ` (${cause.code})`}${untilProbe(retryAfter)}.`,
  };
}

/** Others of the process are connected, or still wait: it is not the endpoint's circuit. */
export function clientFailsFast(endpoint: string, id: string, retryAfter: number, cause: Diagnosis): Line {
  const { code } = cause;
  return {
    fields: { event: "incident.circuit", incident: id, endpoint, circuit: "client", code, retryAfterMs: retryAfter },
    message: `redis ${endpoint}: a client that has no connection now fails its commands fast (${code}); other clients are not affected. ${retryAfter < 1 ? "It is dialling now" : `It dials again in ${formatDuration(retryAfter)}`}.`,
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

export function summary(endpoint: string, tally: Tally, duration: number, waiting: number, part?: string): Line {
  return {
    fields: {
      event: "incident.summary",
      incident: tally.id,
      endpoint,
      code: tally.chapter.code,
      durationMs: duration,
      waiting,
      ...counted(tally),
    },
    message: `${about(endpoint, part, stillVerb(tally.chapter))} after ${formatElapsed(duration)}: ${listed(tally.counts)}, ${String(tally.retried)} retried, ${String(waiting)} waiting.`,
  };
}

const SERVERS: Readonly<Record<ServerIdentity, string>> = {
  same: " The same server process answers: it was not restarted.",
  restarted: " The server was restarted.",
  other: " Another server answers now.",
  unknown: "",
};

export interface Ended {
  readonly ending: IncidentEnding;
  readonly duration: number;
  /** From the last failure to the recovery; unknown when others failed after it. */
  readonly recovery: number | undefined;
  readonly server: ServerIdentity;
  readonly takeover?: Takeover | undefined;
}

/** A failover that hurt nobody, or hardly. */
export function tookOver(endpoint: string, { from, to, as = "the Sentinels say" }: Takeover): Line {
  return {
    fields: { event: "failover", endpoint, from, to },
    message: `redis ${endpoint}: ${to} took over from ${from}, as ${as}.`,
  };
}

export function closing(endpoint: string, tally: Tally, ended: Ended): Line {
  const { ending, duration, recovery, server, takeover } = ended;
  const lasted = formatElapsed(duration);
  const told = `(${tally.first.code}): ${listed(tally.counts)}, ${String(tally.retried)} retried.`;
  // A silence that was answered in time after all: nothing had been attempted in vain.
  const wasWell = server === "unknown" && tally.counts.failed === 0;
  const back =
    recovery === undefined || wasWell ? "" : ` Back ${formatDuration(recovery)} after the last failed attempt.`;
  const who = takeover === undefined ? SERVERS[server] : ` ${takeover.to} took over from ${takeover.from}.`;
  const messages: Readonly<Record<IncidentEnding, string>> = {
    recovered: `redis ${endpoint} recovered after ${lasted} ${told}${back}${who}${checkThose(tally.counts)}`,
    quiet: `redis ${endpoint}: no more failures after ${lasted} ${told}${checkThose(tally.counts)}`,
    closed: `redis ${endpoint}: the client was closed ${lasted} into this incident ${told}${checkThose(tally.counts)}`,
  };
  return {
    fields: {
      event: "incident.closed",
      incident: tally.id,
      endpoint,
      code: tally.first.code,
      ending,
      durationMs: duration,
      ...(takeover && { from: takeover.from, to: takeover.to }),
      ...(ending !== "recovered" ? {} : { recoveryMs: recovery, ...(server === "unknown" ? {} : { server }) }),
      ...counted(tally),
    },
    message: messages[ending],
  };
}

/** A line that is written this long after what it tells says so. Milliseconds. */
const LATE = 5_000;

/** Trouble that was over before its opening line was due, or several of a kind. Durations in milliseconds. */
export interface Brief {
  /** How often each of what it began with. */
  readonly causes: ReadonlyMap<Code, number>;
  /** When the first began and the last ended. */
  readonly from: number;
  readonly to: number;
  /** The longest of them. */
  readonly duration: number;
  readonly counts: FailureCounts;
  readonly retried: number;
}

/** `now`: when the line is written. */
export function blip(endpoint: string, brief: Brief, now: number): Line {
  const { causes, duration, counts } = brief;
  const { times, fields, often, when } = gathered(endpoint, brief, now);
  const what = [...causes].map(
    ([code, of]) => `${entryOf(code).name} (${code})${causes.size === 1 ? "" : ` ${String(of)}`}`,
  );
  const back = `back after ${times > 1 ? "at most " : ""}${formatDuration(duration)}`;
  return {
    fields: { event: "connection.blip", ...fields },
    message: `redis ${endpoint}: ${what.join(", ")}${often === "" ? "" : `, ${often}`}${when}, ${back}; ${hurt(counts)}`,
  };
}

export function flapping(endpoint: string, brief: Brief, now: number): Line {
  const { causes, duration, counts } = brief;
  const { times, fields, often, when } = gathered(endpoint, brief, now);
  return {
    fields: { event: "incident.flapping", ...fields },
    message: `redis ${endpoint} keeps failing and recovering (${[...causes.keys()].join(", ")}): ${often === "" ? "once more" : often}${when}, away for ${times > 1 ? "at most " : ""}${formatDuration(duration)}; ${hurt(counts)}`,
  };
}

function gathered(
  endpoint: string,
  { causes, from, to, duration, counts, retried }: Brief,
  now: number,
): { readonly times: number; readonly fields: object; readonly often: string; readonly when: string } {
  const times = [...causes.values()].reduce((sum, of) => sum + of, 0);
  const ago = Math.max(0, Math.round(now - to));
  return {
    times,
    fields: { endpoint, code: mostOf(causes), durationMs: duration, times, agoMs: ago, ...numbers(counts), retried },
    often: times > 1 ? `${String(times)} times in ${formatDuration(to - from)}` : "",
    when: ago < LATE ? "" : `, ${times > 1 ? "the last " : ""}${formatDuration(Math.round(ago / 1000) * 1000)} ago`,
  };
}

/** Commands whose callers got an error that no incident has counted: their time was over while the server answered others. */
export function failures(endpoint: string, counts: FailureCounts): Line {
  const code = mostOf(counts.codes);
  const { failed, unknownOutcome } = counts;
  const unknown = unknownOutcome === 0 ? "" : `, ${String(unknownOutcome)} with unknown outcome: ${byName(counts)}`;
  return {
    fields: { event: "commands.failed", endpoint, code, ...numbers(counts), docs: `docs/errors/${code}.md` },
    message: `redis ${endpoint}: ${plural(failed, "command")} failed while no outage was under way${byCode(counts)}${unknown}.${checkThose(counts)}`,
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

/** The old login still works. */
export function credentialsFailed(endpoint: string, diagnosis: Diagnosis, suppressed: number): Line {
  return {
    fields: { event: "credentials.failed", endpoint, ...describe(diagnosis), suppressed },
    message: `redis ${endpoint}: ${diagnosis.seen} (${diagnosis.code}).`,
  };
}

export function credentialsRenewed(endpoint: string): Line {
  return {
    fields: { event: "credentials.renewed", endpoint },
    message: `redis ${endpoint}: there are new credentials again; connections are logged in with them.`,
  };
}

function failingFast({ kind, retryAfter }: OpenCircuit): string {
  return `${kind === "write" ? "Writes" : "Commands"} now fail fast${untilProbe(retryAfter)}.`;
}

function untilProbe(retryAfter: number | undefined): string {
  if (retryAfter === undefined) return "";
  return retryAfter < 1 ? "; probing now" : `; next probe in ${formatDuration(retryAfter)}`;
}

/** A cause, and apart from it what this process has seen: an observation is not an explanation. */
function explained({ why, evidence }: Diagnosis): string[] {
  const cause = why.find((sentence) => !evidence.includes(sentence));
  const [observation] = evidence;
  return [cause === undefined ? "" : `Likely: ${cause}`, observation === undefined ? "" : `Seen: ${observation}`];
}

function plural(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The most frequent; of equals the last. */
function mostOf(codes: ReadonlyMap<Code, number>): Code {
  let most: Code = "UNKNOWN";
  let times = 0;
  for (const [code, of] of codes) if (of >= times) [most, times] = [code, of];
  return most;
}

function byCode({ codes }: FailureCounts): string {
  const parts = [...codes].map(([code, count]) => `${code} ${String(count)}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function byName({ unknown }: FailureCounts): string {
  return [...unknown].map(([name, count]) => name.toUpperCase() + (count > 1 ? ` ${String(count)}` : "")).join(", ");
}

/** The same numbers as in the fields, as a sentence says them. */
function listed(counts: FailureCounts): string {
  const { failed, rejected, unknownOutcome, fallbacks } = counts;
  return [
    `${String(failed)} failed${byCode(counts)}`,
    ...(rejected === 0 ? [] : [`${String(rejected)} of them never sent`]),
    ...(unknownOutcome === 0 ? [] : [`${String(unknownOutcome)} with unknown outcome: ${byName(counts)}`]),
    ...(fallbacks === 0 ? [] : [`${String(fallbacks)} answered by the fallback`]),
  ].join(", ");
}

/** What a brief did, with what to do about it. */
function hurt(counts: FailureCounts): string {
  const { failed, unknownOutcome, fallbacks } = counts;
  const answered = fallbacks === 0 ? "" : `; ${plural(fallbacks, "command")} answered by the fallback`;
  if (failed === 0) return `no command failed${answered}.`;
  const unknown = unknownOutcome === 0 ? "" : `${String(unknownOutcome)} with unknown outcome: ${byName(counts)}`;
  if (failed > unknownOutcome) {
    const more = unknown === "" ? "" : `, ${unknown}`;
    return `${plural(failed, "command")} failed${byCode(counts)}${more}${answered}.${checkThose(counts)}`;
  }
  return `${plural(unknownOutcome, "command")} with unknown outcome: ${byName(counts)}${answered}.${check(counts)}`;
}

/** Behind a sentence about something else. */
function checkThose({ unknownOutcome }: FailureCounts): string {
  if (unknownOutcome === 0) return "";
  return unknownOutcome === 1
    ? " The command with unknown outcome may have been executed: read what it changes before repeating it."
    : " The commands with unknown outcome may have been executed: read what they change before repeating them.";
}

function check({ unknownOutcome }: FailureCounts): string {
  if (unknownOutcome === 0) return "";
  return unknownOutcome === 1
    ? " It may have been executed: read what it changes before repeating it."
    : " They may have been executed: read what they change before repeating them.";
}
