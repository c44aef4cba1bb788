/** What the sections of pool.mjs share. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} Ground
 * @property {<T extends { stop(): Promise<void> }>(thing: T) => T} kept stops it when the section is over
 * @property {(name: string, met: boolean, seen: string) => void} bar
 * @property {number} seconds length of the job queue's run
 * @property {number} elements elements for the consumers
 */

export const QUIET = { logger: /** @type {const} */ (false) };

/** Cuts every connection at random until told to stop. @param {import("../../lab/fault-proxy.mjs").FaultProxy} proxy @param {number} least @param {number} spread */
export function cutting(proxy, least, spread) {
  let on = true;
  const done = (async () => {
    while (on) {
      await sleep(least + Math.random() * spread);
      proxy.cutAll();
    }
  })();
  return async () => {
    on = false;
    await done;
  };
}
