/**
 * The effect of every command that ioredis knows, one row a command. Data only: `effect.ts` looks rows up,
 * `effect-rules.ts` defines the words they use. Rows were tried on a real server by `effect-truth.test.ts`; writes newer
 * than that server are unsafe unless their documented reply leaves no doubt.
 */
import type { Rule } from "./effect-rules.js";
import { COLLECTION_EFFECTS } from "./effect-table-collections.js";
import { KEY_EFFECTS } from "./effect-table-keys.js";
import { SERVER_EFFECTS } from "./effect-table-server.js";
import { STREAM_EFFECTS } from "./effect-table-streams.js";

/** By name in lower case. A Map, so that a command called `constructor` finds nothing. */
export const EFFECT_TABLE: ReadonlyMap<string, Rule> = new Map(
  [KEY_EFFECTS, COLLECTION_EFFECTS, STREAM_EFFECTS, SERVER_EFFECTS].flatMap((rows) => Object.entries(rows)),
);
