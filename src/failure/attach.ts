/**
 * Hangs a diagnosis on an error that keeps its own identity: a server's reply must stay `instanceof ReplyError` with the
 * message the server sent.
 */
import type { Diagnosis } from "./diagnosis.js";

/** An error that carries its diagnosis. */
export interface Diagnosed {
  readonly diagnosis?: Diagnosis | undefined;
}

/**
 * Gives an error a non-enumerable `diagnosis`, made when somebody first reads it: most errors are handled without.
 * Frozen errors and primitives are returned as they are.
 */
export function attachDiagnosis<T>(error: T, diagnose: () => Diagnosis): T {
  if (typeof error !== "object" || error === null) return error;
  let made: Diagnosis | undefined;
  try {
    Reflect.defineProperty(error, "diagnosis", {
      get: () => (made ??= diagnose()),
      enumerable: false,
      configurable: true,
    });
  } catch {
    // A proxy may refuse; the error matters more than what we know about it.
  }
  return error;
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
