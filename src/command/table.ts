/**
 * Every command that ioredis and the server know, one row each: adding a command is adding a row. Data only; `facts.ts`
 * looks rows up, `row.ts` says what their columns mean, `effect-rules.ts` how arguments decide an effect. Effects were tried
 * on a real server by `effect-truth.test.ts`; writes newer than that server are unsafe unless their documented reply leaves
 * no doubt.
 */
import type { Row, Rows } from "./row.js";
import { COLLECTION_COMMANDS } from "./table-collections.js";
import { KEY_COMMANDS } from "./table-keys.js";
import { SERVER_COMMANDS } from "./table-server.js";
import { STREAM_COMMANDS } from "./table-streams.js";

/** By name in lower case. A Map, so that a command called `constructor` finds nothing. */
export const COMMAND_TABLE: ReadonlyMap<string, Row> = new Map(
  [KEY_COMMANDS, COLLECTION_COMMANDS, STREAM_COMMANDS, SERVER_COMMANDS].flatMap(rowsOf),
);

function rowsOf(rows: Rows): [string, Row][] {
  return Object.entries(rows).map(([name, row]) => [name, isRow(row) ? row : { effect: row }]);
}

function isRow(row: Rows[string]): row is Row {
  return typeof row === "object" && "effect" in row;
}
