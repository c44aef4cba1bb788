/**
 * Commands whose arguments ioredis could not turn into text. It encodes them inside the executor of the command's promise:
 * what throws there leaves a command that nobody can settle, and that throws once more when it is written. So they are
 * recognised before anything is queued, given a life of their own, and refused with what is wrong with them.
 */
import { Command } from "ioredis";
import type { Flaw } from "../engine/ports.js";

interface Made {
  name: unknown;
  args: unknown;
  reject?: unknown;
  callback?: unknown;
  promise: Promise<unknown>;
  initPromise(): void;
}

/** What stands in for a name that is none. */
const UNNAMED = "?";

const commandPrototype: object = Command.prototype;

/** Makes the command one that can be settled, and says what is wrong with it. Its callback has been told by ioredis. */
export function mend(command: Command, inBatch: boolean): Flaw {
  const made = command as unknown as Made;
  const flaw = flawOf(command);
  if (typeof made.name !== "string") made.name = UNNAMED;
  // Nobody shall stumble over them again.
  made.args = [];
  if (made.reject === undefined) {
    made.promise.catch(ignore);
    // A batch, a callback or a script looks at the first promise only.
    const isWatched = !inBatch && made.callback === undefined && Object.getPrototypeOf(command) === commandPrototype;
    made.callback = undefined;
    made.initPromise();
    if (!isWatched) made.promise.catch(ignore);
  }
  return flaw;
}

/** What is wrong with a command that cannot be encoded; `thrown` is what its encoding threw, if it got that far. */
export function flawOf(command: Command, thrown?: unknown): Flaw {
  const { name, args } = command as unknown as Made;
  if (typeof name !== "string") return { command: UNNAMED, what: `its name is no string (${typeOf(name)})` };
  const place = Array.isArray(args) ? args.findIndex((argument) => !isText(argument, thrown !== undefined)) : -1;
  const what =
    place >= 0
      ? `argument ${String(place + 1)} (${typeOf((args as unknown[])[place])}) cannot be turned into text`
      : thrown instanceof RangeError
        ? "it is too long to be encoded in one piece"
        : "its arguments cannot be encoded";
  return { command: name.toLowerCase(), what };
}

/** `encoded`: ioredis has turned everything else into strings, so what is neither was put there afterwards. */
function isText(argument: unknown, encoded: boolean): boolean {
  if (typeof argument === "string" || Buffer.isBuffer(argument)) return true;
  if (encoded) return false;
  try {
    return String(argument).length >= 0;
  } catch {
    return false;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  try {
    if (Array.isArray(value)) return "array";
    return Object.getPrototypeOf(value) === null ? "object without a prototype" : "object";
  } catch {
    return "object";
  }
}

function ignore(): void {
  // It is refused with an error that says more.
}
