/**
 * What the client knew when a command failed, as data: the sentences of a diagnosis are for people, this is for code and
 * dashboards. Bounded, frozen, and free of arguments and credentials, so that it may be logged as it is.
 */
import { shownName } from "../command/shown-name.js";
import type { FailureContext, Phase } from "./diagnosis.js";
import { redactText } from "./redact.js";

/** The state of the client at the moment of a failure. What is not known is absent. Durations in milliseconds. */
export interface FailureState {
  /** `host:port`, socket path or Sentinel name; no credentials. */
  readonly endpoint: string;
  /** How far the connection had come. */
  readonly phase?: Phase | undefined;
  /** Name of the command that failed, in lower case. */
  readonly command?: string | undefined;
  /** How often it was handed to a socket. */
  readonly attempts?: number | undefined;
  /** Since the command was issued. */
  readonly elapsedMs?: number | undefined;
  /** Commands that were written and unanswered, of this client. */
  readonly inFlight?: number | undefined;
  /** Commands that waited for a connection, of this client. */
  readonly waiting?: number | undefined;
  /** The oldest command in flight, for how long it was, and how many were behind it. */
  readonly head?: FailureContext["head"];
  /** The connection that the command used or waited for; `bytesReadSince` is known if it is 0. */
  readonly connection?: FailureContext["connection"];
  /** How long this process's event loop was blocked when the deadline passed, and out of which span. */
  readonly loop?: FailureContext["loop"];
}

const WORDS_LIMIT = 200;

const made = new WeakSet<object>();

/** The part of a context that an error may carry. `endpoint` is the label that people know it by. */
export function stateOf(endpoint: string, context: FailureContext): FailureState {
  const { phase, command, attempts, elapsedMs, load, head, connection, loop } = context;
  const state: Record<string, unknown> = { endpoint, phase };
  if (command !== undefined) state["command"] = shownName(command);
  if (attempts !== undefined) state["attempts"] = attempts;
  if (elapsedMs !== undefined) state["elapsedMs"] = Math.round(elapsedMs);
  if (load !== undefined) Object.assign(state, load);
  if (head !== undefined) state["head"] = Object.freeze({ ...head, command: shownName(head.command) });
  if (connection !== undefined) {
    const { lastWords, ...numbers } = connection;
    const said = lastWords === undefined ? {} : { lastWords: redactText(lastWords, WORDS_LIMIT) };
    state["connection"] = Object.freeze({ ...numbers, ...said });
  }
  if (loop !== undefined) state["loop"] = Object.freeze({ ...loop });
  made.add(Object.freeze(state));
  return state as unknown as FailureState;
}

/** Whether a value was made here: a foreign error's field of the same name may hold anything. */
export function isState(value: unknown): value is FailureState {
  return typeof value === "object" && value !== null && made.has(value);
}
