/** A process that can be stopped and goes on: what reaches it meanwhile waits. */
export abstract class Process {
  #isFrozen = false;
  #backlog: (() => void)[] = [];

  abstract note(text: string): void;

  get isStopped(): boolean {
    return this.#isFrozen;
  }

  /** Runs at once, or when the process goes on. */
  whenRunning(act: () => void): void {
    if (this.#isFrozen) this.#backlog.push(act);
    else act();
  }

  freeze(): void {
    this.note("stops (SIGSTOP)");
    this.#isFrozen = true;
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.note("goes on");
    for (const act of this.forget()) act();
  }

  /** It is not stopped any more. Returns what waited for that, and forgets it. */
  protected forget(): readonly (() => void)[] {
    const backlog = this.#backlog;
    this.#isFrozen = false;
    this.#backlog = [];
    return backlog;
  }
}
