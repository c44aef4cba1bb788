/**
 * Which commands must keep their order towards each other: those that share a key, unless both only read; and those
 * without keys towards everything, because nobody can tell what they touch. Asked only once something has gone wrong:
 * finding the keys of a command costs more than sending it.
 */
import { effectOf } from "../command/effect.js";
import type { Call } from "./call.js";

/** It says and sees nothing of the data. */
function isApart({ facts }: Call): boolean {
  return facts.lane === "apart";
}

/** The MULTI and the EXEC of a batch. */
export function isFrame({ batch, facts }: Call): boolean {
  return batch?.transaction === true && (facts.session === "multi" || facts.session === "exec");
}

/** MULTI and EXEC around reads are part of a read: the members say which keys. */
function framesReads(call: Call): boolean {
  return isFrame(call) && call.batch?.calls.every((member) => isFrame(member) || isRead(member)) === true;
}

type Extent = "nothing" | "reads" | "writes";

/** Whether the call changes nothing, wherever it is sent. */
export function isRead(call: Call): boolean {
  return effectOf(call.facts.name, call.command.args).kind === "read" || isApart(call);
}

/** What a number of calls touch together. */
export class Footprint {
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();
  /** What calls without keys did. */
  #keyless: Extent = "nothing";

  add(call: Call): void {
    if (isApart(call) || framesReads(call)) return;
    const keys = keysOf(call);
    const reads = isRead(call);
    if (keys.length > 0) for (const key of keys) (reads ? this.#read : this.#written).add(key);
    else if (this.#keyless !== "writes") this.#keyless = reads ? "reads" : "writes";
  }

  /** Whether the call's place before or after those added matters. */
  concerns(call: Call): boolean {
    if (this.#keyless === "nothing" && this.#read.size === 0 && this.#written.size === 0) return false;
    if (isApart(call) || framesReads(call)) return false;
    if (this.#keyless === "writes") return true;
    const reads = isRead(call);
    if (this.#keyless === "reads" && !reads) return true;
    const keys = keysOf(call);
    if (keys.length === 0) return this.#written.size > 0 || (!reads && this.#read.size > 0);
    return keys.some((key) => this.#written.has(key) || (!reads && this.#read.has(key)));
  }
}

/** Its keys as ioredis sends them, prefix included; none where they cannot be told. */
export function keysOf({ command }: Call): string[] {
  try {
    // Two keys that differ only in broken UTF-8 count as one, which is the safe side.
    return command.getKeys().map(String);
  } catch {
    return [];
  }
}
