/**
 * Takes blocking commands off the shared connection, so that nothing waits behind them and a push on the same client
 * can wake them. They run on connections of their own; a client that does nothing but block keeps its one connection
 * for it. Order is kept towards what was issued before: that is answered first.
 */
import type { Command } from "ioredis";
import { blockingTimeoutOf } from "../command/blocking.js";
import { factsOf } from "../command/facts.js";
import type { ClientHost } from "../engine/connections.js";
import type { BlockingRouter, CallOptions } from "../engine/ports.js";
import type { LeasePool } from "../lease/lease-pool.js";
import type { Lease } from "../lease/lease.js";
import type { PooledConnection } from "../lease/pooled-connection.js";
import { BlockingCall } from "./blocking-call.js";
import { pinTails } from "./pin-tails.js";
import { SharedConnectionBlock } from "./shared-connection-block.js";

export class DedicatedBlocking implements BlockingRouter {
  readonly #host: ClientHost;
  readonly #whenSettled: () => Promise<void>;
  readonly #pool: LeasePool<PooledConnection>;
  readonly #shared: SharedConnectionBlock;
  /** How long a command may block in one go, in milliseconds. */
  readonly #piece: number;
  /** Handed to the client's own connection: it must not be taken over once more. */
  #staying: Command | undefined = undefined;

  /** `whenSettled` resolves when what callers issued so far is answered, or can no longer be. */
  constructor(host: ClientHost, pool: LeasePool<PooledConnection>, whenSettled: () => Promise<void>) {
    this.#host = host;
    this.#whenSettled = whenSettled;
    this.#pool = pool;
    this.#piece = pieceOf(host);
    this.#shared = new SharedConnectionBlock(host, {
      stay: (command) => (this.#staying = command),
      borrow: (blocked) => this.#borrow(blocked),
      runThere: (blocked, lease) => this.#runOn(blocked, lease),
      runDedicated: (blocked) => void this.#startDedicated(blocked, undefined),
      goOn: (blocked) => void this.#startShared(blocked, undefined),
    });
  }

  divert(command: Command, options: CallOptions | undefined): boolean {
    // WAIT and WAITAOF speak of what was written before them on their own connection: nowhere else would do.
    if (command === this.#staying || typeof factsOf(command.name).lane === "object") return false;
    if (blockingTimeoutOf(command.name, command.args) === undefined) return false;
    if (this.#host.own.engine.session.isInMulti || this.#host.isDedicated()) return false;
    const blocked = new BlockingCall(command, options, this.#piece);
    const isSharedFree = this.#shared.isFree();
    const pinned = this.#pin(blocked);
    const earlier = isSharedFree ? pinned : Promise.all([pinned, this.#whenSettled()]);
    const staysIfPossible = isSharedFree || this.#shared.isMeant;
    // Whoever hands the command over has to let go of it first.
    queueMicrotask(() => {
      blocked.wait(this.#host.own.engine);
      void (staysIfPossible ? this.#startShared(blocked, earlier) : this.#startDedicated(blocked, earlier));
    });
    return true;
  }

  awaited(): void {
    void this.#shared.vacate();
  }

  #pin({ command, options }: BlockingCall): Promise<unknown> | undefined {
    return pinTails(command, options, (name, args, limits) => {
      this.#shared.discount();
      const question = this.#host.command(name, args, "utf8");
      this.#host.dispatcher().dispatch(question, undefined, limits);
      return question;
    });
  }

  async #startShared(blocked: BlockingCall, pinned: Promise<unknown> | undefined): Promise<void> {
    await pinned;
    if (blocked.isRepeatable && (await this.#shared.run(blocked))) return;
    await this.#startDedicated(blocked, this.#whenSettled());
  }

  async #startDedicated(blocked: BlockingCall, earlier: Promise<unknown> | undefined): Promise<void> {
    await earlier;
    try {
      this.#runOn(blocked, await this.#borrow(blocked));
    } catch (error) {
      const { engine } = this.#host.own;
      // Without a connection, what may wait and for how long is the client's own rule; and so is what an abort says.
      const isDown = !engine.isReady && engine.accepts;
      if (isDown || blocked.options?.signal?.aborted === true) this.#runHere(blocked);
      else if (error instanceof Error && blocked.reject(error)) engine.noteUnserved(blocked.name, error);
    }
  }

  #borrow({ name, options }: BlockingCall): Promise<Lease<PooledConnection>> {
    const { pool, queue } = this.#host.policy;
    const own = options?.deadline;
    const patience = queue !== false && queue.wait === "forever" ? Infinity : pool.acquireTimeout;
    const timeout = own === undefined || own === false ? patience : Math.min(own, patience);
    return this.#pool.acquire({ by: name.toUpperCase(), timeout, signal: options?.signal });
  }

  #runHere(blocked: BlockingCall): void {
    const { command, options } = blocked;
    if (!blocked.take()) return;
    this.#staying = command;
    this.#host.own.engine.dispatch(command, undefined, options);
    this.#staying = undefined;
  }

  #runOn(blocked: BlockingCall, lease: Lease<PooledConnection>): void {
    if (!blocked.take()) {
      lease.giveBack();
      return;
    }
    lease.lastCommand = blocked.name;
    blocked.run(lease.connection.engine, ({ isEmpty }) => {
      const goesOn = isEmpty && blocked.isPieceOver && blocked.shorten();
      if (!goesOn) lease.giveBack();
      // Once the engine is done with this reply.
      else queueMicrotask(() => this.#runOn(blocked, lease));
      return goesOn;
    });
  }
}

/** As often as an idle connection is asked whether it lives; `blockingTimeout` has a watch of its own. */
function pieceOf({ policy: { heartbeat }, own }: ClientHost): number {
  if (heartbeat === false || own.engine.limits.blockingLimit !== undefined) return Infinity;
  // Servers before 6.0 know whole seconds only.
  return Math.max(1_000, heartbeat.interval);
}
