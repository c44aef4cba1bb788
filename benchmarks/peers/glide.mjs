/** Valkey GLIDE. Its core is native, so its log goes to the process's output past any logger. */

/**
 * @param {object} options
 * @returns {(where: import("./contenders.mjs").Where) => Promise<import("./contenders.mjs").Peer>}
 */
export function glide(options) {
  return async ({ host, port, load }) => {
    const { GlideClient, Batch, RequestError, CircuitBreakerError } = await load("@valkey/valkey-glide");
    const client = await GlideClient.createClient({ addresses: [{ host, port }], ...options });
    const batch = (
      /** @type {readonly import("./contenders.mjs").Command[]} */ commands,
      /** @type {boolean} */ atomic,
    ) => {
      const made = new Batch(atomic);
      for (const [name, ...args] of commands) made[name](...args);
      return made;
    };
    return {
      incr: (key) => client.incr(key),
      set: (key, value) => client.set(key, value),
      get: (key) => client.get(key),
      pipeline: async (commands) => {
        const replies = await client.exec(batch(commands, false), false);
        return replies.map((/** @type {unknown} */ reply) =>
          reply instanceof Error ? [reply, undefined] : [null, reply],
        );
      },
      multi: (commands) => client.exec(batch(commands, true), true),
      // An error of the server, or a circuit that did not call. What is lost or too late has classes of its own.
      saysNo: (error) => error?.constructor === RequestError || error?.constructor === CircuitBreakerError,
      close: () => client.close(),
    };
  };
}
