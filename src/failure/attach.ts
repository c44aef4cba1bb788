/**
 * Hangs what is known about a failure on an error that keeps its own identity: a server's reply must stay
 * `instanceof ReplyError` with the message the server sent.
 */
import type { Diagnosis } from "./diagnosis.js";
import type { FailureState } from "./state.js";

/** An error that carries what is known about it. */
export interface Diagnosed {
  readonly diagnosis?: Diagnosis | undefined;
  readonly state?: FailureState | undefined;
}

/**
 * Gives an error a non-enumerable `diagnosis` and `state`, each made when somebody first reads it: most errors are handled
 * without. One that has no `code` of its own, as the server's replies have none, gets that of its diagnosis; a code of Node's
 * (`ECONNREFUSED`) stays. Frozen errors and primitives are returned as they are.
 */
export function attachDiagnosis<T>(error: T, diagnose: () => Diagnosis, state: () => FailureState): T {
  if (typeof error !== "object" || error === null) return error;
  attach(error, "diagnosis", diagnose);
  attach(error, "state", state);
  if (coded.has(error) || !hasCode(error)) {
    coded.add(error);
    attach(error, "code", () => diagnosisOf(error)?.code);
  }
  return error;
}

const coded = new WeakSet<object>();

/** Whether the error has its `code` from its diagnosis: it says nothing that could be diagnosed. */
export function hasAttachedCode(error: object): boolean {
  return coded.has(error);
}

function hasCode(error: object): boolean {
  try {
    return "code" in error;
  } catch {
    return true;
  }
}

/** Programs may write to it, as to any property of an error. */
function attach(error: object, name: keyof Diagnosed | "code", make: () => unknown): void {
  let made: unknown;
  try {
    Reflect.defineProperty(error, name, {
      get: () => (made ??= make()),
      set: (value: unknown) => {
        coded.delete(error);
        Reflect.defineProperty(error, name, { value, ...PLAIN });
      },
      enumerable: false,
      configurable: true,
    });
  } catch {
    // A proxy may refuse; the error matters more than what we know about it.
  }
}

const PLAIN = { writable: true, enumerable: true, configurable: true };

/** The diagnosis an error carries, if any. Never throws. */
export function diagnosisOf(error: unknown): Diagnosis | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return (error as Diagnosed).diagnosis;
  } catch {
    return undefined;
  }
}
