/**
 * Logs a connection in anew through ioredis's own queue of commands, where that disturbs nothing. A RESP2 connection that is
 * subscribed takes no AUTH: it leaves its channels, logs in and comes back in one write, which a server carries out in one go.
 */
import type { Command } from "ioredis";
import { Command as IORedisCommand } from "ioredis";
import { blockingTimeoutOf } from "../command/blocking.js";
import { factsOf } from "../command/facts.js";
import type { Login } from "../credentials/login.js";
import type { LiveConnection } from "../credentials/source.js";
import type { RedisInternals } from "./internals.js";
import type { ConnectionLogin } from "./login.js";

/** What the engine knows of the MULTI on a connection. */
export interface TransactionWatch {
  readonly isInMulti: boolean;
  /** Calls `run` once when none is open any more, and its end was written. */
  whenOutOfMulti(run: () => void): void;
}

export interface LiveLoginParts {
  readonly redis: RedisInternals;
  readonly login: ConnectionLogin;
  /** Knows whether a MULTI is open. */
  readonly session: TransactionWatch;
  /** Writes a command of our own. Settles with its reply. */
  send(command: Command): Promise<unknown>;
  /** Notes when a command of our own was written, past `send`. */
  asking(command: Command): void;
  /** Calls `run` once when the reply that is due next has come. */
  whenNextReply(run: () => void): void;
  /** The subscriptions have ended, and these commands begin them again. */
  resubscribing(commands: readonly Command[]): void;
  replace(): void;
}

const KINDS = ["subscribe", "psubscribe", "ssubscribe"] as const;
/** Whoever logs in, or out, by himself. */
const LOGINS: ReadonlySet<string> = new Set(["auth", "hello", "reset"]);

export class LiveLogin implements LiveConnection {
  readonly #parts: LiveLoginParts;
  readonly #redis: RedisInternals;

  constructor(parts: LiveLoginParts) {
    this.#parts = parts;
    this.#redis = parts.redis;
  }

  obstacle(): "none" | "reply" | "transaction" | "never" {
    const { status, stream, options, commandQueue } = this.#redis;
    if (status !== "ready" || stream?.writable !== true || options.monitor === true) return "never";
    if (this.#parts.login.taken !== undefined) return "never";
    if (this.#parts.session.isInMulti) return "transaction";
    if (this.#isResp2Subscriber) return commandQueue.length > 0 ? "reply" : "none";
    return commandQueue.toArray().some(({ command }) => this.#mustEnd(command)) ? "reply" : "none";
  }

  async logIn(login: Login): Promise<void> {
    const command = this.#parts.login.command(login.auth);
    const reply = await (this.#isResp2Subscriber ? this.#amidSubscriptions(command) : this.#parts.send(command));
    // The server is in a MULTI that nobody here knows of.
    if (String(reply) === "QUEUED") this.#parts.replace();
    this.#parts.login.renewed(login);
  }

  whenPast(obstacle: "reply" | "transaction", run: () => void): void {
    if (obstacle === "transaction") this.#parts.session.whenOutOfMulti(run);
    else this.#parts.whenNextReply(run);
  }

  replace(): void {
    this.#parts.replace();
  }

  get #isResp2Subscriber(): boolean {
    const { condition } = this.#redis;
    return Boolean(condition?.subscriber) && condition?.protocol !== 3;
  }

  #mustEnd({ name, args }: Command): boolean {
    if (blockingTimeoutOf(name, args) !== undefined || LOGINS.has(name.toLowerCase())) return true;
    // In RESP2 nothing but subscriptions may follow it.
    return factsOf(name).dispatch === "subscription" && this.#redis.condition?.protocol !== 3;
  }

  /** ioredis refuses AUTH while it is subscribed, so this goes past it, into its queue of what is written. */
  #amidSubscriptions(auth: Command): Promise<unknown> {
    const { condition, stream, commandQueue } = this.#redis;
    const set = condition?.subscriber;
    if (!set || stream === undefined) return Promise.resolve();
    const kinds = KINDS.map((kind) => [kind, set.channels(kind)] as const).filter(
      ([, channels]) => channels.length > 0,
    );
    const leave = kinds.map(([kind, channels]) => new IORedisCommand(kind.replace("sub", "unsub"), [...channels]));
    // Shard channels may lie in different slots: one at a time, as ioredis restores them.
    const back = kinds.flatMap(([kind, channels]) =>
      (kind === "ssubscribe" ? channels.map((one) => [one]) : [channels]).map(
        (some) => new IORedisCommand(kind, [...some]),
      ),
    );
    const commands = [...leave, auth, ...back];
    const bytes = commands.map((command) => {
      (command as { setReplyContext?: (context: unknown) => void }).setReplyContext?.(condition);
      return Buffer.from(command.toWritable(stream));
    });
    stream.write(Buffer.concat(bytes));
    for (const command of commands) {
      this.#parts.asking(command);
      commandQueue.push({ command, select: condition.select });
    }
    for (const command of leave) command.promise.catch(ignore);
    this.#parts.resubscribing(back);
    return auth.promise;
  }
}

function ignore(): void {
  // Whether the subscriptions are back is seen to elsewhere.
}
