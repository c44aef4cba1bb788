/** The level of the default logger, from `IOREDOUBT_LOG_LEVEL`. Data and one reader, without pino. */

/** What `IOREDOUBT_LOG_LEVEL` may say, with pino's numbers. */
export const LOG_LEVELS = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Infinity,
} as const;

/** The name of a level of pino's, or `silent`. */
export type LogLevel = keyof typeof LOG_LEVELS;

/** The level a text means, whatever its case; `undefined` for none. */
export function logLevel(text: string | undefined): LogLevel | undefined {
  const word = (text ?? "").trim().toLowerCase();
  return Object.hasOwn(LOG_LEVELS, word) ? (word as LogLevel) : undefined;
}
