/**
 * Members of a batch without a promise of their own: nobody but the batch can see it, and it and what hangs on it is a
 * third of what a pipeline allocates. To everybody else a member is a `Command` of ioredis: one that is asked for its promise
 * makes it then. The contract test compares the two, field by field, in both versions of ioredis.
 */
import { Command } from "ioredis";
import type { BatchMember, PipelineInternals } from "./internals.js";

interface CommandInternals {
  stringifyArguments(): void;
  transformReply(reply: unknown): unknown;
}

interface Transformers {
  readonly _transformer: { readonly argument: Readonly<Record<string, ((args: unknown[]) => unknown[]) | undefined>> };
}

const { stringifyArguments } = Command.prototype as unknown as CommandInternals;

// A getter in what is published: read once.
const CommandClass = Command as unknown as Transformers;

/** The promise of a member that was asked for it. */
interface Promised {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Member implements BatchMember {
  // Set in the constructor, in one go: one is made for each command of a batch.
  declare readonly name: string;
  declare inTransaction: boolean;
  declare isTraced: boolean;
  declare isResolved: boolean;
  declare isSettled: boolean;
  declare transformed: boolean;
  declare readonly replyEncoding: BufferEncoding | null;
  declare protocol: number;
  declare replyMapping: string;
  declare readonly errorStack: undefined;
  declare args: unknown[];
  declare readonly callback: undefined;
  declare pipelineIndex: number;
  declare readonly transformReply: (reply: unknown) => unknown;
  readonly #batch: PipelineInternals;
  #promised: Promised | undefined;

  /** @throws what turning an argument into text throws. */
  constructor(batch: PipelineInternals, name: string, args: unknown[], replyEncoding: BufferEncoding | null) {
    this.name = name;
    this.inTransaction = batch._transactions > 0;
    this.isTraced = false;
    this.isResolved = false;
    this.isSettled = false;
    this.transformed = true;
    this.replyEncoding = replyEncoding;
    this.protocol = 2;
    this.replyMapping = "legacy";
    this.errorStack = undefined;
    this.args = args;
    this.callback = undefined;
    this.pipelineIndex = batch._queue.length;
    this.#batch = batch;
    this.#promised = undefined;
    const transformer = CommandClass._transformer.argument[name];
    if (transformer !== undefined || !areTexts(args)) this.#convert(args, transformer);
  }

  #convert(args: unknown[], transformer: ((args: unknown[]) => unknown[]) | undefined): void {
    this.args = args.flat();
    if (transformer !== undefined) this.args = transformer(this.args);
    stringifyArguments.call(this);
  }

  /** Made for who asks. */
  get promise(): Promise<unknown> {
    return (this.#promised ?? this.#promise()).promise;
  }

  #promise(): Promised {
    let settlers: Pick<Promised, "resolve" | "reject"> | undefined;
    const promise = new Promise<unknown>((resolve, reject) => {
      settlers = { resolve, reject };
    });
    // As in ioredis: the batch has the error, and nobody need look at this.
    promise.catch(ignore);
    const promised = (this.#promised = { promise, ...(settlers as unknown as Pick<Promised, "resolve" | "reject">) });
    const outcome = this.isSettled ? this.#batch._result[this.pipelineIndex] : undefined;
    if (outcome !== undefined) tell(promised, outcome);
    return promised;
  }

  resolve(reply: unknown): void {
    let value: unknown;
    try {
      value = this.transformReply(reply);
    } catch (error) {
      this.reject(error as Error);
      return;
    }
    this.isResolved = true;
    this.#settle([null, value]);
  }

  reject(error: Error): void {
    this.#settle([error]);
  }

  /** Begins anew, as ioredis does before it sends a batch again. */
  initPromise(): void {
    this.isResolved = this.isSettled = false;
    this.#promised = undefined;
  }

  /** Like a promise, a member settles once: a transaction that is sent again is answered again. */
  #settle(outcome: unknown[]): void {
    if (this.isSettled) return;
    this.isSettled = true;
    if (this.#promised !== undefined) tell(this.#promised, outcome);
    this.#batch.fillResult(outcome, this.pipelineIndex);
  }
}

Object.setPrototypeOf(Member.prototype, Command.prototype);

function tell({ resolve, reject }: Promised, [error, value]: readonly unknown[]): void {
  if (error === null) resolve(value);
  else reject(error as Error);
}

/** All of them are strings. */
function areTexts(args: readonly unknown[]): boolean {
  for (const arg of args) if (typeof arg !== "string") return false;
  return true;
}

function ignore(): void {
  // The outcome is the batch's.
}
