/**
 * The vocabulary of the effect table: the possible effects, and the few ways in which arguments decide between them.
 * Knows the shapes of command grammars, not the commands. Whatever a rule does not recognise counts as unsafe, so an
 * option that a future server adds is never repeated by accident.
 */
import { integerOf, maybeSameKey, wordOf } from "./arguments.js";

/**
 * What a command touches.
 *
 * - `read`: changes nothing.
 * - `write`: the server accepts it on a writable master only, even if these arguments change nothing (SORT without STORE).
 * - `connection`: the state of its own connection, or messages (PUBLISH); not the keys.
 * - `admin`: the server itself: its configuration, users, replication, caches.
 * - `unknown`: a script, or a command that the table does not know.
 */
export type EffectKind = "read" | "write" | "connection" | "admin" | "unknown";

/**
 * What a second execution does, right after the first, with no other writer in between. Where that is in doubt, or
 * where repeating would harm others (FLUSHALL, a condition such as XX), the flags say no.
 */
export interface Effect {
  readonly kind: EffectKind;
  /** A second execution leaves the same state as one execution. A relative time to live may start again. */
  readonly stateSafe: boolean;
  /** A second execution gives the same reply as the first. */
  readonly replySafe: boolean;
}

/** A row of the table: an effect, or how the arguments (without the command's name) decide it. */
export type Rule = Effect | ((args: readonly unknown[]) => Effect);

function effect(kind: EffectKind, stateSafe: boolean, replySafe: boolean): Effect {
  return Object.freeze({ kind, stateSafe, replySafe });
}

// Named for what differs when the command is executed a second time.
export const READ: Effect = effect("read", true, true);
export const READ_REPLY: Effect = effect("read", true, false);
export const WRITE_SAME: Effect = effect("write", true, true);
export const WRITE_REPLY: Effect = effect("write", true, false);
export const WRITE_STATE: Effect = effect("write", false, true);
export const WRITE_BOTH: Effect = effect("write", false, false);
export const SESSION_SAME: Effect = effect("connection", true, true);
export const SESSION_REPLY: Effect = effect("connection", true, false);
export const SESSION_BOTH: Effect = effect("connection", false, false);
export const MESSAGE: Effect = effect("connection", false, true);
export const ADMIN_SAME: Effect = effect("admin", true, true);
export const ADMIN_REPLY: Effect = effect("admin", true, false);
export const ADMIN_BOTH: Effect = effect("admin", false, false);
export const UNKNOWN: Effect = effect("unknown", false, false);

/** Whether a command needs a writable master. Scripts and unknown commands count as writes. */
export function isWrite({ kind }: Effect): boolean {
  return kind === "write" || kind === "unknown";
}

/** The effect that a row's rule gives for these arguments. */
export function resolve(rule: Rule, args: readonly unknown[]): Effect {
  return typeof rule === "function" ? rule(args) : rule;
}

/** Safe only as far as both are; the kind is the first one's. */
function worse(one: Effect, other: Effect): Effect {
  return effect(one.kind, one.stateSafe && other.stateSafe, one.replySafe && other.replySafe);
}

/** As safe as the least safe of the rules. */
export function worst(first: Rule, ...others: readonly Rule[]): Rule {
  return (args) => others.reduce((sum: Effect, rule) => worse(sum, resolve(rule, args)), resolve(first, args));
}

/**
 * A container command: the subcommand's rule, which sees the arguments after it; `""` is the bare command. A subcommand
 * that is not listed is unsafe and of the container's own kind.
 */
export function subcommands(kind: EffectKind, rules: Readonly<Record<string, Rule>>): Rule {
  const table = new Map(Object.entries(rules));
  const unlisted = effect(kind, false, false);
  return (args) => resolve(table.get(wordOf(args[0])) ?? unlisted, args.slice(1));
}

/** An option: how many values follow it, and its effect, which may depend on the first of them. */
export type Option = readonly [values: number, effect: Effect | ((value: unknown, args: readonly unknown[]) => Effect)];
export type Options = Readonly<Record<string, Option>>;

/** The effect of the options in `args` from index `from` up to `to`; values are skipped, so they are never taken for options. */
function scan(options: ReadonlyMap<string, Option>, args: readonly unknown[], from: number, to: number): Effect {
  let sum = WRITE_SAME;
  for (let index = from; index < to;) {
    const option = options.get(wordOf(args[index]));
    if (option === undefined) return WRITE_BOTH;
    const [values, decided] = option;
    sum = worse(sum, typeof decided === "function" ? decided(args[index + 1], args) : decided);
    index += 1 + values;
  }
  return sum;
}

/** A write whose options start at index `from`: as safe as the least safe option, unsafe with an unlisted one. */
export function options(from: number, known: Options): Rule {
  const table = new Map(Object.entries(known));
  return (args) => scan(table, args, from, args.length);
}

/** A write that ends in `FIELDS n` and n groups of `width` arguments; its options stand between index `from` and FIELDS. */
export function fields(from: number, width: number, known: Options): Rule {
  const table = new Map(Object.entries(known));
  return (args) => {
    let at = from;
    while (at < args.length && wordOf(args[at]) !== "fields") at += 1 + (table.get(wordOf(args[at]))?.[0] ?? 0);
    const count = integerOf(args[at + 1]);
    // Anything after the last field would be an option that this scan has not seen.
    if (count === undefined || args.length !== at + 2 + count * width) return WRITE_BOTH;
    return scan(table, args, from, at);
  };
}

/** A write led by the number of its groups of `width` arguments, with the options after the last group. */
export function counted(width: number, known: Options): Rule {
  const table = new Map(Object.entries(known));
  return (args) => {
    const count = integerOf(args[0]);
    const end = count === undefined ? Number.POSITIVE_INFINITY : 1 + count * width;
    return end > args.length ? WRITE_BOTH : scan(table, args, end, args.length);
  };
}

/** Same state and reply, unless the key at `destination` is also read: is it among the arguments from index `from`? */
export function storesInto(destination: number, from: number): Rule {
  return (args) =>
    args.slice(from).some((source) => maybeSameKey(source, args[destination])) ? WRITE_BOTH : WRITE_SAME;
}

/** `then` if any argument from index `from` is one of the words, else `otherwise`. */
export function ifWord(from: number, words: readonly string[], then: Effect, otherwise: Effect): Rule {
  return (args) => (args.slice(from).some((argument) => words.includes(wordOf(argument))) ? then : otherwise);
}

/** `then` if the integer at index `at` passes the test, else `otherwise`. */
export function ifInteger(at: number, test: (value: number) => boolean, then: Effect, otherwise: Effect): Rule {
  return (args) => {
    const value = integerOf(args[at]);
    return value !== undefined && test(value) ? then : otherwise;
  };
}

/** For relative times to live at index 1. Zero or less deletes: answered 1, then 0. */
export const LIVES: Rule = ifInteger(1, (ttl) => ttl > 0, WRITE_SAME, WRITE_REPLY);

/** A condition is asked of one moment; its answer must not come from a later one. */
export const CONDITION: Option = [0, WRITE_REPLY];

export const EXPIRE_CONDITIONS: Options = { nx: CONDITION, xx: CONDITION, gt: CONDITION, lt: CONDITION };
