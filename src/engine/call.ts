/**
 * One command's life from the caller to its settlement. A `Call` replaces the command's `resolve` and `reject`, so that
 * ioredis's promise, callbacks, reply transformers, pipelines and MULTI keep working while this package decides when
 * the command is settled. Its state changes here and nowhere else; who asks for a change is its `CallOwner`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Command } from "ioredis";
import type { CommandFacts } from "../command/facts.js";
import type { Batch } from "./batch.js";
import type { BatchStream, CallOptions } from "./ports.js";
import type { TransactionContext } from "./session-state.js";

/**
 * `waiting` in a queue → `sent` to the connection → `settled`. `lost`: its connection closed, or its batch was refused, and
 * its fate is being decided. `settling`: the reply is being transformed, which may still throw.
 */
export type CallState = "waiting" | "sent" | "lost" | "settling" | "settled";

/** A list that a call is in, and can be taken out of. */
export interface CallList {
  remove(call: Call): void;
}

/** Hears what becomes of the calls that it made. */
export interface CallOwner {
  replied(call: Call, value: unknown): void;
  failed(call: Call, error: Error): void;
  /** Gives the call up to whoever carries it on, whatever its state. */
  handOver(call: Call): Handover;
}

export class Call {
  readonly owner: CallOwner;
  readonly command: Command;
  readonly facts: CommandFacts;
  /** ioredis's stream of the pipeline or transaction that this command is a member of; none once it is resent alone. */
  stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly startedAt: number;
  /** How often it was handed to a socket. */
  attempts = 0;
  sentAt = 0;
  /** Bytes it is counted with while it waits, or while its reply is due. */
  bytes = 0;
  batch: Batch<Call> | undefined = undefined;
  /** What it stands for, with all others that are carried with it. */
  carrier: Carrier | undefined = undefined;
  /** The database it was sent to, once its connection was lost or the server refused it. */
  database: number | undefined = undefined;
  /** State of its connection that it was sent to count on; sent on another one it would run without it. */
  transaction: TransactionContext | undefined = undefined;
  /** It waits to be sent once more: lost with its connection, or refused for a passing reason. */
  goesAgain = false;
  /** How often it was lost with its connection. */
  losses = 0;
  /** How often a server has named another one for it. */
  redirects = 0;
  /** It is let in where its slot is only arriving: the server is told to expect it. */
  isAsking = false;
  /** Its place among all calls of this process, as they were issued. It may wrap: compare with `byOrder`. */
  order: number;
  // Links of the deadline list, kept here so that arming a deadline allocates nothing.
  expiresAt = Infinity;
  /** By so many milliseconds, in which this process stood still, it is later than it was at first. */
  givenBack = 0;
  list: CallList | undefined = undefined;
  previous: Call | undefined = undefined;
  next: Call | undefined = undefined;
  /** Its place in the heap of rarer deadlines, if it is there. */
  place = 0;
  #state: CallState = "waiting";
  #onSettled: (() => void) | undefined = undefined;
  #onAnswered: (() => void) | undefined = undefined;
  /** What an agent needs to know of this call; absent without one. */
  #hearing: Hearing | undefined = undefined;
  /** That of the code that issued it, where it had to wait and somebody will ask. */
  #context: Hearing["context"] | undefined = undefined;
  /** As ioredis made them, or a batch: some count on their command being `this`. */
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: Error) => void;

  constructor(
    owner: CallOwner,
    command: Command,
    facts: CommandFacts,
    stream: BatchStream | undefined,
    options: CallOptions | undefined,
    now: number,
    order: number = reserveOrders(1),
  ) {
    this.owner = owner;
    this.command = command;
    this.facts = facts;
    this.stream = stream;
    this.options = options;
    this.startedAt = now;
    this.order = order;
    this.#resolve = command.resolve;
    this.#reject = command.reject;
    (command as Carried)[CALL] = this;
    this.takeOver();
  }

  /**
   * A subscription is a wish about the connection, whichever that will be: neither a circuit nor the usual deadline ends it, and one
   * that is lost is sent again. In a batch it shares the batch's fate.
   */
  get isWish(): boolean {
    return this.facts.dispatch === "subscription" && this.stream === undefined && this.options?.deadline === undefined;
  }

  get state(): CallState {
    return this.#state;
  }

  /** An earlier send was lost with its connection, so it may have been executed whatever becomes of it now. */
  get isUncertain(): boolean {
    return this.losses > 0;
  }

  /** Written, or with a batch that decides its fate: nothing is certain about it any more. */
  get isInFlight(): boolean {
    return this.#state === "sent" || this.#state === "lost";
  }

  /** Puts our `resolve` and `reject` on the command, at first sight and before every resend. */
  takeOver(): void {
    const { command } = this;
    if (isInstrumented()) {
      const { resolve, reject } = (this.#hearing ??= this.#heardFromNowOn());
      command.resolve = resolve;
      command.reject = reject;
    } else {
      command.resolve = resolveShared;
      command.reject = rejectShared;
    }
  }

  /** An agent has seen this command being sent, and waits for its end. */
  get isHeard(): boolean {
    return this.#hearing !== undefined && this.#hearing.agents.length > 0;
  }

  /** Runs `send` in the context of the code that issued the command, where an agent looks for it. */
  inContext<T>(send: () => T): T {
    const context = this.#hearing?.context ?? this.#context;
    return context === undefined ? send() : context(send);
  }

  /**
   * It was sent through an agent, which has put its own `resolve` and `reject` before ours. They are kept to hear how the call ends,
   * and ours go first: an error reply after which the command is sent again, or a late reply, is no end.
   */
  heard(): void {
    const { command } = this;
    const hearing = this.#hearing;
    if (hearing === undefined || command.resolve === hearing.resolve) return;
    if (this.#state !== "settled") hearing.agents.push({ resolve: command.resolve, reject: command.reject });
    command.resolve = hearing.resolve;
    command.reject = hearing.reject;
  }

  #heardFromNowOn(): Hearing {
    const { owner } = this;
    const hearing: Hearing = {
      context: AsyncLocalStorage.snapshot(),
      agents: [],
      isTelling: false,
      // What an agent passes on when it is told how the call ended is known already.
      resolve: (value: unknown) => {
        if (!hearing.isTelling) owner.replied(this, value);
      },
      reject: (error: Error) => {
        if (!hearing.isTelling) owner.failed(this, error);
      },
    };
    return hearing;
  }

  /** Tells agents how the call ends. */
  #tell(tell: (agent: Ends) => void): void {
    const hearing = this.#hearing;
    if (hearing === undefined || hearing.agents.length === 0) return;
    hearing.isTelling = true;
    for (const agent of hearing.agents.splice(0)) {
      try {
        tell(agent);
      } catch {
        // An agent's fault is not the caller's.
      }
    }
    hearing.isTelling = false;
  }

  /** An agent knows only of what is sent. It hears of what this client refused as well, as it would of what ioredis refuses. */
  #tellUnsent(error: Error): void {
    const hearing = this.#hearing;
    if (hearing === undefined || this.isHeard) return;
    hearing.isTelling = true;
    try {
      hearing.context(() => tellUnsent(this.owner, this.command, error));
    } catch {
      // An agent's fault is not the caller's.
    }
    hearing.isTelling = false;
  }

  wait(): void {
    this.#state = "waiting";
    if (this.attempts === 0 && isTraced()) this.#context ??= AsyncLocalStorage.snapshot();
  }

  send(now: number): void {
    this.#state = "sent";
    this.attempts++;
    this.sentAt = now;
  }

  /** It was not written after all. */
  unsend(): void {
    this.#state = "waiting";
    this.attempts--;
  }

  /** Its connection closed, or its batch was refused: its fate is being decided. */
  lose(): void {
    this.#state = "lost";
  }

  /** Its reply had come, and had been passed on, before there was a call. */
  passed(at: number): void {
    this.send(at);
    this.#state = "settled";
  }

  /** Ends the call unless it has ended; the command itself is still to be told. Returns whether it did. */
  close(): boolean {
    if (this.#state === "settled") return false;
    this.list?.remove(this);
    this.#state = "settled";
    this.#notify();
    return true;
  }

  /** Passes a reply on to ioredis, which transforms it: what that throws rejects the command. */
  settleWith(value: unknown): void {
    this.#state = "settling";
    this.#tell(({ resolve }) => resolve.call(this.command, value));
    this.#resolve.call(this.command, value);
    this.#state = "settled";
    this.#notify();
  }

  /** Rejects the command itself. */
  rejectCommand(error: Error): void {
    if (this.attempts === 0 && this.stream === undefined) this.#tellUnsent(error);
    this.#tell(({ reject }) => reject.call(this.command, error));
    this.#reject.call(this.command, error);
  }

  /** Calls `run` once when the reply has come or can no longer come, also after the caller gave up. */
  whenAnswered(run: () => void): void {
    this.#onAnswered = chained(this.#onAnswered, run);
  }

  /** The reply has come, or can no longer come. */
  answered(): void {
    const run = this.#onAnswered;
    if (run === undefined) return;
    this.#onAnswered = undefined;
    run();
  }

  /** Calls `run` once when the call has settled, however; in the order of asking. */
  whenSettled(run: () => void): void {
    this.#onSettled = chained(this.#onSettled, run);
  }

  /** What another engine needs to carry the call on as the same one. Taken before it is detached. */
  handover(): Handover {
    const { command, stream, options, startedAt, order, attempts, goesAgain, losses, redirects } = this;
    const expiresAt = this.expiresAt - this.givenBack;
    return { command, stream, options, startedAt, order, attempts, goesAgain, losses, redirects, expiresAt };
  }

  /** Its slot has arrived where it waits: it is served there like any other, for as long as the slot stays. */
  arrived(): void {
    this.isAsking = false;
  }

  /** It carries on with what its command has taken along. */
  unpack(): void {
    const luggage = luggageOf(this.command);
    if (luggage === undefined) return;
    this.isAsking = luggage.isAsking;
    this.redirects = luggage.redirects;
  }

  /** It carries on what another call began. */
  continue({ order, attempts, goesAgain, losses, redirects }: Handover): void {
    this.order = order;
    this.attempts = attempts;
    this.goesAgain = goesAgain;
    this.losses = losses;
    this.redirects = redirects;
  }

  /** Gives the command back as ioredis made it, so that another engine can make a call of its own for it. */
  detach(): void {
    this.close();
    this.command.resolve = this.#resolve;
    this.command.reject = this.#reject;
    (this.command as Carried)[CALL] = undefined;
  }

  #notify(): void {
    const run = this.#onSettled;
    if (run === undefined) return;
    this.#onSettled = undefined;
    run();
  }
}

/** A call on its way from one engine to another. */
export interface Handover {
  readonly command: Command;
  readonly stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly startedAt: number;
  readonly order: number;
  readonly attempts: number;
  readonly goesAgain: boolean;
  readonly losses: number;
  readonly redirects: number;
  /** When its time is over, on the monotonic clock, if this process never stood still. */
  readonly expiresAt: number;
}

/** What a blocking command takes along to another server: it gets a call of its own there, behind a router. */
export interface Luggage {
  /** Its slot is still arriving there. */
  readonly isAsking: boolean;
  readonly redirects: number;
  /** When it would have been issued, had it not blocked elsewhere: what it has waited until now counts. */
  readonly since?: number | undefined;
}

/** How a command is told of its end. */
interface Ends {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A call of which agents hear. */
interface Hearing extends Ends {
  /** Runs something where the command was issued. */
  readonly context: <T>(run: () => T) => T;
  /** What they put on the command, in the order of its sends. */
  readonly agents: Ends[];
  isTelling: boolean;
}

let issued = 0;

/** Takes as many places as there are calls, in their order; returns the first. An integer of 32 bits, which costs no allocation. */
export function reserveOrders(calls: number): number {
  const first = (issued + 1) | 0;
  issued = (issued + calls) | 0;
  return first;
}

/** The place of the call that was issued last. */
export function lastOrder(): number {
  return issued;
}

/** Whether the call was issued at this place or before it. */
export function isUpTo(call: Call, order: number): boolean {
  return ((call.order - order) | 0) <= 0;
}

/** Negative if the first call was issued before the second: a comparison for sorting. */
export function byOrder(one: Call, other: Call): number {
  return (one.order - other.order) | 0;
}

function chained(before: (() => void) | undefined, run: () => void): () => void {
  if (before === undefined) return run;
  return () => {
    before();
    run();
  };
}

const CALL = Symbol("ioredoubt.call");
const CARRIER = Symbol("ioredoubt.carrier");
const LUGGAGE = Symbol("ioredoubt.luggage");
type Carried = Command & { [CALL]?: Call | undefined; [CARRIER]?: Carrier; [LUGGAGE]?: Luggage };

/** A blocking command goes to another server with this; what it has already stays. */
export function takeAlong(command: Command, luggage: Partial<Luggage>): void {
  const carried: Carried = command;
  carried[LUGGAGE] = { isAsking: false, redirects: 0, ...carried[LUGGAGE], ...luggage };
}

/** What it has taken along, if it was sent on. */
export function luggageOf(command: Command): Luggage | undefined {
  return (command as Carried)[LUGGAGE];
}

/** What carries commands together, without a call for each of them until somebody asks for one. */
export interface Carrier {
  readonly sentAt: number;
  /** Each of its commands has a call. */
  readonly isExpanded: boolean;
  /** Makes the calls of its commands. */
  expand(): void;
}

/** The call that carries this command, if it came through this package. Where many are carried together, it is made now. */
export function callOf(command: Command): Call | undefined {
  const carried: Carried = command;
  const call = carried[CALL];
  const carrier = call === undefined ? carried[CARRIER] : call.carrier;
  if (carrier === undefined || carrier.isExpanded) return call;
  carrier.expand();
  return carried[CALL];
}

/** When this command was sent, if it came through this package, on the monotonic clock. */
export function sentAtOf(command: Command): number | undefined {
  const { [CALL]: call, [CARRIER]: carrier }: Carried = command;
  return (call ?? carrier)?.sentAt;
}

/** From now on a command is carried together with others. */
export function carryWith(carrier: Carrier, command: Command): void {
  (command as Carried)[CARRIER] = carrier;
}

/** Whether ioredis could not encode the command: then it has no `reject`. Asked for every command. */
export function isUnencodable(command: Command): boolean {
  const { reject, name } = command as { readonly reject?: unknown; readonly name: unknown };
  return reject === undefined || typeof name !== "string";
}

let isInstrumented = (): boolean => false;
let isTraced = (): boolean => false;
let tellUnsent: (owner: CallOwner, command: Command, error: Error) => void = () => undefined;

/**
 * Says how to tell whether somebody wraps what the connection sends. The shared settlers find their call through `this`,
 * which costs no closure a command; instrumentation calls them without it, so an instrumented command gets bound ones.
 * `unsent` lets it know of a command that was refused before it was sent. `traced`: somebody listens to what ioredis publishes of each command
 * when it is written, and looks for its caller's context then.
 */
export function bindWhen(instrumented: () => boolean, unsent: typeof tellUnsent, traced: () => boolean): void {
  isInstrumented = instrumented;
  isTraced = traced;
  tellUnsent = unsent;
}

function resolveShared(this: Carried, value: unknown): void {
  const call = this[CALL];
  if (call !== undefined) call.owner.replied(call, value);
}

function rejectShared(this: Carried, error: Error): void {
  const call = this[CALL];
  if (call !== undefined) call.owner.failed(call, error);
}

/** Payload of a command in bytes, protocol overhead included, for queue accounting. Strings count as one byte a character. */
export function bytesOf(command: Command): number {
  let bytes = command.name.length + 16;
  for (const arg of command.args) {
    bytes += 16 + (typeof arg === "string" || Buffer.isBuffer(arg) ? arg.length : 16);
  }
  return bytes;
}
