import type { RedisOptions as IORedisOptions } from "ioredis";
import type { CredentialsOptions } from "../credentials/provider.js";
import type { ResilienceOptions } from "../policy/shape.js";

/** ioredis's options and our own. */
export type RedisOptions = IORedisOptions & {
  /**
   * How this client deals with failures: deadlines, retries, circuits, bounds, the log. `false`: not at all; it is plain ioredis, as all
   * clients are while the variable `IOREDOUBT_OFF` is on. Default: the policy of the profile `production`.
   */
  readonly resilience?: ResilienceOptions | false | undefined;
} & CredentialsOptions;

/** The options of a client that is not plain. */
export type ResilientOptions = IORedisOptions & {
  readonly resilience?: ResilienceOptions | undefined;
} & CredentialsOptions;
