/**
 * Checks a connection string (`redis://…`, `host:port`, a socket path) before ioredis parses it, because ioredis takes most
 * mistakes for a host name, or drops them and uses localhost. Never shows any part of the string: all of it may be secret.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { queryAdvice } from "./check-query.js";
import { socketPath } from "./lenient.js";
import { BOOLEAN_OPTIONS } from "./option-kinds.js";
import { mistakeIn, shapeOf } from "./value-shape.js";
import type { UserRedisOptions } from "../translate.js";

const SENTINELS =
  "for Sentinels pass { sentinels: [{ host, port }], name }, or set REDIS_SENTINELS and REDIS_SENTINEL_NAME";
const ENCODE = "encode the password with encodeURIComponent";

/** Every problem in a connection string; `path` names it in messages, e.g. `url` or `REDIS_URL`. */
export function checkUrl(text: string, path: string): ConfigProblem[] {
  const allowed = adviceFor(socketPath(text) ?? text);
  return allowed === undefined ? [] : [{ path, given: shapeOf(text), allowed }];
}

function adviceFor(text: string): string | undefined {
  if (text.trim() === "")
    return "must be a URL such as redis://host:6379; check that the variable it comes from is set";
  const mistake = mistakeIn(text);
  if (mistake !== undefined) return mistake;
  if (/\s/.test(text)) return "must not hold spaces or line breaks (encode them as %20 inside a password)";
  if (text === "undefined" || text === "null" || text.startsWith("[object")) {
    return "is the text of a missing value: check the variable it comes from";
  }
  if (isSocketPath(text)) return queryAdvice(new URLSearchParams(text.split("?")[1]));
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "redis" && scheme !== "rediss") return schemeAdvice(scheme);
  if (scheme === undefined && /,\s*(?:password|ssl|user|abortconnect)=/i.test(text)) {
    return `must be a URL, and this is a connection string of another client: write rediss://:password@host:6380, and ${ENCODE}`;
  }
  if (/^[^/?#]*,/.test(text.replace(/^(?:.*@|.*?\/\/)/, ""))) {
    return `must name one host: ${SENTINELS}`;
  }
  if (scheme === undefined && /^rediss?:(?!\d+$)/i.test(text))
    return "must have two slashes after the scheme: redis://host:6379";
  return partsAdvice(withScheme(text), scheme !== undefined || text.startsWith("//"));
}

function schemeAdvice(scheme: string): string {
  if (/^(?:file|(?:redis\+)?unix|redis[+-]socket)$/.test(scheme))
    return "must be the plain path for a Unix socket, e.g. /run/redis.sock";
  if (scheme === "redis+tls" || scheme === "tls" || scheme === "valkeys") return "must begin with rediss:// for TLS";
  if (scheme.includes("sentinel")) return `must not be a Sentinel URL: ${SENTINELS}`;
  if (scheme === "http" || scheme === "https") {
    return "must begin with redis:// or rediss://; this is an HTTP address, for example a provider's REST endpoint or console";
  }
  return "must begin with redis:// or rediss://";
}

function partsAdvice(url: string, hasScheme: boolean): string | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return unparsable(url);
  }
  // A raw #, ? or / in the password ends the authority early; the @ that should close it then lands behind.
  if (parsed.hash !== "" || parsed.search.includes("@") || parsed.pathname.includes("@")) {
    return `has #, ? or / where a password should be: ${ENCODE}`;
  }
  if (!isDecodable(parsed.username) || !isDecodable(parsed.password)) {
    return `has a % that starts no valid escape in the user name or password: ${ENCODE}`;
  }
  if (parsed.hostname === "") return "has no host: write redis://localhost:6379 if this machine is meant";
  if (parsed.hostname === "undefined" || parsed.hostname === "null") {
    return "has the text of a missing value as host: check the variable it was built from";
  }
  if (parsed.port === "0") return "must have a port from 1 to 65535";
  if (!hasScheme && parsed.pathname.length > 1)
    return "must begin with redis:// when it names a database: redis://host:6379/2";
  if (hasScheme && !/^\/?\d*\/?$/.test(parsed.pathname))
    return "must have a database number after the slash: redis://host:6379/2";
  return queryAdvice(parsed.searchParams);
}

function isSocketPath(text: string): boolean {
  return text.startsWith("/") && !text.startsWith("//");
}

/** The same address as a URL that can be parsed. */
function withScheme(text: string): string {
  return text.startsWith("//") ? `redis:${text}` : /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `redis://${text}`;
}

/** The ioredis options that a connection string says, without the credentials; nothing for one that is wrong. */
export function optionsInUrl(url: string | undefined): UserRedisOptions {
  if (url === undefined) return {};
  const text = socketPath(url) ?? url;
  if (adviceFor(text) !== undefined) return {};
  if (isSocketPath(text)) return { ...queryOf(new URLSearchParams(text.split("?")[1])), path: text.split("?")[0] };
  const { hostname, port, protocol, searchParams, username, password, pathname } = new URL(withScheme(text));
  const db = pathname.replaceAll("/", "");
  return {
    ...queryOf(searchParams),
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    ...(port === "" ? {} : { port }),
    ...(db === "" ? {} : { db }),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
    ...(username !== "" && password === "" ? { username } : {}),
  };
}

/** Whether a URL that was checked brings a password. */
export function hasPassword(text: string | undefined): boolean {
  if (text === undefined || adviceFor(text) !== undefined || isSocketPath(text)) return false;
  return new URL(withScheme(text)).password !== "";
}

/** Switches can only be on here: `queryAdvice` refuses the rest. */
function queryOf(query: URLSearchParams): UserRedisOptions {
  return Object.fromEntries([...query].map(([key, value]) => [key, BOOLEAN_OPTIONS.includes(key) ? true : value]));
}

function unparsable(url: string): string {
  const authority = url.slice(url.indexOf("//") + 2);
  if (authority.includes("@")) {
    return `cannot be read as a URL: a user name or password with any of : / ? # @ % [ ] must be encoded, so ${ENCODE}`;
  }
  if (authority.includes("#") || authority.includes("?"))
    return `cannot be read as a URL: if it holds a password, ${ENCODE}`;
  if (/:\d+$/.test(authority))
    return "must have a port from 1 to 65535 and an IPv6 address in brackets: redis://[::1]:6379";
  return "cannot be read as a URL: must be redis://user:password@host:6379/0, the port a number";
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text).length >= 0;
  } catch {
    return false;
  }
}
