/**
 * The database that a client is on. ioredis takes every SELECT for granted when it writes it and restores the last one after a
 * reconnect, also one that the server refused or that a MULTI took along when it was discarded. This corrects it.
 */
import type { Command } from "ioredis";
import type { RedisInternals } from "./internals.js";

interface Pending {
  readonly command: Command;
  readonly database: number;
  /** It runs with its MULTI, if that runs. */
  isQueued: boolean;
}

export class SelectedDatabase {
  readonly #redis: RedisInternals;
  /** What the server has confirmed last, on this connection or the one before. */
  #confirmed: number | undefined = undefined;
  /** Sent and not decided, oldest first. */
  #pending: Pending[] = [];

  constructor(redis: RedisInternals) {
    this.#redis = redis;
  }

  /** Where a command that is issued now belongs; between two connections, where it will go on the next one. */
  get current(): number {
    const { condition, prevCondition, options } = this.#redis;
    return prevCondition?.select ?? condition?.select ?? options.db ?? 0;
  }

  /** A connection begins: its handshake selects what was selected on the last one, so that nothing is served elsewhere. */
  connected(): void {
    const { condition, prevCondition } = this.#redis;
    if (condition !== null && prevCondition) condition.select = prevCondition.select;
  }

  /** The handshake is over. */
  ready(): void {
    this.#pending = [];
    this.#confirmed = this.#redis.condition?.select;
  }

  /** The server refuses for good what the handshake selects. What it never confirmed is not tried again. */
  refused(): void {
    const { prevCondition } = this.#redis;
    if (prevCondition && this.#confirmed !== undefined) prevCondition.select = this.#confirmed;
  }

  /** A command is about to be written that may change the database, or decide about a change. */
  sending(command: Command): void {
    if (this.#redis.status !== "ready") return;
    const name = command.name.toLowerCase();
    switch (name) {
      case "select": {
        const database = Number(command.args[0]);
        if (!Number.isInteger(database)) return;
        // ioredis knows it in lower case only, and would go on in the database before.
        command.name = name;
        const pending: Pending = { command, database, isQueued: false };
        this.#pending.push(pending);
        this.#listen(command, (reply) => {
          if (String(reply) === "QUEUED") pending.isQueued = true;
          else this.#decide([pending], !(reply instanceof Error));
        });
        break;
      }
      case "exec":
      case "discard": {
        if (this.#pending.length === 0) return;
        this.#listen(command, (reply) => {
          const queued = this.#pending.filter(({ isQueued }) => isQueued);
          const done = Array.isArray(reply) && !reply.some(isRefusedSelect);
          // DISCARD outside a MULTI and EXEC outside one find nothing queued.
          this.#decide(queued, name === "exec" && done);
        });
        break;
      }
      case "reset":
        this.#listen(command, (reply) => {
          if (reply instanceof Error) return;
          // The connection is replaced by one that is as the options say.
          this.#confirmed = this.#redis.options.db ?? 0;
          this.#decide(
            this.#pending.filter(({ isQueued }) => isQueued),
            false,
          );
        });
    }
  }

  /** A command was not written after all; the database was `before`. ioredis has taken it for a SELECT that was. */
  unsent(command: Command, before: number): void {
    this.#pending = this.#pending.filter((one) => one.command !== command);
    const { condition } = this.#redis;
    if (condition !== null) condition.select = before;
  }

  #decide(pending: readonly Pending[], isDone: boolean): void {
    const last = pending.at(-1);
    if (isDone && last !== undefined) this.#confirmed = last.database;
    this.#pending = this.#pending.filter((one) => !pending.includes(one));
    const { condition } = this.#redis;
    const believed = this.#pending.at(-1)?.database ?? this.#confirmed;
    if (condition !== null && believed !== undefined) condition.select = believed;
  }

  /** Hears the reply first, whoever carries the command. What is lost with its connection is not heard of. */
  #listen(command: Command, heard: (reply: unknown) => void): void {
    const { stream } = this.#redis;
    const { resolve, reject } = command;
    const isOurs = (): boolean => this.#redis.stream === stream && this.#redis.status === "ready";
    command.resolve = (value: unknown) => {
      if (isOurs()) heard(value);
      resolve.call(command, value);
    };
    command.reject = (error: Error) => {
      if (isOurs()) heard(error);
      reject.call(command, error);
    };
  }
}

function isRefusedSelect(reply: unknown): boolean {
  return reply instanceof Error && /DB index|SELECT/i.test(reply.message);
}
