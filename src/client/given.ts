/**
 * What a client is given by whoever constructs it, instead of working it out. Its constructor takes ioredis's arguments and
 * nothing else, and sets everything up before its own first line, so this waits here for it.
 */
import type { ScriptEffects } from "../command/scripts.js";
import type { PolicyWarning } from "../policy/lint.js";
import type { Policy } from "../policy/shape.js";
import type { PolicySources } from "../policy/resolve.js";

export interface Given {
  readonly policy?: Policy | undefined;
  /** What looks wrong in it; for the log. */
  readonly warnings?: readonly PolicyWarning[] | undefined;
  /** Where the policy comes from instead of `process.env`; its duplicates resolve theirs there too. */
  readonly environment?: Pick<PolicySources, "env" | "prefix"> | undefined;
  /** What its owner knows of scripts: it belongs to that client's pool, and neither counts nor has a pool of its own. */
  readonly scripts?: ScriptEffects | undefined;
}

let given: Given | undefined;

/** Constructs a client that is given something. */
export function giving<T>(what: Given, construct: () => T): T {
  given = what;
  try {
    return construct();
  } finally {
    given = undefined;
  }
}

/** For the client that is being constructed, once: those it makes in turn are given theirs. */
export function takeGiven(): Given | undefined {
  const taken = given;
  given = undefined;
  return taken;
}
