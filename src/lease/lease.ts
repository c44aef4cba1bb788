/** A connection in someone's hands, from the loan to the return. Returning it twice does nothing. */
import { clock } from "../clock.js";
import type { Holder } from "../failure/pool-snapshot.js";

export interface Borrower {
  /** Names the holder in errors and logs; no data of the caller. */
  readonly by: string;
  /** Where it was borrowed; its stack is formatted only if the leak warning needs it. */
  readonly origin?: Error | undefined;
}

export class Lease<C> {
  readonly connection: C;
  readonly borrower: Borrower;
  readonly since: number = clock.now();
  /** Name of the last command sent on it. */
  lastCommand: string | undefined = undefined;
  #giveBack: ((broken: string | undefined) => void) | undefined;
  #isReturned = false;

  constructor(connection: C, borrower: Borrower, giveBack: (broken: string | undefined) => void) {
    this.connection = connection;
    this.borrower = borrower;
    this.#giveBack = giveBack;
  }

  /** Given back by its borrower: somebody else may have the connection now. */
  get isReturned(): boolean {
    return this.#isReturned;
  }

  /** Ends the loan. With a reason, the connection is destroyed instead of cleaned. */
  giveBack(broken?: string): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    this.#isReturned = true;
    giveBack?.(broken);
  }

  /** The connection is gone: there is nothing left to give back. */
  revoke(): void {
    this.#giveBack = undefined;
  }

  holder(now: number): Holder {
    return { by: this.borrower.by, forMs: Math.round(now - this.since), lastCommand: this.lastCommand };
  }
}
