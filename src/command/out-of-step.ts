/**
 * Commands after which replies no longer belong to the commands that wait for them: the server would stop answering, send
 * what nobody asked for, or speak another protocol. On a connection with others in flight their replies would go to the
 * wrong callers, so these are refused before anything is written.
 */
import { integerOf, wordOf } from "./arguments.js";

/** Why it cannot be sent, and what to do instead; texts that hold nothing of the arguments. */
export interface OutOfStep {
  readonly what: string;
  readonly instead: string;
}

/** What the connection speaks, and how the command comes. */
export interface Footing {
  readonly protocol: 2 | 3;
  readonly inBatch: boolean;
}

const STREAMS: OutOfStep = {
  what: "the server would stream its data in place of replies",
  instead: "Use a connection without this client.",
};

const RULES: Readonly<Record<string, (args: readonly unknown[], on: Footing) => OutOfStep | undefined>> = {
  client: ([subcommand, mode]) =>
    wordOf(subcommand) === "reply" && wordOf(mode) !== "on"
      ? {
          what: "with replies switched off, later replies would go to earlier commands",
          instead: "Ignore the reply instead.",
        }
      : undefined,
  hello: ([version], { protocol }) => {
    const wanted = integerOf(version);
    return wanted === undefined || wanted === protocol
      ? undefined
      : {
          what: "replies that are under way would come in another protocol",
          instead: "Choose the protocol with the `protocol` option.",
        };
  },
  monitor: () => ({
    what: "what other clients send would come in place of replies",
    instead: "Use `redis.monitor()`, which has a connection of its own.",
  }),
  psync: () => STREAMS,
  replconf: ([subcommand]) =>
    wordOf(subcommand) === "ack"
      ? { what: "the server does not answer it", instead: "Only a replica has a use for it." }
      : undefined,
  reset: (_, { inBatch }) =>
    inBatch
      ? {
          what: "what follows it in a batch would run without its user and in another database",
          instead: "Send RESET on its own.",
        }
      : undefined,
  script: ([subcommand, mode]) =>
    wordOf(subcommand) === "debug" && wordOf(mode) !== "no"
      ? { what: "a debugged script answers more than once", instead: "Use `redis-cli --ldb`." }
      : undefined,
  sync: () => STREAMS,
};

/** What is wrong with sending the command, its name in lower case; `undefined` for all that answer once and in turn. */
export function outOfStep(name: string, args: readonly unknown[], on: Footing): OutOfStep | undefined {
  return RULES[name]?.(args, on);
}

/** Whether its arguments must be looked at. */
export function mayFallOutOfStep(name: string): boolean {
  return Object.hasOwn(RULES, name);
}
