/** The catalogue: one entry a code, from the tables of each area. */
import { ACCESS } from "./catalogue/access.js";
import { ADDRESSES } from "./catalogue/addresses.js";
import { CLIENT } from "./catalogue/client.js";
import { CONNECTION } from "./catalogue/connection.js";
import type { Entry } from "./catalogue/entry.js";
import { LIMITS } from "./catalogue/limits.js";
import { NETWORK } from "./catalogue/network.js";
import { SERVER } from "./catalogue/server.js";
import { TLS } from "./catalogue/tls.js";
import { TOPOLOGY } from "./catalogue/topology.js";
import { UNKNOWN, USAGE } from "./catalogue/usage.js";
import type { Code } from "./codes.js";

/** Every entry, by area in the order of the pages. */
export const CATALOGUE: readonly Entry[] = [
  ...NETWORK,
  ...ADDRESSES,
  ...CONNECTION,
  ...CLIENT,
  ...LIMITS,
  ...TLS,
  ...ACCESS,
  ...SERVER,
  ...TOPOLOGY,
  ...USAGE,
  UNKNOWN,
];

const byCode: ReadonlyMap<string, Entry> = new Map(CATALOGUE.map((entry) => [entry.code, entry]));

/** The entry of a code; `UNKNOWN`'s for anything else. */
export function entryOf(code: Code): Entry {
  return byCode.get(code) ?? UNKNOWN;
}

/** Whether a word is a code of the catalogue. */
export function isCode(word: unknown): word is Code {
  return typeof word === "string" && byCode.has(word);
}
