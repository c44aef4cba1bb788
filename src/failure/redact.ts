/**
 * Takes values and credentials out of texts and errors, in place and idempotently. ioredis puts a command's arguments on
 * every reply error (`err.command.args`: a SET's value, HELLO's password), and a few server replies quote them. It knows
 * no codes and no diagnosis.
 */
import { shownName } from "../command/shown-name.js";

const TEXT_LIMIT = 300;
const ARGS_SHOWN = 8;
const DEPTH_LIMIT = 8;
const MESSAGE_LIMIT = 4096;

/** Whether `scrub` could find anything; one test instead of nine replacements for the usual error. */
const SUSPICIOUS =
  /@|:\/\/:|args|auth|pass|pwd|secret|token|[-_ ]key|apikey|credential|bearer|basic|redis-cli|setuser|last reply|non-error/i;

/** A word that only a secret looks like: letters mixed with digits or signs, or capitals in the middle. */
const SECRET_LIKE = String.raw`(?=[^\s"'\x60]*(?:\d|[a-z][A-Z]|[!#$%^&*+]))[^\s"'\x60]{6,}`;

const SCRUBS: readonly (readonly [RegExp, string])[] = [
  // ERR unknown command 'x', with args beginning with: 'value'
  [/,? with args beginning with:[\s\S]*/i, ""],
  // ioredis quotes the reply it could not assign to a command
  [/(Last reply:)[\s\S]*/i, "$1 ***"],
  // p-retry quotes a thrown string
  [/(Non-error was thrown:)[\s\S]*/i, "$1 ***"],
  // ERR Error in ACL SETUSER modifier '>password': Syntax error
  [/(ACL SETUSER modifier )'[\s\S]*?'(?=:|$)/i, "$1'***'"],
  [/\b(ACL\s+SETUSER)\s+(?!modifier\b|command\b)[\s\S]*/i, "$1 ***"],
  [/("?\bargs"?\s*[:=]\s*)\[[\s\S]*?\]/gi, "$1[***]"],
  [/\b(HELLO\s+\d+\s+AUTH)\s+(?!<)[\s\S]*/i, "$1 ***"],
  [/\b(AUTH2?)\s+(?!<|failed\b)[^\s,]+(?:\s+(?!called\b)[^\s,]+)?/g, "$1 ***"],
  [/(-----BEGIN )[\s\S]*/, "$1***"],
  [/\b(requirepass|masterauth|tls-key-file-pass)\s+(?!<)[^\s)]+/gi, "$1 ***"],
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|(?:api|access|account|private)[-_]?key)["'`]?\s*(?:=>|[=:])\s*["'`]?)[^\s"'`,;&)]+/gi,
    "$1***",
  ],
  [/(redis-cli\b.*?\s(?:-a|--pass)[ =])\S+/g, "$1***"],
  // "password is x9…", "auth x9…", "Bearer x9…": free text, where only the look of the word tells
  [
    new RegExp(
      String.raw`((?:\b(?:[Aa]uth|AUTH|[Bb]earer|[Bb]asic)|[Pp]ass\w*|PASS\w*|[Pp]wd|[Ss]ecret|[Tt]oken|[Cc]redentials?)\b["'\x60]?(?:\s+(?:is|was|default))?\s+["'\x60]?)${SECRET_LIKE}`,
      "g",
    ),
    "$1***",
  ],
  // user information of a URL: everything up to the last @, because passwords are seldom encoded as they should be
  [/((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}:\/\/)\S*@/gi, "$1***@"],
  [/(^|[\s"'`(=])[^\s"'`(=/@]*:(?!\/\/)[^\s"'`]*@(?=[^\s])/g, "$1***@"],
  [/(^|[\s"'`(=])[^\s"'`(=/@]+@(?=[^\s@])/g, "$1***@"],
  [/(:\/\/):[^\s"'`]+/g, "$1***"],
];

/** The same text without credentials and without the arguments that some messages quote; otherwise verbatim. */
export function scrub(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let clean = text;
  for (const [pattern, replacement] of SCRUBS) clean = clean.replace(pattern, replacement);
  return clean;
}

/** Control characters, line breaks, doubled blanks: text from outside must not forge log lines. */
const UNEVEN = /[^\x20-\x7e]|  /;

/** Node quotes the file it could not open, a certificate for instance: the path is the answer. */
const FILE = /^(?:\.{0,2}\/[\w./@+-]{1,150}|[\w.-]{1,60}\.(?:pem|crt|cer|key))$/;

/** What stands around quotations in which the server or a library names only its own words. */
const BEFORE_OWN = /(?:\b(?:for|the|execute|got|unknown (?:sub)?command|set to)|used memory >|type \d+) $/i;
/** What stands behind names that are the caller's, though they may look like a command: ACL denials quote keys and channels. */
const BEHIND_FOREIGN = /^ (?:key|channel)\b/i;
/** Names of commands and options: `get`, `config|get`, `FT.SEARCH`. A digit in the first word is no name of theirs. */
const OWN = /^[A-Za-z]{1,24}(?:[._|-][A-Za-z0-9]{1,24}){0,3}$/;

/**
 * A text fit for a log line: scrubbed, on one line, at most `limit` characters, and with emptied quotations, because
 * servers quote keys and values.
 */
export function redactText(text: string, limit: number = TEXT_LIMIT): string {
  const clean = scrub(text.length > MESSAGE_LIMIT ? text.slice(0, MESSAGE_LIMIT) : text);
  const flat = emptyQuotations(UNEVEN.test(clean) ? clean.replace(/[\p{Cc}\s]+/gu, " ") : clean).trim();
  return flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat;
}

/** From the first quotation mark to the last: what is quoted may contain quotation marks itself. */
function emptyQuotations(text: string): string {
  const open = text.search(/(?<!\w)['"`]/);
  if (open < 0) return text;
  const quote = text.charAt(open);
  const close = text.lastIndexOf(quote);
  const before = text.slice(0, open);
  const inner = text.slice(open + 1, close);
  const isOwn = BEFORE_OWN.test(before) && OWN.test(inner) && !BEHIND_FOREIGN.test(text.slice(close + 1));
  const isFile = before.endsWith(", open ") && FILE.test(inner);
  if (isOwn || isFile) {
    return text.slice(0, close + 1) + emptyQuotations(text.slice(close + 1));
  }
  return `${before}${quote}…${quote}${close === open ? "" : emptyQuotations(text.slice(close + 1))}`;
}

/**
 * Removes argument values and credentials from an error, in place, and returns it: `err.command.args` become sizes, the
 * same for `cause`, `errors[]`, `previousErrors` and `lastNodeError`. Cheap for an error that holds nothing; never throws, also
 * not for frozen errors (which stay as they are).
 */
export function sanitizeError<T>(error: T): T {
  clean(error, 0, undefined);
  return error;
}

function clean(error: unknown, depth: number, seen: Set<object> | undefined): void {
  if (typeof error !== "object" || error === null || depth > DEPTH_LIMIT || seen?.has(error)) return;
  try {
    const target = error as Record<string, unknown>;
    const command = target["command"];
    if (typeof command === "object" && command !== null && "args" in command && !isSized(command.args)) {
      target["command"] = sized(command);
    }
    const message = target["message"];
    if (typeof message === "string" && SUSPICIOUS.test(message)) cleanMessage(target, message);
    // Node's ERR_INVALID_URL carries the whole URL, getaddrinfo errors the host as given.
    for (const key of ["input", "base", "hostname", "host", "address", "path"] as const) {
      const value = target[key];
      if (typeof value === "string" && SUSPICIOUS.test(value)) target[key] = scrub(value);
    }
    const visited = seen ?? new Set<object>();
    for (const key of ["cause", "lastNodeError", "originalError"] as const) {
      const inner = target[key];
      if (typeof inner === "object" && inner !== null) clean(inner, depth + 1, visited.add(error));
    }
    for (const key of ["errors", "previousErrors"] as const) {
      const inner = target[key];
      if (!Array.isArray(inner)) continue;
      visited.add(error);
      for (const one of inner as unknown[]) clean(one, depth + 1, visited);
    }
  } catch {
    // A frozen error, a proxy or a getter that throws: nothing here may make a failure worse.
  }
}

/** The stack begins with the message, so both change together. */
function cleanMessage(target: Record<string, unknown>, message: string): void {
  // Some patterns look at every word several times, so a message of megabytes is cut.
  const cleaned = message.length > MESSAGE_LIMIT ? `${scrub(message.slice(0, MESSAGE_LIMIT))}…` : scrub(message);
  if (cleaned === message) return;
  const stack = target["stack"];
  Object.defineProperty(target, "message", { value: cleaned, enumerable: false, configurable: true, writable: true });
  if (typeof stack === "string" && stack.includes(message)) {
    Object.defineProperty(target, "stack", {
      value: stack.replaceAll(message, () => cleaned),
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }
}

const SIZE = /^<\d+ bytes>$/;
const MORE = /^… \d+ more$/;

function isSized(args: unknown): boolean {
  if (!Array.isArray(args) || args.length > ARGS_SHOWN + 1) return false;
  for (const arg of args as unknown[]) {
    if (typeof arg !== "string" || (!SIZE.test(arg) && !MORE.test(arg))) return false;
  }
  return true;
}

function sized(command: object & { args: unknown }): { name: string; args: readonly string[] } {
  const name = "name" in command && typeof command.name === "string" ? shownName(command.name) : "unknown";
  if (!Array.isArray(command.args)) return { name, args: [] };
  const args = command.args as unknown[];
  const sizes = args.slice(0, ARGS_SHOWN).map((arg) => `<${String(bytesOf(arg))} bytes>`);
  if (args.length > ARGS_SHOWN) sizes.push(`… ${String(args.length - ARGS_SHOWN)} more`);
  return { name, args: sizes };
}

function bytesOf(arg: unknown): number {
  if (typeof arg === "string") return Buffer.byteLength(arg);
  if (Buffer.isBuffer(arg)) return arg.length;
  if (typeof arg === "number" || typeof arg === "bigint") return String(arg).length;
  return 0;
}
