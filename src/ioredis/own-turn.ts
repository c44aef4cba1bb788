/**
 * Tells what ioredis sends on its own behalf from what its caller sends: ioredis has no mark for it and calls the same public
 * methods. But it sends only in a few turns, each of them synchronous and free of the caller's code, whose beginning and end
 * can be seen from outside. What is sent in between is ioredis's own, whatever its name; everything else is the caller's.
 */
export class OwnTurn {
  #isOn = false;
  /** Counts the turns: the end of an earlier one must not end a later one. */
  #turn = 0;
  /** What the handshake consisted of. */
  #handshake: string[] = [];
  /** What this turn will send, where that is known beforehand. */
  #expected: string[] | undefined = undefined;

  /** ioredis is about to send the handshake. */
  beginHandshake(): void {
    this.begin();
    this.#handshake = [];
  }

  begin(): void {
    this.#isOn = true;
    this.#expected = undefined;
    const turn = ++this.#turn;
    // Whatever happens, a turn ends before the event loop goes on.
    process.nextTick(() => {
      if (turn === this.#turn) this.end();
    });
  }

  /**
   * The server does not know RESP3, and ioredis is about to send the handshake once more without HELLO. This turn has an end
   * that nobody reports, but what it sends is known.
   */
  beginAgain(hasAuth: boolean): void {
    const expected = this.#handshake.flatMap((name) => (name !== "hello" ? [name] : hasAuth ? ["auth"] : []));
    if (expected.length === 0) return;
    this.#isOn = true;
    this.#expected = expected;
    const turn = ++this.#turn;
    queueMicrotask(() => {
      if (turn === this.#turn) this.end();
    });
  }

  end(): void {
    this.#isOn = false;
    this.#expected = undefined;
  }

  /** Whether the command that is being sent is ioredis's own. */
  owns(name: string): boolean {
    if (!this.#isOn) return false;
    if (this.#expected === undefined) {
      this.#handshake.push(name);
      return true;
    }
    const isExpected = this.#expected.shift() === name;
    if (!isExpected || this.#expected.length === 0) this.end();
    return isExpected;
  }

  /** Listeners and tracers that a command calls are the caller's, also in a turn of ioredis's. */
  outside(act: () => void): void {
    const isOn = this.#isOn;
    this.#isOn = false;
    try {
      act();
    } finally {
      this.#isOn = isOn;
    }
  }

  /** Runs what sends a command of our own through ioredis's public methods. */
  within(act: () => void): void {
    this.#isOn = true;
    try {
      act();
    } finally {
      this.end();
    }
  }
}
