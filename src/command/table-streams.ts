/** Rows of the commands on streams. See `table.ts`. */
import { textOf, wordOf } from "./arguments.js";
import type { Effect } from "./effect-rules.js";
import {
  READ,
  READ_REPLY,
  WRITE_BOTH,
  WRITE_REPLY,
  WRITE_SAME,
  WRITE_STATE,
  options,
  subcommands,
  worst,
} from "./effect-rules.js";
import type { Rule } from "./effect-rules.js";
import type { Rows } from "./row.js";
import { streamTailsOf } from "./stream-tails.js";

/** With an id of the caller's own the server refuses the second entry; with `*` it makes another. */
function appended(args: readonly unknown[]): Effect {
  let at = 1;
  for (;;) {
    const word = wordOf(args[at]);
    if (word === "maxlen" || word === "minid") {
      at += ["=", "~"].includes(wordOf(args[at + 1])) ? 3 : 2;
    } else if (word === "limit") {
      at += 2;
    } else if (["nomkstream", "keepref", "delref", "acked"].includes(word)) {
      at += 1;
    } else {
      return /^\d+(-\d+)?$/.test(word) ? WRITE_REPLY : WRITE_BOTH;
    }
  }
}

/** `>` takes new entries. A consumer's own history is the same twice, but each reading counts as a delivery. */
function readByGroup(args: readonly unknown[]): Effect {
  const fresh = args.slice(3).some((argument) => [">", "claim"].includes(wordOf(argument)));
  return fresh ? WRITE_BOTH : WRITE_STATE;
}

/** `$` is wherever the stream ends by then: a second execution would skip what came in between. */
const groupMoved: Rule = worst(
  (args) => (textOf(args[2]) === "$" || textOf(args[2]) === undefined ? WRITE_BOTH : WRITE_SAME),
  options(3, { entriesread: [1, WRITE_SAME] }),
);

/** From `$` on, which is later by then: a second execution would skip what came in between. */
function streamsRead(args: readonly unknown[]): Effect {
  return streamTailsOf("xread", args).length > 0 ? READ_REPLY : READ;
}

/** Exact trimming trims once; `~` may stop early and go on the next time. */
function trimmed(args: readonly unknown[]): Effect {
  const exact = args.length === 3 || (args.length === 4 && textOf(args[2]) === "=");
  return exact ? WRITE_REPLY : WRITE_BOTH;
}

export const STREAM_COMMANDS: Rows = {
  xack: WRITE_REPLY, // counts what it acknowledged
  xackdel: WRITE_REPLY, // 1, then -1
  xadd: appended,
  xautoclaim: WRITE_BOTH, // counts as a delivery
  xcfgset: WRITE_REPLY, // reply not proven
  xclaim: WRITE_BOTH, // counts as a delivery
  xdel: WRITE_REPLY, // counts what it deleted
  xdelex: WRITE_REPLY, // 1, then -1
  xgroup: subcommands("write", {
    create: WRITE_REPLY, // OK, then BUSYGROUP
    createconsumer: WRITE_REPLY, // 1, then 0
    delconsumer: WRITE_REPLY, // counts what was pending
    destroy: WRITE_REPLY, // 1, then 0
    setid: groupMoved,
    help: READ,
  }),
  xidmprecord: WRITE_BOTH, // replication internal
  xinfo: subcommands("read", { consumers: READ, groups: READ, help: READ, stream: READ }),
  xlen: READ,
  xnack: WRITE_BOTH, // counts as a delivery
  xpending: READ,
  xrange: READ,
  xread: { effect: streamsRead, blocks: "BLOCK option" }, // blocking or not
  xreadgroup: { effect: readByGroup, blocks: "BLOCK option" },
  xrevrange: READ,
  xsetid: WRITE_SAME,
  xtrim: trimmed, // counts what it removed
};
