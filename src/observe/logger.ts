/** The part of a pino logger that this package calls. Any logger with these methods and pino's argument order works. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal?(fields: object, message: string): void;
  child?(bindings: object): Logger;
}

function nothing(): void {
  // Silence was asked for.
}

/** `logger: false`. */
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing };
