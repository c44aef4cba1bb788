/**
 * Names a failure. Pure and total: any thrown value becomes a `Diagnosis`, never an exception and never a secret. The work
 * is done in `diagnose.ts`, which the build puts in a file of its own. That file is loaded with the first use of it here; a process
 * that cannot open it any more still gets an answer.
 */
import { diagnose } from "./diagnose.js";
import type { Diagnosis, FailureContext } from "./diagnosis.js";
import { IoredoubtError } from "./errors.js";
import { peek } from "./peek.js";
import { redactText } from "./redact.js";

let loaded: typeof diagnose | undefined;

/**
 * What a failure means, whether the command may have run, and what to do.
 * `error` is anything that was thrown or pasted; `context` is what the caller knows beyond it, and sharpens the answer.
 */
export function classify(error: unknown, context: FailureContext = {}): Diagnosis {
  let unread: unknown;
  try {
    loaded ??= diagnose;
  } catch (reason) {
    unread = reason;
  }
  try {
    return loaded?.(error, context) ?? unexplained(error, context, unread);
  } catch {
    return LAST_RESORT;
  }
}

const NOTHING: readonly string[] = Object.freeze([]);

const LAST_RESORT: Diagnosis = Object.freeze({
  code: "UNKNOWN",
  area: "unknown",
  severity: "error",
  applied: "maybe",
  retryable: false,
  breaker: "none",
  title: "Something failed that cannot even be looked at.",
  why: Object.freeze(["The thrown value throws when it is read."]),
  evidence: NOTHING,
  next: Object.freeze([]),
  docs: "docs/errors/UNKNOWN.md",
  seen: "a value that cannot be read",
});

const TOO_MANY: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);

/** The file is gone, or the process is out of file descriptors. Nothing is repeated, since nothing is known. */
function unexplained(error: unknown, { written }: FailureContext, unread: unknown): Diagnosis {
  const own = IoredoubtError.is(error) ? error : undefined;
  const isFull = TOO_MANY.has(peek(error, "code"));
  const code = own?.code ?? (isFull ? "TOO_MANY_OPEN_FILES" : "UNKNOWN");
  const message = peek(error, "message");
  return Object.freeze({
    ...LAST_RESORT,
    code,
    applied: written === false ? "no" : (own?.applied ?? "maybe"),
    title: "Something failed, and the part of ioredoubt that explains failures cannot be read.",
    why: Object.freeze([
      isFull || TOO_MANY.has(peek(unread, "code"))
        ? "This process has no file descriptor left."
        : "The files of ioredoubt were removed or replaced while this process ran.",
    ]),
    docs: `docs/errors/${code}.md`,
    seen: redactText(typeof message === "string" ? message : typeof error),
  });
}
