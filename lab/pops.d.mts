type Call = (...command: (string | number)[]) => Promise<unknown>;

/** What became of the elements; each is counted once, under the outcome of the one command that could pop it. */
export interface PopsVerdict {
  readonly pushed: number;
  /** Popped, and given to its caller. */
  readonly delivered: number;
  /** Still in its list. */
  readonly kept: number;
  /** Popped, and its caller was told that the outcome is unknown. */
  readonly reported: number;
  /** Popped, and its caller was told that nothing was, or nothing at all. */
  readonly vanished: number;
  /** Given to its caller and still in its list. */
  readonly twice: number;
  readonly pending: number;
  /** Replies that name another list or element. */
  readonly wrong: number;
}

/** Follows popping commands, each on a list of its own. */
export class Pops {
  follow(pop: (key: string) => Promise<unknown>): Promise<"pending" | "delivered" | "nothing" | "maybe" | "no">;
  feed(call: Call): Promise<number>;
  verdict(call: Call): Promise<PopsVerdict>;
}
