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
 * without. Frozen errors and primitives are returned as they are.
 */
export function attachDiagnosis<T>(error: T, diagnose: () => Diagnosis, state: () => FailureState): T {
  if (typeof error !== "object" || error === null) return error;
  attach(error, "diagnosis", diagnose);
  attach(error, "state", state);
  return error;
}

function attach(error: object, name: keyof Diagnosed, make: () => unknown): void {
  let made: unknown;
  try {
    Reflect.defineProperty(error, name, { get: () => (made ??= make()), enumerable: false, configurable: true });
  } catch {
    // A proxy may refuse; the error matters more than what we know about it.
  }
}

/** The diagnosis an error carries, if any. Never throws. */
export function diagnosisOf(error: unknown): Diagnosis | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return (error as Diagnosed).diagnosis;
  } catch {
    return undefined;
  }
}
