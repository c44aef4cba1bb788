/**
 * What callers were told, counted: how many commands failed, with which codes, and of which nobody knows whether they were
 * executed. The log's fields and its sentences are written from the same object.
 */
import { entryOf } from "../failure/catalogue.js";
import type { Code } from "../failure/codes.js";
import type { CommandFailure } from "../engine/ports.js";

/** Names of commands that are told apart; a program that makes up names must not become a leak. */
const MAX_NAMES = 50;
const OTHERS = "others";

/** Failures outside the area `usage` that say nothing of the endpoint either: the caller's own doing. */
const CALLERS_OWN: ReadonlySet<Code> = new Set<Code>([
  "ABORTED",
  "CLIENT_CLOSED",
  "CONFIG_INVALID",
  "EVENT_LOOP_BLOCKED",
  "PERMISSION_DENIED",
]);

/** Usage in name only: the connection that held the transaction was lost. */
const ENDPOINTS_OWN: ReadonlySet<Code> = new Set<Code>(["EXEC_ABORTED", "DB_OUT_OF_RANGE"]);

/** Whether a failure with this code is none of the endpoint's business. */
export function isCallersOwn(code: Code): boolean {
  return CALLERS_OWN.has(code) || (entryOf(code).area === "usage" && !ENDPOINTS_OWN.has(code));
}

/** Failures that say that a command was hurt, and nothing of why. */
const HURT: ReadonlySet<Code> = new Set<Code>(["OUTCOME_UNKNOWN", "DEADLINE", "EXEC_ABORTED"]);

/** Whether a failure with this code says that a command was hurt, not that it was refused. */
export function isHurt(code: Code): boolean {
  return HURT.has(code);
}

/** Whether a failure with this code, outside any incident, is more than the server's answer to one command. */
export function isWorthALine(code: Code): boolean {
  const { breaker, severity } = entryOf(code);
  return HURT.has(code) || breaker !== "none" || severity === "fatal" || ENDPOINTS_OWN.has(code);
}

export class FailureCounts {
  /** Commands whose callers got an error. */
  failed = 0;
  /** Those of them that were never sent. */
  rejected = 0;
  /** Those of them that may have changed data, and nobody knows. */
  unknownOutcome = 0;
  /** Commands that a fallback answered. */
  fallbacks = 0;
  readonly codes: Map<Code, number> = new Map();
  /** Names of the commands with unknown outcome, in lower case. */
  readonly unknown: Map<string, number> = new Map();

  add({ command, code, isUnsent, isOutcomeUnknown }: CommandFailure): void {
    this.failed++;
    if (isUnsent) this.rejected++;
    count(this.codes, code, 1);
    if (!isOutcomeUnknown) return;
    this.unknownOutcome++;
    this.#countUnknown(command, 1);
  }

  addAll(other: FailureCounts): this {
    this.failed += other.failed;
    this.rejected += other.rejected;
    this.unknownOutcome += other.unknownOutcome;
    this.fallbacks += other.fallbacks;
    for (const [code, times] of other.codes) count(this.codes, code, times);
    for (const [command, times] of other.unknown) this.#countUnknown(command, times);
    return this;
  }

  #countUnknown(command: string, times: number): void {
    const isNew = !this.unknown.has(command);
    count(this.unknown, isNew && this.unknown.size >= MAX_NAMES ? OTHERS : command, times);
  }
}

function count<K>(map: Map<K, number>, key: K, times: number): void {
  map.set(key, (map.get(key) ?? 0) + times);
}
