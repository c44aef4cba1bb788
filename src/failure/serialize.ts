/**
 * pino's `err` serializer by allow-list: only fields known to hold no arguments and no credentials get into a log. Not
 * pino's own, which writes every enumerable property, `command.args` with the password of HELLO among them.
 */
import { diagnosisOf } from "./attach.js";
import { peek } from "./peek.js";
import { redactText, scrub } from "./redact.js";
import { isState, type FailureState } from "./state.js";

const DEPTH_LIMIT = 4;
const LIST_LIMIT = 4;
const STACK_LIMIT = 4000;

/** An error as a log line shows it. Durations in milliseconds. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly name?: string;
  readonly code?: string;
  readonly stack?: string;
  readonly applied?: string;
  readonly attempts?: number;
  readonly elapsed?: number;
  readonly endpoint?: string;
  readonly command?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly diagnosis?: string;
  readonly state?: FailureState;
  readonly cause?: SerializedError;
  readonly errors?: readonly SerializedError[];
}

/** Total: any value gives a plain, bounded object. */
export function serializeError(error: unknown): SerializedError {
  return serialize(error, 0, new Set());
}

function serialize(error: unknown, depth: number, seen: Set<unknown>): SerializedError {
  if (typeof error !== "object" || error === null) {
    return { type: typeof error, message: redactText(typeof error === "symbol" ? error.toString() : String(error)) };
  }
  seen.add(error);
  const name = text(error, "name");
  const message = text(error, "message") ?? "";
  const result: Record<string, unknown> = { type: name ?? "Object", message: redactText(message) };
  for (const key of ["name", "code", "applied", "endpoint", "syscall", "address"]) {
    const value = text(error, key);
    if (value !== undefined) result[key] = redactText(value, 200);
  }
  for (const key of ["attempts", "elapsed", "port"]) {
    const value = peek(error, key);
    if (typeof value === "number") result[key] = value;
  }
  const command = text(peek(error, "command"), "name");
  if (command !== undefined) result["command"] = command.slice(0, 64);
  const stack = text(error, "stack");
  if (stack !== undefined) result["stack"] = frames(stack, name ?? "Error", redactText(message));
  const diagnosis = diagnosisOf(error);
  if (diagnosis !== undefined) result["diagnosis"] = diagnosis.code;
  const state = peek(error, "state");
  if (isState(state)) result["state"] = state;
  if (depth < DEPTH_LIMIT) {
    const cause = peek(error, "cause") ?? peek(error, "lastNodeError");
    if (cause !== undefined && cause !== null && !seen.has(cause)) result["cause"] = serialize(cause, depth + 1, seen);
    const errors = peek(error, "errors") ?? peek(error, "previousErrors");
    if (isList(errors)) {
      const fresh = errors.slice(0, LIST_LIMIT).filter((one) => !seen.has(one));
      if (fresh.length > 0) result["errors"] = fresh.map((one) => serialize(one, depth + 1, seen));
    }
  }
  return result as unknown as SerializedError;
}

/** The frames only: the text before them is the message again, with whatever it quotes. */
function frames(stack: string, name: string, message: string): string {
  const at = stack.search(/^\s+at /m);
  const head = `${name}: ${message}`;
  return at < 0 ? head : `${head}\n${scrub(stack.slice(at, at + STACK_LIMIT))}`;
}

function text(value: unknown, key: string): string | undefined {
  const found = peek(value, key);
  return typeof found === "string" ? found : undefined;
}

function isList(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
