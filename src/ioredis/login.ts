/**
 * The user that a caller logged in as on a running connection. ioredis logs in with the options again after a reconnect: what
 * follows would run as somebody else, with more rights perhaps.
 */
import type { Command } from "ioredis";
import { wordOf } from "../command/arguments.js";
import type { RedisInternals } from "./internals.js";

/** As ioredis keeps them: a password, or a user and a password. */
type Credentials = string | readonly [string, string];

export class Login {
  readonly #redis: RedisInternals;
  /** The last ones that the server took; none while the options' own hold. */
  #taken: Credentials | undefined = undefined;

  constructor(redis: RedisInternals) {
    this.#redis = redis;
  }

  /** A connection begins, and its handshake is about to log in. */
  connected(): void {
    const { condition } = this.#redis;
    if (condition !== null && this.#taken !== undefined) condition.auth = this.#taken;
  }

  /** A command is about to be written that may log in, or out. */
  sending(command: Command): void {
    if (this.#redis.status !== "ready") return;
    const name = command.name.toLowerCase();
    const credentials = name === "reset" ? undefined : credentialsOf(name, command.args);
    if (credentials === undefined && name !== "reset") return;
    const { resolve } = command;
    command.resolve = (reply: unknown) => {
      // Inside a MULTI it is put off, and may never happen.
      if (String(reply) !== "QUEUED") this.#taken = credentials;
      resolve.call(command, reply);
    };
  }
}

function credentialsOf(name: string, args: readonly unknown[]): Credentials | undefined {
  const at = name === "auth" ? 0 : name === "hello" ? args.findIndex((arg) => wordOf(arg) === "auth") + 1 : -1;
  if (at < 0 || (name === "hello" && at === 0)) return undefined;
  const [first, second] = args.slice(at, at + 2).map(String);
  if (first === undefined) return undefined;
  return second === undefined ? first : [first, second];
}
