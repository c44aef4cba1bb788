/** A logger whose failures stay its own: what it throws must not decide what becomes of a command or a connection. */
import type { Logger } from "../policy/shape.js";

function nothing(): void {
  // Silence was asked for.
}

/** `logger: false`. */
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing };

/** One for each logger, so that clients which share theirs still do. */
const guarded = new WeakMap<Logger, Logger>();

export function guardedLogger(logger: Logger): Logger {
  let safe = guarded.get(logger);
  if (safe === undefined) guarded.set(logger, (safe = guard(logger)));
  return safe;
}

function guard(logger: Logger): Logger {
  const level =
    (name: "debug" | "info" | "warn" | "error" | "fatal") =>
    (fields: object, message: string): void => {
      try {
        const result: unknown = logger[name]?.(fields, message);
        // A method may be asynchronous although its type says that nothing is returned.
        if (result instanceof Object && "then" in result) Promise.resolve(result).catch(nothing);
      } catch {
        // There is no other place to say so.
      }
    };
  const levels = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  return logger.fatal === undefined ? levels : { ...levels, fatal: level("fatal") };
}
