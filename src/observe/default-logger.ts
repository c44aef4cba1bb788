/**
 * The logger of clients that were given none: pino, named `ioredoubt`, on standard error: standard output belongs to the
 * program, which may print JSON there. `IOREDOUBT_LOG_LEVEL` is its level. pino is loaded for the first line, not with this
 * package: it would be a good part of a service's start.
 */
import { createRequire } from "node:module";
import { serializeError } from "../failure/serialize.js";
import type { Logger } from "../policy/shape.js";
import { LOG_LEVELS, logLevel, type LogLevel } from "../policy/log-level.js";
import { STANDARD_ERROR } from "./standard-error.js";

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
  // A text that is no level was refused when the client was made.
  const level = logLevel(process.env["IOREDOUBT_LOG_LEVEL"]) ?? "info";
  try {
    const { pino } = createRequire(import.meta.url)("pino") as typeof import("pino");
    const options = { name: "ioredoubt", level, serializers: { err: serializeError, error: serializeError } };
    return pino(options, STANDARD_ERROR);
  } catch {
    // A process out of file descriptors cannot read pino, and must still say so. Node remembers that it found nothing. And what
    // a bundler made has no pino beside it.
    return bare(level);
  }
}

/** Writes what pino would write. */
function bare(least: LogLevel): Logger {
  const at = (level: number) => (fields: object, msg: string) => {
    if (level < LOG_LEVELS[least]) return;
    const line = { level, time: Date.now(), pid: process.pid, name: "ioredoubt", ...fields, msg };
    STANDARD_ERROR.write(
      `${JSON.stringify(line, (_, value: unknown) => (value instanceof Error ? serializeError(value) : value))}\n`,
    );
  };
  return { debug: at(20), info: at(30), warn: at(40), error: at(50), fatal: at(60) };
}
