/**
 * One blocking command on its way: its own promise is settled by whichever connection runs it, so it is handed over as
 * ioredis made it. Knows how to notice its end, and how much of its time is left when it has to change connections.
 */
import type { Command } from "ioredis";
import { blockingTimeoutOf, setBlockingTimeout } from "../command/blocking.js";
import { letGo, type CallOptions } from "../command/call.js";
import type { Flow } from "../flow/flow.js";

export class Blocked {
  readonly command: Command;
  readonly options: CallOptions | undefined;
  readonly #block: number;
  #startedAt = 0;

  constructor(command: Command, options: CallOptions | undefined) {
    this.command = command;
    this.options = options;
    this.#block = blockingTimeoutOf(command.name, command.args) ?? 0;
  }

  get name(): string {
    return this.command.name.toLowerCase();
  }

  /**
   * Runs it through a flow. `ended` is told once, before the caller is; when it returns `true` for a reply of null, the
   * command is about to run elsewhere and its caller hears nothing yet.
   */
  run(flow: Flow, ended: (reply: { readonly isEmpty: boolean }) => boolean): void {
    const { command } = this;
    const { resolve, reject } = command;
    this.#startedAt = performance.now();
    let isOver = false;
    const over = (isEmpty: boolean): boolean => {
      if (isOver) return false;
      isOver = true;
      command.resolve = resolve;
      command.reject = reject;
      return ended({ isEmpty });
    };
    command.resolve = (value: unknown) => {
      if (!over(value === null)) resolve(value);
    };
    command.reject = (error: Error) => {
      over(false);
      reject(error);
    };
    flow.dispatch(command, undefined, this.options);
  }

  /** Before it runs again: takes off what it has already waited. Returns whether any time is left. */
  shorten(): boolean {
    letGo(this.command);
    if (this.#block === Infinity) return true;
    const left = this.#block - (performance.now() - this.#startedAt);
    if (left < 1) return false;
    setBlockingTimeout(this.command.name, this.command.args, left);
    return true;
  }

  reject(error: unknown): void {
    this.command.reject(error as Error);
  }
}
