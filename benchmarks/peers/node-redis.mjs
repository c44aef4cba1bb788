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
        const replies = await filled(commands)
          .execAsPipeline()
          .catch((/** @type {any} */ error) => {
            // Where members were refused the error holds all replies.
            if (Array.isArray(error.replies)) return error.replies;
            throw error;
          });
        return replies.map((/** @type {unknown} */ reply) =>
          reply instanceof Error ? [reply, undefined] : [null, reply],
        );
      },
      multi: (commands) => filled(commands).exec(),
      saysNo: (error) => error instanceof ErrorReply || error instanceof ClientOfflineError,
      close: () => client.destroy(),
    };
  };
}
