/**
 * The pipeline that ioredis makes of the commands of one turn (`enableAutoPipelining`). It keeps the callers in a list
 * beside the queue of commands, and enters a caller before it makes the command: when making it throws, the list is one
 * longer than the queue, and every later caller would be given the reply of the one before. So the two are kept in step.
 */
import { IoredoubtError } from "../failure/errors.js";
import type { Flaw } from "../engine/ports.js";
import type { PipelineInternals } from "./internals.js";

type Callback = (error: Error | null, value?: unknown) => void;

export class AutomaticBatch {
  readonly #pipeline: PipelineInternals;
  /** ioredis's own list; it takes it off the pipeline before it executes it. */
  #callers: Callback[] | undefined = undefined;

  constructor(pipeline: PipelineInternals) {
    this.#pipeline = pipeline;
    const { exec } = pipeline;
    pipeline.exec = (callback) => {
      if (callback === undefined || this.#key() === undefined) return exec.call(pipeline, callback);
      this.#drop(pipeline._queue.length);
      // All who called have been told why, and there is no reply for any of them.
      if (pipeline._queue.length === 0) callback(new Error(NOTHING_SENT));
      return exec.call(pipeline, pipeline._queue.length === 0 ? undefined : callback);
    };
  }

  /** Whether ioredis made it, and not a caller. */
  get isOne(): boolean {
    return this.#key() !== undefined;
  }

  /** A command is about to be queued; its caller was entered just before. */
  joins(): void {
    this.#callers ??= this.#find();
    const callers = this.#callers;
    if (callers === undefined) return;
    const caller = callers.pop();
    this.#drop(this.#pipeline._queue.length);
    if (caller !== undefined) callers.push(caller);
  }

  /** Refuses the command that was about to be queued: its caller alone is told. */
  refuse({ command, what }: Flaw): never {
    this.#callers?.pop();
    throw new IoredoubtError(
      "ARGUMENT_INVALID",
      `${command.toUpperCase()} was not sent: ${what}. Pass strings, numbers or Buffers.`,
      { command },
    );
  }

  /** Callers without a command have had an exception for an answer. */
  #drop(from: number): void {
    if (this.#callers !== undefined && this.#callers.length > from) this.#callers.length = from;
  }

  #find(): Callback[] | undefined {
    const key = this.#key();
    const value: unknown = key === undefined ? undefined : (this.#pipeline as unknown as Record<symbol, unknown>)[key];
    return Array.isArray(value) ? (value as Callback[]) : undefined;
  }

  #key(): symbol | undefined {
    return Object.getOwnPropertySymbols(this.#pipeline).find(({ description }) => description === "callbacks");
  }
}

const NOTHING_SENT = "no command of this turn could be sent";
