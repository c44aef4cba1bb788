/** Who is watched through a demotion, and what each writes. */
import { Redis as Plain } from "ioredis";
import { createRedis } from "ioredoubt";

/** @type {Record<string, { label: string, ours: boolean, make: (where: { host: string, port: number }) => any }>} */
export const CLIENTS = {
  default: { label: "ioredoubt", ours: true, make: (where) => ours(where, {}, {}) },
  "no-retry": { label: "ioredoubt, retry: false", ours: true, make: (where) => ours(where, {}, { retry: false }) },
  "no-requeue": {
    label: "ioredoubt, maxRetriesPerRequest: 0",
    ours: true,
    make: (where) => ours(where, { maxRetriesPerRequest: 0 }, {}),
  },
  ioredis: { label: "ioredis", ours: false, make: (where) => new Plain(where) },
  "ioredis-reconnect": {
    label: "ioredis, reconnectOnError",
    ours: false,
    make: (where) => new Plain({ ...where, reconnectOnError: (error) => error.message.startsWith("READONLY") }),
  },
};

/** @param {{ host: string, port: number }} where @param {object} options @param {object} resilience */
function ours(where, options, resilience) {
  return createRedis({ ...where, ...options, resilience: { logger: false, ...resilience } });
}

/** @param {string} who @param {{ host: string, port: number }} where */
export function makeClient(who, where) {
  const client = CLIENTS[who]?.make(where);
  client.on("error", () => {});
  return client;
}

/** @type {Record<string, string>} */
export const WRITES = { set: "SET", eval: "EVAL", multi: "MULTI", mixed: "mixed" };

/**
 * One write of a kind; rejects when it was not made.
 * @param {any} redis
 * @param {string} kind
 * @param {string} key
 * @param {number} n
 * @param {string} script
 * @returns {Promise<unknown>}
 */
export async function write(redis, kind, key, n, script) {
  const all = ["set", "eval", "multi", "pipeline"];
  switch (kind === "mixed" ? all[n % all.length] : kind) {
    case "set":
      return redis.set(key, n);
    case "eval":
      return redis.eval(script, 1, key, n);
    case "multi":
      return wholeOf(await redis.multi().set(key, n).incr(`${key}:n`).exec());
    default:
      return wholeOf(await redis.pipeline().get(key).set(key, n).incr(`${key}:n`).exec());
  }
}

/** The members of a batch, if all of them went well. @param {any} members */
function wholeOf(members) {
  if (!Array.isArray(members)) throw new Error("EXEC replied null");
  for (const [error] of members) if (error) throw error;
  return members;
}
