/** How many commands are written and unanswered, and what is to happen once none is. */
export class InFlight {
  /** Written and unanswered. Counted for every command. */
  count = 0;
  /** Somebody waits for the moment when nothing is in flight. Asked for every reply. */
  isAwaited = false;
  #onIdle: (() => void) | undefined = undefined;

  /** A command was answered, given up or lost. */
  leave(): void {
    this.count--;
    if (this.isAwaited) this.settled();
  }

  /** One command less is in flight. */
  settled(): void {
    const run = this.#onIdle;
    if (this.count > 0 || run === undefined) return;
    this.forgetIdle();
    run();
  }

  /** Runs once when nothing is in flight any more, now if nothing is; forgotten with the connection. */
  whenIdle(run: () => void): void {
    if (this.count === 0) run();
    else {
      this.#onIdle = run;
      this.isAwaited = true;
    }
  }

  /** The connection is gone: nothing is to happen any more. */
  forgetIdle(): void {
    this.#onIdle = undefined;
    this.isAwaited = false;
  }
}
