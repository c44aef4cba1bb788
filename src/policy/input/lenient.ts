/**
 * Values that are not of the documented type and yet mean one thing: what YAML, templates and variables make of numbers and
 * switches, and forms that ioredis takes as well. They are read as what they mean, with a warning. What may mean two things,
 * such as the text "false", which ioredis takes for true, is not read here and so is refused by the checks.
 */
import type { PolicyWarning } from "../warning.js";
import { BOOLEAN_OPTIONS, FUNCTIONS, MAY_BE_TEXT, NUMBER_OPTIONS, STRING_OPTIONS } from "./option-kinds.js";

/** Arguments or options as they are meant, and what was odd about them. */
export interface Meant<T> {
  readonly value: T;
  readonly warnings: readonly PolicyWarning[];
}

/** What a value is read as: `undefined` leaves the option out. */
type Reading = { readonly as: unknown; readonly says: string } | undefined;

const SOCKET_SCHEME = /^(?:(?:redis\+)?unix|redis[+-]socket):\/\/(?:([^/@]*)@)?(\/[^?#]*)(\?.*)?$/i;
/** No database is called so: its number has digits only. */
const SOCKET_WITHOUT_HOST = /^redis:\/\/(\/[^?#@]*[^\d/?#@][^?#@]*)(\?.*)?$/i;

/** The arguments of `new Redis(…)` as they are meant. What needs no reading stays the same object. */
export function readLeniently(args: readonly unknown[]): Meant<readonly unknown[]> {
  const warnings: PolicyWarning[] = [];
  const value = args.map((arg) => {
    if (typeof arg === "string") {
      const path = socketPath(arg);
      if (path === undefined) return arg;
      warnings.push({ path: "url", says: "names a Unix socket: write the plain path, such as /run/redis.sock" });
      return path;
    }
    if (typeof arg !== "object" || arg === null || Array.isArray(arg)) return arg;
    const options = readOptions(arg);
    warnings.push(...options.warnings);
    return options.value;
  });
  return { value: warnings.length === 0 ? args : value, warnings };
}

/** The same for options alone. */
export function readOptions<T extends object>(options: T): Meant<T> {
  const warnings: PolicyWarning[] = [];
  const meant = Object.entries(options).flatMap(([key, given]): [key: string, value: unknown][] => {
    const reading = readingOf(key, given);
    if (reading === undefined) return [[key, given]];
    warnings.push({ path: key, says: reading.says });
    return reading.as === undefined ? [] : [[key, reading.as]];
  });
  return { value: warnings.length === 0 ? options : (Object.fromEntries(meant) as T), warnings };
}

/** `unix:///run/redis.sock` and its like as ioredis takes it, user and password in the query; `undefined` for anything else. */
export function socketPath(url: string): string | undefined {
  const [, credentials = "", path, query = ""] = SOCKET_SCHEME.exec(url) ?? [];
  if (path === undefined) {
    const [, bare, rest = ""] = SOCKET_WITHOUT_HOST.exec(url) ?? [];
    return bare === undefined ? undefined : `${bare}${rest}`;
  }
  if (credentials === "") return `${path}${query}`;
  const [user = "", ...password] = credentials.split(":");
  const more = new URLSearchParams(query);
  if (password.length > 0) {
    const [name, word] = [decoded(user), decoded(password.join(":"))];
    // The checks say what is wrong with the URL as it is.
    if (name === undefined || word === undefined) return undefined;
    if (name !== "") more.set("username", name);
    more.set("password", word);
  }
  return `${path}${more.size > 0 ? "?" : ""}${more.toString()}`;
}

function readingOf(key: string, given: unknown): Reading {
  if (typeof given === "string") return textReading(key, given);
  if (typeof given === "number") return numberReading(key, given);
  if (key === "host" && given === null) {
    return { as: undefined, says: "is null, so localhost is used: leave it out, or check where it comes from" };
  }
  if (typeof given !== "boolean") return undefined;
  if (key === "keepAlive" && given) return { as: undefined, says: "is true, so the default delay is used" };
  if (FUNCTIONS.includes(key) && !given) {
    return {
      as: null,
      says: `is false, so ${key === "retryStrategy" ? "a lost connection is never opened again" : "there is none"}`,
    };
  }
  return undefined;
}

function textReading(key: string, given: string): Reading {
  const isNumber = (key in NUMBER_OPTIONS && !MAY_BE_TEXT.has(key)) || key === "protocol";
  if (isNumber && /^\d+$/.test(given))
    return { as: Number(given), says: "is a text, read as a number: write it without quotes" };
  if (key === "tls" && given === "true") return { as: {}, says: 'is the text "true", read as {}' };
  if (BOOLEAN_OPTIONS.includes(key) && given === "true") {
    return { as: true, says: 'is the text "true", read as true: write it without quotes' };
  }
  return undefined;
}

function numberReading(key: string, given: number): Reading {
  if (BOOLEAN_OPTIONS.includes(key) && (given === 0 || given === 1)) {
    return { as: given === 1, says: `is a number, read as ${String(given === 1)}` };
  }
  // Beyond that, digits are lost already.
  if (STRING_OPTIONS.includes(key) && key !== "path" && Number.isSafeInteger(given) && given >= 0) {
    const says = "is a number, read as its digits: put it in quotes where it comes from, or leading zeros are lost";
    return { as: String(given), says };
  }
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
