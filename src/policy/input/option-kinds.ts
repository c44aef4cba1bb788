/** Data: the options of ioredis by the kind of value that they take, with the range that works. */
import { LONGEST_TIMER } from "../fields.js";

/** The numbers that an option takes. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const TIMER: Range = { min: 0, max: LONGEST_TIMER };
/** ioredis's options that are whole numbers, with the range that works. */
export const NUMBER_OPTIONS: Readonly<Record<string, Range>> = {
  port: { min: 1, max: 65_535 },
  db: { min: 0, max: 1_000_000 },
  connectTimeout: TIMER,
  disconnectTimeout: TIMER,
  commandTimeout: { min: 1, max: LONGEST_TIMER },
  socketTimeout: TIMER,
  blockingTimeout: { min: -1, max: LONGEST_TIMER },
  blockingTimeoutGrace: TIMER,
  keepAlive: TIMER,
  maxLoadingRetryTime: TIMER,
  maxRetriesPerRequest: { min: 0, max: Number.MAX_SAFE_INTEGER },
  sentinelMaxConnections: { min: 1, max: 1000 },
  sentinelCommandTimeout: TIMER,
};
/** ioredis's options that are switches. */
export const BOOLEAN_OPTIONS: readonly string[] = [
  "lazyConnect",
  "enableOfflineQueue",
  "enableReadyCheck",
  "enableAutoPipelining",
  "autoResubscribe",
  "autoResendUnfulfilledCommands",
  "readOnly",
  "noDelay",
  "stringNumbers",
  "disableClientInfo",
  "enableTLSForSentinelMode",
  "updateSentinels",
  "failoverDetector",
];
/** ioredis's options that are texts. */
export const STRING_OPTIONS: readonly string[] = [
  "path",
  "username",
  "password",
  "connectionName",
  "name",
  "sentinelUsername",
  "sentinelPassword",
];
/** Options of ioredis, and some of our own, that take a function. */
export const FUNCTIONS: readonly string[] = [
  "retryStrategy",
  "reconnectOnError",
  "sentinelRetryStrategy",
  "sentinelReconnectStrategy",
  "Connector",
  "credentials",
  "sentinelCredentials",
];
/** Options ioredis may be given as text because its URL query has only text. */
export const MAY_BE_TEXT = new Set(["port", "db", "family"]);
