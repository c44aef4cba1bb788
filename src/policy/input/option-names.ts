/**
 * The options of ioredis by name, and the one that an unknown key was probably meant to be. ioredis takes any key without a
 * word, and so do frameworks that hand on their own, so a near miss is a warning and nothing else is said.
 */
import { closest } from "../../suggest.js";
import { fieldAt } from "../fields.js";
import { calledElsewhere, fieldsMeant } from "../meant.js";
import { BOOLEAN_OPTIONS, FUNCTIONS, NUMBER_OPTIONS, STRING_OPTIONS } from "./option-kinds.js";

const KNOWN: readonly string[] = [
  ...Object.keys(NUMBER_OPTIONS),
  ...BOOLEAN_OPTIONS,
  ...STRING_OPTIONS,
  ...FUNCTIONS,
  ...[
    "host",
    "family",
    "tls",
    "keyPrefix",
    "protocol",
    "sentinels",
    "sentinelTLS",
    "role",
    "natMap",
    "preferredSlaves",
  ],
  ...["clientInfoTag", "replyMapping", "monitor", "autoPipeliningIgnoredCommands", "offlineQueue", "commandQueue"],
  ...["scripts", "himportFieldsets", "showFriendlyErrorStack", "parser", "dropBufferSupport", "resilience"],
];

/** Short names resemble too much, and are too often somebody's own. */
const SHORTEST = 4;

/** What a key beside the options of ioredis was meant to be, for a warning; `undefined` for a known key and for a stranger. */
export function optionMeant(key: string): string | undefined {
  // A field of the policy in the wrong place is told about apart.
  if (KNOWN.includes(key) || fieldAt(key) !== undefined || key.length < SHORTEST) return undefined;
  const near = closest(key, KNOWN);
  if (near !== undefined) return near;
  // A plain word such as `size` may mean anything; of two words together, hardly.
  const path = calledElsewhere(key) ?? (/[a-z][A-Z]/.test(key) ? fieldsMeant(key)[0] : undefined);
  return path === undefined ? undefined : `resilience.${path}`;
}
