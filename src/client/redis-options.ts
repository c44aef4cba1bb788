import type { Cluster as IOCluster, Redis as IORedis, RedisOptions as IORedisOptions } from "ioredis";
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

// The comments are part of the declarations: in ioredis 5 the classes take no parameter, and with one they are `any`.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore */
export type MappedRedis = IORedis<"resp3">;
// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore */
export type MappedCluster = IOCluster<"resp3">;

/** Asks for RESP3's shapes. */
export interface Mapping {
  readonly replyMapping: "resp3";
}

/**
 * What `duplicate` returns for these options. Generic where one of two would do: so a subclass may override `duplicate` with
 * one signature, as it may in ioredis.
 */
export type DuplicateOf<Override, Mapped, Client> = Override extends Mapping ? Mapped : Client;
