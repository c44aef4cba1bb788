/**
 * Reads any thrown value without trusting it: getters and proxies may throw, causes may form circles, messages may be
 * megabytes. It knows where libraries hide the real error, and nothing of what the errors mean.
 */
import { hasAttachedCode } from "./attach.js";
import { peek } from "./peek.js";
import { types } from "node:util";

const MESSAGE_LIMIT = 2048;
/** The mark that a reply came out of a script stands at the end of the message. */
const TAIL_LIMIT = 256;
const VIEWS_LIMIT = 24;

/** The readable part of one error. */
export interface View {
  readonly name: string;
  /** First 2,048 characters; of longer ones also the end. */
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  /** Unix socket path or file. */
  readonly path: string | undefined;
  /** How the text names what was thrown when there is no message. */
  readonly kind: string;
}

/**
 * Whether a value is an error, by its shape: an error of another realm (a test runner's sandbox, a `vm` context) is no
 * `instanceof Error` here. True for native errors of any realm, and for objects with a name and a message as texts. Never throws.
 */
export function isErrorLike(value: unknown): value is Error {
  if (types.isNativeError(value)) return true;
  return typeof value === "object" && text(value, "name") !== undefined && text(value, "message") !== undefined;
}

/** The error itself first, then everything it wraps, nearest first, at most 24. */
export function unwrap(error: unknown): View[] {
  const views = [viewOf(error)];
  const seen = new Set<unknown>([error]);
  const queue: unknown[] = [error];
  while (queue.length > 0 && views.length < VIEWS_LIMIT) {
    for (const inner of innerErrors(queue.shift())) {
      if (inner === undefined || inner === null || seen.has(inner) || views.length >= VIEWS_LIMIT) continue;
      seen.add(inner);
      queue.push(inner);
      views.push(viewOf(inner));
    }
  }
  return views.flatMap((view) => {
    const inner = embedded(view);
    return inner === undefined ? [view] : [view, inner];
  });
}

function innerErrors(error: unknown): unknown[] {
  if (typeof error !== "object" || error === null) return [];
  const inner: unknown[] = [];
  pushAll(inner, peek(error, "errors"));
  inner.push(peek(error, "lastNodeError"), peek(error, "originalError"), peek(error, "cause"));
  pushAll(inner, peek(error, "previousErrors"));
  return inner;
}

/** What redis-cli, stack traces and Redis's own scripting put before the words that matter. */
const PREFIX =
  /^(?:\[ioredis\] Unhandled error event: |\(error\) |Uncaught |[\w.]*(?:Error|Exception|ErrorReply)(?: \[\w+\])?: |-(?=[A-Z]))+/;

/** The words that matter: what a server, a socket or a library said, without what was put before. */
export function essence(message: string): string {
  return message.replace(PREFIX, "");
}

/** Libraries, and the server itself, that put the real error into a sentence of their own. */
const EMBEDDED: readonly RegExp[] = [
  /^Ready check failed: ([\s\S]+)/,
  /^EXECABORT Transaction discarded because of: ([\s\S]+)/,
  // Not where one of our own messages quotes such a sentence: its cause holds the same without ours around it.
  /^(?:(?!Last connection error:)[\s\S])*?Last error: (?:\w*Error: )?([\s\S]+)/,
  /^failed to connect to sentinel \S+ because ([\s\S]+)/,
  /^ERR Error running script [\s\S]*?@user_script: ?\d+: (?:(?:@?user_script: ?)?\d+: )?-?([\s\S]+)/,
];

function embedded(view: View): View | undefined {
  const message = essence(view.message);
  for (const pattern of EMBEDDED) {
    const inner = pattern.exec(message)?.[1];
    if (inner !== undefined) return { ...EMPTY, message: inner };
  }
  return undefined;
}

function pushAll(into: unknown[], list: unknown): void {
  try {
    if (Array.isArray(list)) into.push(...(list.slice(0, VIEWS_LIMIT) as unknown[]));
  } catch {
    // a proxied array
  }
}

function viewOf(error: unknown): View {
  if (typeof error === "string") {
    const message = withoutStack(bounded(error));
    return { ...EMPTY, ...dialled(message), message, kind: "a string" };
  }
  if ((typeof error !== "object" || error === null) && typeof error !== "function") {
    return {
      ...EMPTY,
      message: error === null || error === undefined ? "" : primitive(error as Primitive),
      kind: error === null ? "null" : typeof error,
    };
  }
  const code = hasAttachedCode(error) ? undefined : (text(error, "code") ?? text(error, "errorno"));
  return {
    name: text(error, "name") ?? "",
    message: bounded(text(error, "message") ?? ""),
    code,
    syscall: text(error, "syscall"),
    address: text(error, "address"),
    port: number(error, "port"),
    hostname: text(error, "hostname") ?? text(error, "host"),
    path: text(error, "path"),
    kind: "an object without a message",
  };
}

type Primitive = number | bigint | boolean | symbol;

function primitive(value: Primitive): string {
  return String(value);
}

/** A pasted text often brings its stack along. */
function withoutStack(pasted: string): string {
  return pasted.includes("\n") ? pasted.replace(/\r?\n[ \t]+at [^\n]*/g, "").trim() : pasted;
}

/** The address in a pasted text; errors carry it as fields. */
function dialled(message: string): Pick<View, "syscall" | "address" | "port"> | undefined {
  const [, path, address, port] = /\bconnect E[A-Z]+ (?:(\/[^\s:]+)|([\w.:-]+?):(\d{1,5})\b)/.exec(message) ?? [];
  if (path !== undefined) return { syscall: "connect", address: path, port: undefined };
  return address === undefined ? undefined : { syscall: "connect", address, port: Number(port) };
}

const EMPTY: View = {
  name: "",
  message: "",
  code: undefined,
  syscall: undefined,
  address: undefined,
  port: undefined,
  hostname: undefined,
  path: undefined,
  kind: "",
};

function text(value: unknown, key: string): string | undefined {
  const found = peek(value, key);
  return typeof found === "string" ? found : undefined;
}

function number(value: unknown, key: string): number | undefined {
  const found = peek(value, key);
  return typeof found === "number" ? found : undefined;
}

function bounded(message: string): string {
  return message.length <= MESSAGE_LIMIT
    ? message
    : `${message.slice(0, MESSAGE_LIMIT)} … ${message.slice(-TAIL_LIMIT)}`;
}
