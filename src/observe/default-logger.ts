/**
 * The logger of clients that were given none: pino, named `ioredoubt`, on standard output. pino is loaded when the
 * first such client is made, not when this package is.
 */
import { createRequire } from "node:module";
import { serializeError } from "../failure/serialize.js";
import type { Logger } from "./logger.js";

let shared: Logger | undefined;

/** One per process, so that two clients of one endpoint share their incident. */
export function defaultLogger(): Logger {
  shared ??= create();
  return shared;
}

function create(): Logger {
  const load = createRequire(import.meta.url);
  const { pino } = load("pino") as typeof import("pino");
  return pino({ name: "ioredoubt", serializers: { err: serializeError, error: serializeError } });
}
