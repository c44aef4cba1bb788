/**
 * Takes blocking commands off the shared connection, so that nothing waits behind them and a push on the same client
 * can wake them. They run on connections of their own; a client that does nothing but block keeps its one connection
 * for it. Order is kept towards what was issued before: that is answered first.
 */
import type { Command } from "ioredis";
import { blockingTimeoutOf } from "../command/blocking.js";
import type { CallOptions } from "../command/call.js";
import type { Diversion } from "../flow/diversion.js";
import { Blocked } from "./blocked.js";
import { HomeBlock } from "./home-block.js";
import type { Host } from "./host.js";
import type { LeasePool } from "./lease-pool.js";
import type { Lease } from "./lease.js";
import { pinTails } from "./pin-tails.js";
import type { Pooled } from "./pooled.js";

/** They wait for what was written before them on their own connection, so nowhere else would do. */
const STAYING: ReadonlySet<string> = new Set(["wait", "waitaof"]);

export class BlockingLanes implements Diversion {
  readonly #host: Host;
  readonly #pool: LeasePool<Pooled>;
  readonly #home: HomeBlock;
  /** How long a command may block in one go, in milliseconds. */
  readonly #piece: number;
  /** Handed to the client's own connection: it must not be taken over once more. */
  #staying: Command | undefined = undefined;

  constructor(host: Host, pool: LeasePool<Pooled>) {
    this.#host = host;
    this.#pool = pool;
    this.#piece = pieceOf(host);
    this.#home = new HomeBlock(host, {
      stay: (command) => (this.#staying = command),
      borrow: (blocked) => this.#borrow(blocked),
      runThere: (blocked, lease) => this.#runOn(blocked, lease),
      runAside: (blocked) => void this.#startAside(blocked, undefined),
      goOn: (blocked) => void this.#startHome(blocked, undefined),
    });
  }

  divert(command: Command, options: CallOptions | undefined): boolean {
    if (command === this.#staying || STAYING.has(command.name.toLowerCase())) return false;
    if (blockingTimeoutOf(command.name, command.args) === undefined) return false;
    if (this.#host.flow.session.isInMulti || this.#host.isDedicated()) return false;
    const blocked = new Blocked(command, options, this.#piece);
    const isHomeFree = this.#home.isFree();
    const pinned = this.#pin(blocked);
    const earlier = isHomeFree ? pinned : Promise.all([pinned, this.#host.whenAnswered()]);
    // Whoever hands the command over has to let go of it first.
    queueMicrotask(() => void (isHomeFree ? this.#startHome(blocked, earlier) : this.#startAside(blocked, earlier)));
    return true;
  }

  awaited(): void {
    void this.#home.vacate();
  }

  #pin({ command, options }: Blocked): Promise<unknown> | undefined {
    return pinTails(command, options, (question, limits) => {
      this.#home.discount();
      this.#host.send(question, limits);
    });
  }

  async #startHome(blocked: Blocked, pinned: Promise<unknown> | undefined): Promise<void> {
    await pinned;
    if (blocked.isRepeatable && (await this.#home.run(blocked))) return;
    await this.#startAside(blocked, this.#host.whenAnswered());
  }

  async #startAside(blocked: Blocked, earlier: Promise<unknown> | undefined): Promise<void> {
    await earlier;
    try {
      this.#runOn(blocked, await this.#borrow(blocked));
    } catch (error) {
      const { flow } = this.#host;
      // Without a connection, what may wait and for how long is the client's own rule; and so is what an abort says.
      const isDown = !flow.isReady && flow.phase === "open";
      if (isDown || blocked.options?.signal?.aborted === true) this.#runHere(blocked);
      else blocked.reject(error);
    }
  }

  #borrow({ name, options }: Blocked): Promise<Lease<Pooled>> {
    const { pool, queue } = this.#host.policy;
    const own = options?.deadline;
    const patience = queue !== false && queue.wait === "forever" ? Infinity : pool.acquireTimeout;
    const timeout = own === undefined || own === false ? patience : Math.min(own, patience);
    return this.#pool.acquire({ by: name.toUpperCase(), timeout, signal: options?.signal });
  }

  #runHere({ command, options }: Blocked): void {
    this.#staying = command;
    this.#host.flow.dispatch(command, undefined, options);
    this.#staying = undefined;
  }

  #runOn(blocked: Blocked, lease: Lease<Pooled>): void {
    lease.lastCommand = blocked.name;
    blocked.run(lease.connection.flow, ({ isEmpty }) => {
      const goesOn = isEmpty && blocked.isPiece && blocked.shorten();
      if (!goesOn) lease.giveBack();
      // Once the flow is done with this reply.
      else queueMicrotask(() => this.#runOn(blocked, lease));
      return goesOn;
    });
  }
}

/** As often as an idle connection is asked whether it lives; `blockingTimeout` has a watch of its own. */
function pieceOf({ policy: { heartbeat }, flow }: Host): number {
  if (heartbeat === false || flow.blockingLimit !== undefined) return Infinity;
  // Servers before 6.0 know whole seconds only.
  return Math.max(1_000, heartbeat.interval);
}
