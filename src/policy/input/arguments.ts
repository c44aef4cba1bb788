/**
 * Checks the arguments of `createRedis` and `new Redis(…)` before anything connects. ioredis takes `undefined` for
 * localhost and most typing mistakes for host names; both are found out by a refused connection in another place.
 */
import { types } from "node:util";
import { ConfigError, type ConfigProblem } from "../../failure/errors.js";
import { checkRedisOptions, hostAdvice, isWithin } from "./check-redis-options.js";
import { checkUrl } from "./check-url.js";
import { readLeniently } from "./lenient.js";
import { numberOrShape, shapeOf } from "./value-shape.js";

const MISSING =
  "must be a URL, a port, a socket path or options; call without arguments for localhost:6379, and check the variable it comes from";

/**
 * Checks the argument forms of `new Redis(…)`. No argument at all is localhost:6379, as in ioredis; an argument that is
 * there but missing (`createRedis(process.env.REDIS_URL)` with the variable unset, also before options) is an error.
 *
 * @throws {ConfigError} listing every problem; it shows shapes, never a string it was given.
 */
export function checkRedisArguments(given: readonly unknown[]): void {
  const args = readLeniently(given).value;
  const problems = args.flatMap((arg, index) => checkArgument(arg, index, args));
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkArgument(arg: unknown, index: number, args: readonly unknown[]): ConfigProblem[] {
  const isHost = index === 1 && isPort(args[0]);
  if (arg === undefined || arg === null) {
    if (index === 0) return [{ path: "url", given: shapeOf(arg), allowed: MISSING }];
    return isHost
      ? [{ path: "host", given: shapeOf(arg), allowed: "must be a host name; leave it out for localhost" }]
      : [];
  }
  if (typeof arg === "number") {
    return isWithin(arg, { min: 1, max: 65_535 }) ? [] : [portProblem(arg)];
  }
  if (typeof arg === "string") {
    if (index === 0 && /^-?\d+(\.\d+)?$/.test(arg)) return isPort(arg) ? [] : [portProblem(arg)];
    if (index > 0 && typeof args[0] === "string" && arg.includes("://")) {
      const allowed = "must be options: the first argument says already where Redis is";
      return [{ path: `argument ${index + 1}`, given: shapeOf(arg), allowed }];
    }
    if (!isHost) return checkUrl(arg, "url");
    const advice = hostAdvice(arg);
    return advice === undefined ? [] : [{ path: "host", given: shapeOf(arg), allowed: advice }];
  }
  const hint = hintFor(arg);
  if (typeof arg === "object" && hint === undefined) return checkRedisOptions(arg, "");
  return [
    {
      path: `argument ${index + 1}`,
      given: shapeOf(arg),
      allowed: `must be a URL, a port, a host, a socket path or options${hint ?? ""}`,
    },
  ];
}

/** What to pass instead of an object that ioredis would take for empty options, and so for localhost. */
function hintFor(arg: unknown): string | undefined {
  if (Object.prototype.toString.call(arg) === "[object URL]") return "; pass url.href";
  if (Array.isArray(arg)) return "; an array of nodes is for new Cluster(nodes)";
  if (types.isPromise(arg)) return "; await the promise first";
  return ArrayBuffer.isView(arg) ? "; pass the text of these bytes" : undefined;
}

function isPort(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && isWithin(value, { min: 1, max: 65_535 }, true));
}

function portProblem(value: unknown): ConfigProblem {
  return { path: "port", given: numberOrShape(value), allowed: "must be a whole number from 1 to 65535" };
}
