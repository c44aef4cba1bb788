/**
 * Who is measured. Each contender offers the same few operations in the way its own users would write them; the load
 * generator adds nothing but the loop.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * @typedef {{
 *   get: (key: string) => Promise<unknown>, set: (key: string, value: string) => Promise<unknown>,
 *   incr: (key: string) => Promise<unknown>, mget: (keys: string[]) => Promise<unknown>,
 *   hset: (key: string, fields: Record<string, string>) => Promise<unknown>, hgetall: (key: string) => Promise<unknown>,
 *   getMany: (keys: string[]) => Promise<unknown>, transaction: (keys: string[]) => Promise<unknown>,
 *   close: () => void, client: any,
 * }} Contender `getMany` is a pipeline of GETs, `transaction` a MULTI of them.
 * @typedef {{ port: number, tls?: { ca: string } | undefined, logger?: any, checkout?: string | undefined }} Where
 *   `checkout`: the folder whose build is measured. Default: this one.
 */

/** @type {Record<string, { label: string, make: (where: Where) => Promise<Contender> }>} */
export const CONTENDERS = {
  ioredis: { label: "plain ioredis", make: plain },
  ours: { label: "ioredoubt", make: ours },
  auto: { label: "ioredis, enableAutoPipelining", make: (where) => plain(where, { enableAutoPipelining: true }) },
  "node-redis": { label: "node-redis", make: nodeRedis },
  wrapper: { label: "pRetry(breaker.fire)", make: wrapper },
};

/**
 * @param {string} name
 * @param {Where} where
 * @throws when nobody has that name
 */
export function makeContender(name, where) {
  const contender = CONTENDERS[name];
  if (contender === undefined) throw new Error(`unknown contender: ${name}`);
  return contender.make(where);
}

/** @param {Where} where */
export function ioredisOptions({ port, tls }) {
  return { port, host: "127.0.0.1", ...(tls && { tls: { ca: tls.ca, servername: "localhost" } }) };
}

/**
 * @param {any} client
 * @returns {Contender}
 */
function fromIoredis(client) {
  return {
    client,
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    incr: (key) => client.incr(key),
    mget: (keys) => client.mget(keys),
    hset: (key, fields) => client.hset(key, fields),
    hgetall: (key) => client.hgetall(key),
    transaction: (keys) => {
      const multi = client.multi();
      for (const key of keys) multi.get(key);
      return multi.exec();
    },
    getMany: (keys) => {
      const pipeline = client.pipeline();
      for (const key of keys) pipeline.get(key);
      return pipeline.exec();
    },
    close: () => client.disconnect(),
  };
}

/** @param {Where} where @param {object} [options] @returns {Promise<Contender>} */
async function plain(where, options) {
  const { Redis } = await import("ioredis");
  const client = new Redis({ ...ioredisOptions(where), ...options });
  client.on("error", () => {});
  return fromIoredis(client);
}

/** @param {Where} where @returns {Promise<Contender>} */
async function ours(where) {
  const { createRedis } = /** @type {typeof import("ioredoubt")} */ (
    where.checkout === undefined ? await import("ioredoubt") : await import(entryOf(where.checkout))
  );
  const client = createRedis({ ...ioredisOptions(where), resilience: { logger: where.logger ?? false } });
  client.on("error", () => {});
  return fromIoredis(client);
}

/** What importing the package loads in another checkout. @param {string} checkout */
export function entryOf(checkout) {
  return pathToFileURL(join(checkout, "dist/index.mjs")).href;
}

/** @param {Where} where @returns {Promise<Contender>} */
async function nodeRedis({ port, tls }) {
  const { createClient } = await import("redis");
  const socket = { port, host: "127.0.0.1", ...(tls && { tls: true, ca: tls.ca, servername: "localhost" }) };
  const client = /** @type {any} */ (createClient({ socket: /** @type {any} */ (socket) }));
  client.on("error", () => {});
  await client.connect();
  return {
    client,
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    incr: (key) => client.incr(key),
    mget: (keys) => client.mGet(keys),
    hset: (key, fields) => client.hSet(key, fields),
    hgetall: (key) => client.hGetAll(key),
    transaction: (keys) => {
      const multi = client.multi();
      for (const key of keys) multi.get(key);
      return multi.exec();
    },
    getMany: (keys) => {
      const multi = client.multi();
      for (const key of keys) multi.get(key);
      return multi.execAsPipeline();
    },
    close: () => client.destroy(),
  };
}

/** What one writes after reading the three readmes: each call through the breaker, each failure through the retry. @param {Where} where @returns {Promise<Contender>} */
async function wrapper(where) {
  const [{ default: pRetry }, { default: CircuitBreaker }] = await Promise.all([import("p-retry"), import("opossum")]);
  const inner = await plain(where);
  const breaker = new CircuitBreaker((/** @type {() => Promise<unknown>} */ call) => call());
  const through = (/** @type {() => Promise<unknown>} */ call) => pRetry(() => breaker.fire(call));
  return {
    client: inner.client,
    get: (key) => through(() => inner.get(key)),
    set: (key, value) => through(() => inner.set(key, value)),
    incr: (key) => through(() => inner.incr(key)),
    mget: (keys) => through(() => inner.mget(keys)),
    hset: (key, fields) => through(() => inner.hset(key, fields)),
    hgetall: (key) => through(() => inner.hgetall(key)),
    transaction: (keys) => through(() => inner.transaction(keys)),
    getMany: (keys) => through(() => inner.getMany(keys)),
    close: () => {
      breaker.shutdown();
      inner.close();
    },
  };
}
