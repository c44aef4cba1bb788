/** ioredoubt, ioredis, iovalkey, and the wrapper that one writes by hand around ioredis: they share one interface. */

/** @typedef {import("./contenders.mjs").Peer} Peer */
/** @typedef {import("./contenders.mjs").Where} Where */
/** @typedef {import("./contenders.mjs").Command} Command */

/**
 * @param {any} client
 * @param {(error: any) => boolean} saysNo
 * @returns {Peer}
 */
function peerOf(client, saysNo) {
  return {
    incr: (key) => client.incr(key),
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    pipeline: (commands) => filled(client.pipeline(), commands).exec(),
    multi: async (commands) => {
      const members = await filled(client.multi(), commands).exec();
      // A transaction that was given up on replies null: nothing was executed.
      if (!Array.isArray(members)) throw Object.assign(new Error("EXEC replied null"), { code: "EXEC_NULL" });
      for (const [error] of members) if (error) throw error;
      return members.map(([, reply]) => reply);
    },
    saysNo,
    close: () => client.disconnect(),
  };
}

/** @param {any} batch @param {readonly Command[]} commands */
function filled(batch, commands) {
  for (const [name, ...args] of commands) batch[name](...args);
  return batch;
}

/** The server answered with an error: it did not execute the command. @param {any} error */
const refused = (error) => error?.name === "ReplyError";

/** @param {"production" | "cache" | "worker"} profile @returns {(where: Where) => Promise<Peer>} */
export function ours(profile) {
  return async ({ host, port, line }) => {
    const { createRedis } = await import("ioredoubt");
    const logger = { debug: () => {}, info: line, warn: line, error: line };
    const client = createRedis({ host, port, resilience: { profile, logger } });
    client.on("error", () => {});
    return peerOf(client, (error) => (error?.applied === undefined ? refused(error) : error.applied === "no"));
  };
}

/** @param {object} options @returns {(where: Where) => Promise<Peer>} */
export function ioredis(options) {
  return async ({ host, port, line }) => {
    const { Redis } = await import("ioredis");
    const client = new Redis({ host, port, ...options });
    client.on("error", line);
    return peerOf(client, refused);
  };
}

/** @param {Where} where @returns {Promise<Peer>} */
export async function iovalkey({ host, port, line, load }) {
  const { default: Valkey } = await load("iovalkey");
  const client = new Valkey({ host, port });
  client.on("error", line);
  return peerOf(client, refused);
}

/**
 * Each call through the breaker and each failure through the retry, both as their readmes show them. An error tells of the
 * last attempt only, so it never promises anything about the ones before.
 * @param {Where} where
 * @returns {Promise<Peer>}
 */
export async function wrapper(where) {
  const [{ default: pRetry }, { default: CircuitBreaker }] = await Promise.all([import("p-retry"), import("opossum")]);
  const inner = await ioredis({})(where);
  const breaker = new CircuitBreaker((/** @type {() => Promise<any>} */ call) => call());
  const through = (/** @type {() => Promise<any>} */ call) => pRetry(() => breaker.fire(call));
  return {
    incr: (key) => through(() => inner.incr(key)),
    set: (key, value) => through(() => inner.set(key, value)),
    get: (key) => through(() => inner.get(key)),
    pipeline: (commands) => through(() => inner.pipeline(commands)),
    multi: (commands) => through(() => inner.multi(commands)),
    saysNo: () => false,
    close: () => {
      breaker.shutdown();
      inner.close();
    },
  };
}
