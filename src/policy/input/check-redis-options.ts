/**
 * Checks the ioredis options a caller wrote: types and ranges that ioredis itself takes without a word and fails on later.
 * Options it does not know are left alone, since ioredis accepts them, except near-misses of our own key.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { checkResilience } from "./check-resilience.js";
import { checkTls } from "./check-tls.js";
import { readOptions } from "./lenient.js";
import { BOOLEAN_OPTIONS, FUNCTIONS, MAY_BE_TEXT, NUMBER_OPTIONS, STRING_OPTIONS, type Range } from "./option-kinds.js";
import { closest } from "../../suggest.js";
import { mistakeIn, numberOrShape, shapeOf } from "./value-shape.js";

/** Every problem in an options object. `null` counts as absent, as in ioredis's own defaults, except for the address. */
export function checkRedisOptions(options: object, path: string): ConfigProblem[] {
  const given = readOptions(options).value as Readonly<Record<string, unknown>>;
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const problems: ConfigProblem[] = [];
  const wrong = (key: string, allowed: string, shown: string = shapeOf(given[key])): void => {
    problems.push({ path: at(key), given: shown, allowed });
  };
  for (const [key, range] of Object.entries(NUMBER_OPTIONS)) {
    if (isAbsent(given[key]) && !(key === "port" && given[key] === null)) continue;
    if (key === "keepAlive" && given[key] === false) continue;
    if (key === "maxRetriesPerRequest" && given[key] === Infinity) continue;
    if (!isWithin(given[key], range, MAY_BE_TEXT.has(key))) {
      wrong(key, `must be a whole number from ${range.min} to ${range.max}`, numberOrShape(given[key]));
    }
  }
  if (!isAbsent(given["family"]) && ![0, 4, 6, "0", "4", "6"].includes(given["family"] as number)) {
    wrong("family", "must be 4, 6, or 0 for both", numberOrShape(given["family"]));
  }
  if (!isAbsent(given["protocol"]) && given["protocol"] !== 2 && given["protocol"] !== 3) {
    wrong("protocol", "must be 2 or 3", numberOrShape(given["protocol"]));
  }
  for (const key of BOOLEAN_OPTIONS) {
    if (isAbsent(given[key]) || typeof given[key] === "boolean") continue;
    const taken = given[key] === "false" ? "; ioredis takes this text for true" : "";
    wrong(key, `must be true or false, without quotes${taken}`);
  }
  for (const key of STRING_OPTIONS) {
    if (isAbsent(given[key]) || typeof given[key] === "string") continue;
    wrong(
      key,
      typeof given[key] === "number" ? "must be a string: as a number it has lost digits" : "must be a string",
    );
  }
  for (const key of FUNCTIONS) {
    if (!isAbsent(given[key]) && typeof given[key] !== "function") wrong(key, "must be a function");
  }
  if (!isAbsent(given["keyPrefix"]) && typeof given["keyPrefix"] !== "string" && !Buffer.isBuffer(given["keyPrefix"])) {
    wrong("keyPrefix", "must be a string");
  }
  const host = given["host"];
  if (host !== undefined) {
    const advice = hostAdvice(host);
    if (advice !== undefined) wrong("host", advice);
  }
  if (given["path"] === "") wrong("path", "must be the path of a Unix socket, e.g. /run/redis.sock");
  if (typeof given["path"] === "string" && /^rediss?:\/\//i.test(given["path"]))
    wrong("path", "must be the path of a Unix socket, e.g. /run/redis.sock; a URL is the first argument of its own");
  return [
    ...problems,
    ...["tls", "sentinelTLS"].flatMap((key) => checkTls(given[key], at(key))),
    ...checkSentinels(given, at),
    ...checkOwnKey(given, at),
  ];
}

/** What is wrong with a host, or `undefined`. Also used for environment variables. */
export function hostAdvice(host: unknown): string | undefined {
  if (typeof host !== "string") return "must be a host name or address";
  if (host === "")
    return "must not be empty: check the variable it comes from; leave host out only if this machine is meant";
  const mistake = mistakeIn(host);
  if (mistake !== undefined) return mistake;
  if (/\s/.test(host)) return "must not hold spaces or line breaks";
  if (host === "undefined" || host === "null")
    return "is the text of a missing value: check the variable it comes from";
  if (/[$*<>{}]/.test(host)) return "must be a host name or address: a placeholder or pattern is none";
  if (host.includes("://")) return "must be a host name only; pass a URL as the first argument instead";
  if (host.includes("@")) return "must be a host name only: user name and password are options of their own";
  if (/^\[?[^[\]:]*\]?:\d+$/.test(host) || /^\[.*\]:\d+$/.test(host)) {
    return "must not contain the port: give host and port apart";
  }
  if (/^\[.*\]$/.test(host)) return "must be an IPv6 address without brackets";
  if (/[/?#%\\]/.test(host) && !/^fe80::.*%/i.test(host)) return "must be a host name or address only";
  return undefined;
}

/** Whether a value is a whole number in a range; digits as text count where ioredis reads them. */
export function isWithin(value: unknown, range: Range, mayBeText: boolean = false): boolean {
  const number = mayBeText && typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= range.min && number <= range.max;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function checkSentinels(given: Readonly<Record<string, unknown>>, at: (key: string) => string): ConfigProblem[] {
  const sentinels = given["sentinels"];
  if (isAbsent(sentinels)) return [];
  if (!Array.isArray(sentinels) || sentinels.length === 0) {
    return [
      {
        path: at("sentinels"),
        given: shapeOf(sentinels),
        allowed: "must be an array of { host, port } with at least one",
      },
    ];
  }
  const problems = sentinels.flatMap((one: unknown, i) => {
    const path = at(`sentinels[${i}]`);
    if (typeof one !== "object" || one === null)
      return [{ path, given: shapeOf(one), allowed: "must be { host, port }" }];
    return checkAddress(one, path);
  });
  if (isAbsent(given["name"]) || given["name"] === "") {
    problems.push({
      path: at("name"),
      given: shapeOf(given["name"]),
      allowed: "must be the name of the master set that the Sentinels watch",
    });
  }
  return problems;
}

/** Host and port of a Sentinel. */
function checkAddress(address: object, path: string): ConfigProblem[] {
  const { host, port } = address as { readonly host?: unknown; readonly port?: unknown };
  const problems: ConfigProblem[] = [];
  const advice = host === undefined ? undefined : hostAdvice(host);
  if (advice !== undefined) problems.push({ path: `${path}.host`, given: shapeOf(host), allowed: advice });
  if (port !== undefined && !isWithin(port, { min: 1, max: 65_535 }, true)) {
    problems.push({
      path: `${path}.port`,
      given: numberOrShape(port),
      allowed: "must be a whole number from 1 to 65535",
    });
  }
  return problems;
}

function checkOwnKey(given: Readonly<Record<string, unknown>>, at: (key: string) => string): ConfigProblem[] {
  const misspelt = Object.keys(given)
    .filter((key) => key !== "resilience" && closest(key, ["resilience", "resiliency"]) !== undefined)
    .map((key) => ({ path: at(key), given: "is not a known option", allowed: "did you mean resilience?" }));
  return [...misspelt, ...checkResilience(given["resilience"], at("resilience"))];
}
