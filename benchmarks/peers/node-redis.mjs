/** The package `redis`. */

/**
 * @param {{ socket?: object }} options
 * @returns {(where: import("./contenders.mjs").Where) => Promise<import("./contenders.mjs").Peer>}
 */
export function nodeRedis({ socket = {}, ...options }) {
  return async ({ host, port, line }) => {
    const { createClient, ErrorReply, ClientOfflineError } = await import("redis");
    const made = createClient({ ...options, socket: /** @type {any} */ ({ host, port, ...socket }) });
    const client = /** @type {any} */ (made);
    client.on("error", line);
    await client.connect();
    const filled = (/** @type {readonly import("./contenders.mjs").Command[]} */ commands) => {
      const batch = client.multi();
      for (const [name, ...args] of commands) batch[name](...args);
      return batch;
    };
    return {
      incr: (key) => client.incr(key),
      set: (key, value) => client.set(key, value),
      get: (key) => client.get(key),
      pipeline: async (commands) => {
        try {
          const replies = await filled(commands).execAsPipeline();
          return replies.map((/** @type {unknown} */ reply) => [null, reply]);
        } catch (cause) {
          // It tells the first error and nothing of the other members.
          throw new Error(`pipeline: ${/** @type {Error} */ (cause).message}`, { cause });
        }
      },
      multi: (commands) => filled(commands).exec(),
      saysNo: (error) => error instanceof ErrorReply || error instanceof ClientOfflineError,
      close: () => client.destroy(),
    };
  };
}
