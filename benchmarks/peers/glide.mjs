/** Valkey GLIDE. Its core is native, so its log goes to the process's output past any logger. */

/** opossum stays open for 30 s otherwise, which is longer than what is left of the schedule. */
const BREAKER = { timeout: 2000, resetTimeout: 2000, volumeThreshold: 20 };

/**
 * @param {{ requestTimeout?: number, breaker?: boolean }} options
 * @returns {(where: import("./contenders.mjs").Where) => Promise<import("./contenders.mjs").Peer>}
 */
export function glide({ breaker = false, ...options }) {
  return async ({ host, port, load }) => {
    const { GlideClient, Batch, RequestError } = await load("@valkey/valkey-glide");
    const { default: CircuitBreaker } = await import("opossum");
    const client = await GlideClient.createClient({ addresses: [{ host, port }], ...options });
    const circuit = new CircuitBreaker((/** @type {() => Promise<any>} */ call) => call(), BREAKER);
    const through = (/** @type {() => Promise<any>} */ call) => (breaker ? circuit.fire(call) : call());
    const batch = (
      /** @type {readonly import("./contenders.mjs").Command[]} */ commands,
      /** @type {boolean} */ atomic,
    ) => {
      const made = new Batch(atomic);
      for (const [name, ...args] of commands) made[name](...args);
      return made;
    };
    return {
      incr: (key) => through(() => client.incr(key)),
      set: (key, value) => through(() => client.set(key, value)),
      get: (key) => through(() => client.get(key)),
      pipeline: async (commands) => {
        const replies = await through(() => client.exec(batch(commands, false), false));
        return replies.map((/** @type {unknown} */ reply) =>
          reply instanceof Error ? [reply, undefined] : [null, reply],
        );
      },
      multi: (commands) => through(() => client.exec(batch(commands, true), true)),
      // An error of the server, or a circuit that did not call. What is lost or too late has classes of its own.
      saysNo: (error) => error?.constructor === RequestError || error?.code === "EOPENBREAKER",
      close: () => {
        circuit.shutdown();
        client.close();
      },
    };
  };
}
