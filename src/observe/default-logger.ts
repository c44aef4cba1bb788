/**
 * The logger of clients that were given none: pino, named `ioredoubt`, on standard output. pino is loaded for the first
 * line, not with this package: it would be a good part of a service's start.
 */
import { createRequire } from "node:module";
import { serializeError } from "../failure/serialize.js";
import type { Logger } from "./logger.js";

let shared: Logger | undefined;

/** One per process, so that two clients of one endpoint share their incident. */
export function defaultLogger(): Logger {
  return LAZY;
}

function real(): Logger {
  return (shared ??= create());
}

const LAZY: Logger = {
  debug: (fields, message) => real().debug(fields, message),
  info: (fields, message) => real().info(fields, message),
  warn: (fields, message) => real().warn(fields, message),
  error: (fields, message) => real().error(fields, message),
  fatal: (fields, message) => real().fatal?.(fields, message),
};

function create(): Logger {
  const load = createRequire(import.meta.url);
  const { pino } = load("pino") as typeof import("pino");
  return pino({ name: "ioredoubt", serializers: { err: serializeError, error: serializeError } });
}
