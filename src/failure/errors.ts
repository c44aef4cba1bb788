/**
 * Every error that this package itself makes. The server's own replies are not wrapped: they reach the caller as they
 * are, with a non-enumerable `diagnosis` (see `attach`). Messages say what happened, the numbers and the next step;
 * they name commands, never arguments.
 */
import type { Code } from "./codes.js";
import type { PoolSnapshot } from "./pool-snapshot.js";
import type { Applied, Diagnosis } from "./diagnosis.js";
import type { FailureState } from "./state.js";

const BRAND = Symbol.for("ioredoubt.error");

/** What an error carries beside its message. Durations in milliseconds. */
export interface IoredoubtErrorDetails {
  readonly cause?: unknown;
  /** Whether the server may have executed the command. */
  readonly applied?: Applied | undefined;
  /** How often the command was sent to a socket. */
  readonly attempts?: number | undefined;
  /** Milliseconds between the call and this error. */
  readonly elapsed?: number | undefined;
  /** `host:port`, socket path or Sentinel name; no credentials. */
  readonly endpoint?: string | undefined;
  /** The command's name, never its arguments. */
  readonly command?: string | undefined;
  /** The diagnosis, or how to make it: most errors are handled without anybody reading theirs. */
  readonly diagnosis?: Diagnosis | ((error: IoredoubtError) => Diagnosis) | undefined;
  /** What the client knew at that moment, or how to put it together. */
  readonly state?: (() => FailureState) | undefined;
}

/** Base of every error made here. Match on `code`; `IoredoubtError.is` also knows errors of a second copy of this package. */
export class IoredoubtError extends Error {
  readonly code: Code;
  readonly applied: Applied;
  readonly attempts: number;
  readonly elapsed: number;
  readonly endpoint: string | undefined;
  readonly command: { readonly name: string } | undefined;
  #diagnosis: Diagnosis | ((error: IoredoubtError) => Diagnosis) | undefined;
  #state: FailureState | (() => FailureState) | undefined;

  constructor(code: Code, message: string, details: IoredoubtErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.applied = details.applied ?? "no";
    this.attempts = details.attempts ?? 0;
    this.elapsed = Math.round(details.elapsed ?? 0);
    this.endpoint = details.endpoint;
    this.command = details.command === undefined ? undefined : { name: details.command };
    this.#diagnosis = details.diagnosis;
    this.#state = details.state;
  }

  /** On the prototype, not on each error: an outage makes many, and the stack's first line is written from it. */
  override get name(): string {
    return "IoredoubtError";
  }

  /** What the failure means and what to do about it; made on first use. */
  get diagnosis(): Diagnosis | undefined {
    if (typeof this.#diagnosis === "function") this.#diagnosis = this.#diagnosis(this);
    return this.#diagnosis;
  }

  /** What the client knew when this error was made, as data; absent on errors about options. Put together on first use. */
  get state(): FailureState | undefined {
    if (typeof this.#state === "function") this.#state = this.#state();
    return this.#state;
  }

  get [BRAND](): true {
    return true;
  }

  static is(error: unknown): error is IoredoubtError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}

/** The command did not settle within its deadline (waiting, attempts and backoff together). `applied` tells whether it may have run. */
export class DeadlineError extends IoredoubtError {
  override get name(): string {
    return "DeadlineError";
  }
}

/** The connection was lost after the command was written and before its reply: it may or may not have been executed. */
export class OutcomeUnknownError extends IoredoubtError {
  override get name(): string {
    return "OutcomeUnknownError";
  }
}

/** The circuit for this endpoint is open: the command was not sent. `retryAfter` is when the next probe is due. */
export class CircuitOpenError extends IoredoubtError {
  override get name(): string {
    return "CircuitOpenError";
  }
  /** Milliseconds until the next probe. */
  readonly retryAfter: number;
  constructor(message: string, retryAfter: number, details: IoredoubtErrorDetails) {
    super("CIRCUIT_OPEN", message, details);
    this.retryAfter = Math.round(retryAfter);
  }
}

/** Too many commands (or bytes) already wait for the connection: this one was not queued and not sent. */
export class QueueFullError extends IoredoubtError {
  override get name(): string {
    return "QueueFullError";
  }
}

/** Not connected, and this client does not wait (`enableOfflineQueue: false`): the command was not sent. */
export class UnavailableError extends IoredoubtError {
  override get name(): string {
    return "UnavailableError";
  }
}

/** No connection of one's own became free in time: nothing was sent. */
export class PoolTimeoutError extends IoredoubtError {
  /** The pool at that moment: who holds which connection for how long. */
  readonly pool: PoolSnapshot;
  constructor(message: string, pool: PoolSnapshot, details: IoredoubtErrorDetails) {
    super("POOL_TIMEOUT", message, details);
    this.pool = pool;
  }
  override get name(): string {
    return "PoolTimeoutError";
  }
}

/** The client was closed by its owner. The message is ioredis's own, because code in the field compares it. */
export class ClosedError extends IoredoubtError {
  override get name(): string {
    return "ClosedError";
  }
}

/** A transaction lost the connection that held its WATCH or MULTI: nothing of it was executed. Start it again. */
export class TransactionAbortedError extends IoredoubtError {
  override get name(): string {
    return "TransactionAbortedError";
  }
}

/** The caller's AbortSignal fired. `applied` tells whether the command may have run. */
export class AbortedError extends IoredoubtError {
  override get name(): string {
    return "AbortedError";
  }
}

/** An option, environment variable or argument is wrong. Thrown before anything connects; never holds a secret. */
export class ConfigError extends IoredoubtError {
  override get name(): string {
    return "ConfigError";
  }
  /** Every problem found, not just the first. */
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super("CONFIG_INVALID", problems.map((p) => `${p.path}: ${p.given}; ${p.allowed}`).join("\n"));
    this.problems = problems;
  }
}

/** One wrong value: where, what was given (only its shape when it may be secret), what is allowed. */
export interface ConfigProblem {
  readonly path: string;
  readonly given: string;
  readonly allowed: string;
  /** Nothing says where Redis is; code may say it instead. */
  readonly missing?: true | undefined;
}
