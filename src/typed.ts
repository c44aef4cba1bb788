/**
 * What the package exports as its users see it: the declarations of `index` are made of this file, and nothing of it runs. Its
 * classes know `replyMapping: "resp3"`, whose replies keep RESP3's shapes. ioredis 5 knows no mapping: there both clients are the same.
 */
import type { Cluster as IOCluster, Redis as IORedis } from "ioredis";
import type { MappedCluster, MappedRedis, ResilientOptions } from "./client/redis-options.js";
import type { Cluster as OwnCluster, ClusterOptions } from "./cluster.js";
import type { createRedis as createOwn } from "./create-redis.js";
import type { CallOptions } from "./engine/ports.js";
import type { TransactionOptions, TransactionResult } from "./lease/transaction.js";
import type { ConnectionOptions } from "./lease/with-connection.js";
import type { Redis as OwnRedis, RedisOptions, TransactionScope } from "./redis.js";

export * from "./index.js";

/** How replies of RESP3 are shown: as those of RESP2 (`legacy`), or in their own shapes. */
export type ReplyMapping = "legacy" | "resp3";

type IsAny<T> = 0 extends 1 & T ? true : false;

/** What hands out a client, and so says which. */
type Handing = "with" | "withDeadline" | "withConnection" | "transaction";
type Own<Client, Base> = Pick<Client, Exclude<keyof Client, keyof Base | Handing>>;

interface Views<Client, Lent> {
  with(options: CallOptions): Client;
  withDeadline(deadline: number | false): Client;
  withConnection<T>(fn: (connection: Lent) => T | PromiseLike<T>, options?: ConnectionOptions): Promise<T>;
  transaction<T>(
    keys: Parameters<OwnRedis["transaction"]>[0],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    options?: TransactionOptions,
  ): Promise<TransactionResult<T>>;
}

interface Resp3Changes extends Views<Resp3Redis, Resp3Redis> {
  options: ResilientOptions;
  duplicate(override: Partial<RedisOptions> & { readonly replyMapping: "legacy" }): OwnRedis;
  duplicate(override?: Partial<RedisOptions>): Resp3Redis;
}

type Resp3Redis = IsAny<MappedRedis> extends true ? OwnRedis : Resp3Changes & Own<OwnRedis, IORedis> & MappedRedis;
type Resp3Cluster =
  IsAny<MappedCluster> extends true
    ? OwnCluster
    : Views<Resp3Cluster, Resp3Redis> & Own<OwnCluster, IOCluster> & MappedCluster;

type Mapped<M extends ReplyMapping> = RedisOptions & { readonly replyMapping?: M | undefined };
type MappedClusterOptions<M extends ReplyMapping> = ClusterOptions & {
  readonly redisOptions?: { readonly replyMapping?: M | undefined } | undefined;
};

/** The drop-in client. Where its mapping is known at run time only, it is typed as `legacy`. */
export type Redis<M extends ReplyMapping = "legacy"> = [M] extends ["resp3"] ? Resp3Redis : OwnRedis;
/** The drop-in client for Redis Cluster. */
export type Cluster<M extends ReplyMapping = "legacy"> = [M] extends ["resp3"] ? Resp3Cluster : OwnCluster;

/** The class of clients. */
export interface RedisClass extends Omit<typeof OwnRedis, "Cluster"> {
  readonly Cluster: ClusterClass;
  new <M extends ReplyMapping = "legacy">(port: number, host: string, options: Mapped<M>): Redis<M>;
  new <M extends ReplyMapping = "legacy">(path: string, options: Mapped<M>): Redis<M>;
  new <M extends ReplyMapping = "legacy">(port: number, options: Mapped<M>): Redis<M>;
  new (port: number, host: string): OwnRedis;
  new <M extends ReplyMapping = "legacy">(options: Mapped<M>): Redis<M>;
  new (port: number): OwnRedis;
  new (path: string): OwnRedis;
  new (): OwnRedis;
}

/** The class of clients of a cluster. */
export interface ClusterClass extends Pick<typeof OwnCluster, keyof typeof OwnCluster> {
  /**
   * @param startNodes - one node is enough; each is a port, a URL, or an object with `host` and `port`.
   * @throws {ConfigError} before anything connects.
   */
  new <M extends ReplyMapping = "legacy">(
    startNodes: ConstructorParameters<typeof OwnCluster>[0],
    options?: MappedClusterOptions<M>,
  ): Cluster<M>;
}

/** `createRedis` and what hangs on it. */
export interface CreateRedis extends Pick<typeof createOwn, keyof typeof createOwn> {
  <M extends ReplyMapping = "legacy">(port: number, host: string, options: Mapped<M>): Redis<M>;
  <M extends ReplyMapping = "legacy">(path: string, options: Mapped<M>): Redis<M>;
  <M extends ReplyMapping = "legacy">(port: number, options: Mapped<M>): Redis<M>;
  (port: number, host: string): OwnRedis;
  <M extends ReplyMapping = "legacy">(options: Mapped<M>): Redis<M>;
  (port: number): OwnRedis;
  (path: string): OwnRedis;
  (): OwnRedis;
}

/** The drop-in client. */
export declare const Redis: RedisClass;
/** The drop-in client for Redis Cluster. */
export declare const Cluster: ClusterClass;
/**
 * A client for a standalone server or Sentinel, with every argument form of ioredis's `new Redis(...)`.
 *
 * @throws {ConfigError} before anything connects, with every problem in arguments, options and environment.
 */
export declare const createRedis: CreateRedis;
export { Redis as default };
