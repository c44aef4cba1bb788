/** Which seeds a run uses: those that were named, or so many new ones. */
import { randomInt } from "node:crypto";
import { list } from "./options.mjs";

/** The two options, for `readOptions`. */
export const SEED_OPTIONS = {
  seed: {
    type: /** @type {const} */ ("string"),
    help: "repeats a run's faults; several separated by commas; default: a new one",
  },
  seeds: {
    type: /** @type {const} */ ("string"),
    default: "1",
    help: "how many new seeds, one run after the other, default 1",
  },
};

/**
 * @param {{ seed?: string | undefined, seeds?: string | undefined }} options
 * @returns {number[]}
 */
export function seedsOf({ seed, seeds }) {
  const given = list(seed).map(Number);
  const wanted = given.length > 0 ? given : Array.from({ length: Number(seeds) }, () => randomInt(1_000_000));
  if (wanted.length > 0 && wanted.every(Number.isSafeInteger)) return wanted;
  console.error("seeds are whole numbers");
  process.exit(2);
}
