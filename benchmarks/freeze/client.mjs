/** ioredoubt with the silence hold as built, or with the option that switches it off. */

/**
 * @param {{ port: number, hold: "on" | "off", option: string }} how `option`: path of the option inside `resilience`
 * @returns {Promise<any>} the client, or undefined where this build has no such option
 */
export async function makeOurs({ port, hold, option }) {
  const { createRedis } = await import("ioredoubt");
  const off = option.split(".").reduceRight((/** @type {unknown} */ value, name) => ({ [name]: value }), false);
  try {
    const resilience = { logger: false, ...(hold === "off" && /** @type {object} */ (off)) };
    const client = createRedis({ port, host: "127.0.0.1", resilience: /** @type {any} */ (resilience) });
    client.on("error", () => {});
    return client;
  } catch (error) {
    if (hold === "off" && /** @type {any} */ (error).name === "ConfigError") return undefined;
    throw error;
  }
}
