/** The shape of a row of the command table, and the words its columns use. Types and constants only. */
import type { Rule } from "./effect-rules.js";

/** Where a blocking command's timeout stands, and how many milliseconds its unit has. Negative indexes count from the end. */
export interface TimeoutPlace {
  readonly at: number;
  readonly unit: number;
}

/** A timeout argument in seconds (fractions from Redis 6 on) or milliseconds. */
export const SECONDS = 1000;
export const MILLISECONDS = 1;

/** How a command may block at the server: by an argument at a fixed place, or by a BLOCK option (XREAD). */
export type Blocks = TimeoutPlace | "BLOCK option";

/**
 * What a command changes in the state that the server keeps for its connection.
 *
 * - `watch` … `discard`: a transaction's guard or its queue.
 * - `select`: the database. `login`: user and protocol. `reset`: everything, as if the connection were new.
 * - `subscribe`, `unsubscribe`: what is listened to.
 * - `client`, `script`: decided by the subcommand. `mode`: another lasting mode, which only a new connection is free of.
 * - `quit`: the connection ends.
 */
export type Session =
  | "watch"
  | "unwatch"
  | "multi"
  | "exec"
  | "discard"
  | "select"
  | "login"
  | "reset"
  | "subscribe"
  | "unsubscribe"
  | "client"
  | "script"
  | "mode"
  | "quit";

/**
 * Which of several shared connections a command belongs on.
 *
 * - `keys` (the default): that of its keys; without keys it concerns all of them.
 * - `any`: it has no keys, and need not wait for commands on other connections (PUBLISH, CONFIG).
 * - `apart`: it says and sees nothing of the data: its order cannot matter at all (PING, INFO).
 * - `first`: the client's own connection, where messages are heard.
 * - `refused`: its state would be on one of several connections; the text says what to use instead.
 */
export type LaneRule = "keys" | "any" | "apart" | "first" | { readonly refused: string };

/**
 * How a command is dispatched. `plain` ones take the fast path; each of the others needs a second look before it is sent.
 * `checked`: after some of its forms replies would no longer belong to the commands that wait for them.
 */
export type DispatchKind = "plain" | "checked" | "blocking" | "transaction" | "subscription" | "quit";

/** One row: what is not said is the default. */
export interface Row {
  readonly effect: Rule;
  readonly blocks?: Blocks | undefined;
  readonly session?: Session | undefined;
  readonly lane?: LaneRule | undefined;
}

/** Rows by name in lower case; a bare effect is a row of which nothing else needs saying. */
export type Rows = Readonly<Record<string, Rule | Row>>;

/** A row as the client uses it, with what follows from it. */
export interface CommandFacts {
  /** In lower case. */
  readonly name: string;
  /** The same as errors and logs may show it. */
  readonly shown: string;
  readonly effect: Rule;
  readonly dispatch: DispatchKind;
  /** ioredis does nothing with it but write it: no mode, no queue, no state of the connection depends on it. */
  readonly isStateless: boolean;
  /** It changes what the server keeps for its connection. */
  readonly touchesSession: boolean;
  /** Its place in `FAMILIES`. */
  readonly family: number;
  /** Whether it needs a writable server, whatever its arguments. */
  readonly writes: boolean;
  readonly blocks: Blocks | undefined;
  readonly session: Session | undefined;
  readonly lane: LaneRule;
  /** It waits for something that somebody brings: BLPOP, not WAIT. */
  readonly consumes: boolean;
}
