/**
 * Pipelines and MULTI batches that make their members without promises and hand them over whole. To everybody else they are
 * ioredis's: what they do not do themselves (callbacks, scripts, another way of sending) ioredis's own methods do, which they
 * inherit. The contract test compares their fields, the parity tests what they do.
 */
import { Command, Pipeline } from "ioredis";
import type { BatchStream, Dispatcher } from "../engine/ports.js";
import { sendAdded } from "./executed-again.js";
import { addHanded } from "./handed-members.js";
import type { BatchMember, PipelineInternals } from "./internals.js";
import { Member } from "./member.js";
import { WholeStream } from "./whole-stream.js";

type Callback = (error: Error | null, results?: unknown) => void;
type Outcome = readonly [error: Error & { previousErrors?: unknown[] }] | readonly [error: null, value: unknown];
type Make = (this: unknown, ...args: unknown[]) => unknown;

/** What batches look at of the client that makes them. */
export interface BatchClient {
  readonly options: unknown;
  readonly scriptsSet: Readonly<Record<string, { readonly sha: string }>>;
  readonly addedBuiltinSet: ReadonlySet<string>;
  sendCommand(command: Command, stream?: BatchStream): unknown;
}

const theirs = Pipeline.prototype as unknown as Readonly<Record<string, Make>> & { getBuiltinCommands(): string[] };
const execTheirs = theirs["exec"] as Make;
const multiTheirs = theirs["multi"] as Make;
const execBufferTheirs = theirs["execBuffer"] as Make;

/** ioredis's words for a `multi()` whose `exec()` was called before. */
const USED = "Pipeline cannot be used to send any commands when the `exec()` has been called on it.";

/** Nobody has put methods of their own in the place of what is bypassed here. */
export function isPristine(): boolean {
  return theirs["exec"] === execTheirs && theirs["multi"] === multiTheirs;
}

export class QuickBatch {
  declare readonly options: unknown;
  declare readonly scriptsSet: object;
  declare readonly addedBuiltinSet: Set<string>;
  declare readonly redis: BatchClient;
  declare readonly isPipeline: true;
  declare replyPending: number;
  declare readonly _queue: BatchMember[];
  declare readonly _result: unknown[][];
  declare _transactions: number;
  declare readonly _shaToScript: Record<string, unknown>;
  declare readonly isCluster: false;
  declare nodeifiedPromise: true | undefined;
  declare promise: Promise<unknown[]>;
  declare resolve: (results: unknown[]) => void;
  declare reject: (error: Error) => void;
  /** Takes the batch whole; `undefined` once it was offered, or holds what must go by itself. */
  #dispatcher: Dispatcher | undefined;
  /** Members that were handed over. */
  #executed = 0;

  constructor(redis: BatchClient, dispatcher: Dispatcher) {
    this.options = redis.options;
    this.scriptsSet = {};
    this.addedBuiltinSet = new Set();
    this.redis = redis;
    this.isPipeline = true;
    this.replyPending = 0;
    this._queue = [];
    this._result = [];
    this._transactions = 0;
    this._shaToScript = {};
    this.isCluster = false;
    this.#dispatcher = dispatcher;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    for (const name in redis.scriptsSet) this.#adopt(name, redis.scriptsSet[name]);
    if (redis.addedBuiltinSet.size > 0) for (const name of redis.addedBuiltinSet) this.#adopt(name);
  }

  /** What the client was taught, its batches know. */
  #adopt(name: string, script?: { readonly sha: string }): void {
    if (script !== undefined) this._shaToScript[script.sha] = script;
    const methods = this as unknown as Record<string, unknown>;
    const client = this.redis as unknown as Readonly<Record<string, unknown>>;
    for (const method of [name, `${name}Buffer`]) methods[method] = client[method];
  }

  get length(): number {
    return this._queue.length;
  }

  /** A command that was made elsewhere. */
  sendCommand(command: BatchMember): this {
    this.#dispatcher = undefined;
    addHanded(this as unknown as PipelineInternals, command, true);
    return this;
  }

  multi(...args: unknown[]): unknown {
    if (args.length > 0) return multiTheirs.apply(this, args);
    this._transactions++;
    return this.add("multi", args, "utf8", multiTheirs);
  }

  exec(callback?: Callback): unknown {
    if (this._transactions > 0) {
      if (callback !== undefined) return execTheirs.call(this, callback);
      this._transactions--;
      return this.add("exec", [], null, execTheirs);
    }
    const { _queue: queue, redis } = this;
    const executed = this.#executed;
    this.#executed = queue.length;
    if (this.nodeifiedPromise === true) return sendAdded(this, executed);
    if (callback !== undefined) return execTheirs.call(this, callback);
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    if (dispatcher?.dispatchBatch === undefined || queue.length === 0) return execTheirs.call(this);
    this.replyPending = queue.length;
    const stream = new WholeStream(redis as never, queue.length);
    if (!dispatcher.dispatchBatch(queue as unknown as Command[], stream)) return execTheirs.call(this);
    this.nodeifiedPromise = true;
    return this.promise;
  }

  /** Adds a member, or has ioredis make one that has a life of its own. */
  add(name: string, args: unknown[], encoding: BufferEncoding | null, make: Make): unknown {
    const { length } = args;
    if (length > 0 && typeof args[length - 1] === "function") return make.apply(this, args);
    let member: Member;
    try {
      member = new Member(this as unknown as PipelineInternals, name, args, encoding);
    } catch {
      return make.apply(this, args);
    }
    this._queue.push(member);
    return this;
  }
}

export class QuickTransaction extends QuickBatch {
  override exec(callback?: Callback): unknown {
    if (this._transactions > 0) super.exec();
    if (this.nodeifiedPromise === true) return super.exec();
    const promise = (super.exec() as Promise<Outcome[]>).then(resultsOf);
    if (callback !== undefined) tell(promise, callback);
    return promise;
  }

  execBuffer(callback?: Callback): unknown {
    if (this._transactions > 0) execBufferTheirs.call(this);
    return this.exec(callback);
  }
}

/** What EXEC brought, member by member. @throws what it was refused with. */
function resultsOf(outcomes: Outcome[]): Outcome[] | null {
  const last = outcomes.at(-1);
  if (last === undefined) throw new Error(USED);
  const [error, results] = last;
  if (error !== null) {
    error.previousErrors = outcomes.slice(0, -1).flatMap(([refusal]) => refusal ?? []);
    throw error;
  }
  // A WATCH was in vain.
  if (!results) return null;
  return (results as unknown[]).map((result) => (result instanceof Error ? [result] : [null, result]));
}

/** Calls back as ioredis does, from where it does: a command is what it calls back for. */
function tell(promise: Promise<unknown>, callback: Callback): void {
  const carrier = new Command("", [], undefined, callback as never);
  promise.then(
    (results) => carrier.resolve(results),
    (error: unknown) => carrier.reject(error as Error),
  );
}

/** A method that adds a member with this name; `undefined`: the first argument is its name. */
function adding(method: string, name: string | undefined, encoding: BufferEncoding | null): Make {
  const make = theirs[method] as Make;
  if (name !== undefined) {
    return function (this: unknown, ...args) {
      return (this as QuickBatch).add(name, args, encoding, make);
    };
  }
  return function (this: unknown, ...args) {
    const [first] = args;
    if (typeof first !== "string") return make.apply(this, args);
    return (this as QuickBatch).add(first, args.slice(1), encoding, (...rest) => make.call(this, first, ...rest));
  };
}

function inherit({ prototype }: typeof QuickBatch): void {
  Object.setPrototypeOf(prototype, Pipeline.prototype);
  const define = (method: string, value: unknown): void => {
    Object.defineProperty(prototype, method, { value, configurable: true, writable: true });
  };
  define("constructor", Pipeline);
  for (const name of theirs.getBuiltinCommands()) {
    if (!Object.hasOwn(prototype, name)) define(name, adding(name, name, "utf8"));
    // `execBuffer` is more than a command.
    if (name !== "exec") define(`${name}Buffer`, adding(`${name}Buffer`, name, null));
  }
  for (const method of ["call", "send_command"]) define(method, adding(method, undefined, "utf8"));
  define("callBuffer", adding("callBuffer", undefined, null));
}

inherit(QuickBatch);
Object.defineProperty(QuickTransaction.prototype, "constructor", {
  value: Pipeline,
  configurable: true,
  writable: true,
});
