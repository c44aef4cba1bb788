/**
 * A client that only blocks, as a job queue's worker does, needs no second socket: its own connection is kept for the
 * block. When anything else arrives meanwhile, the block is ended at the server with CLIENT UNBLOCK, which either
 * delivers an element or provably takes none, and goes on elsewhere with the rest of its time; from then on this
 * client's blocking commands move aside at once. Those of a client that has asked for its connection's id begin here all the
 * same: whoever asks for it ends them with CLIENT UNBLOCK or finds them in CLIENT LIST.
 */
import type { Command } from "ioredis";
import { withinAwake } from "../awake-timeout.js";
import type { ClientHost } from "../engine/connections.js";
import type { Lease } from "../lease/lease.js";
import type { PooledConnection } from "../lease/pooled-connection.js";
import type { BlockingCall } from "./blocking-call.js";

export interface SharedConnectionBlockHooks {
  /** Marks the command that is handed to the client's own connection. */
  stay(command: Command | undefined): void;
  borrow(blocked: BlockingCall): Promise<Lease<PooledConnection>>;
  runThere(blocked: BlockingCall, lease: Lease<PooledConnection>): void;
  /** Runs it on any connection of its own. */
  runDedicated(blocked: BlockingCall): void;
  /** Runs it here again, if nothing else has come meanwhile. */
  goOn(blocked: BlockingCall): void;
}

/** Ordinary commands that a blocking client may have sent: INFO, CLIENT SETNAME and the like, when it starts. */
const START_UP = 10;
/** Whether the server lets us end a block is asked once, and must be answered at once. Milliseconds. */
const ANSWER_WITHIN = 1_000;

export class SharedConnectionBlock {
  readonly #host: ClientHost;
  readonly #hooks: SharedConnectionBlockHooks;
  /** Blocks that ran here, and questions on their behalf: they are not ordinary commands. */
  #own = 0;
  /** The client has several lanes, none of which is anybody's own, or the server does not let us end a block. */
  #isBarred: boolean;
  /** The client does more than block. */
  #isMixed = false;
  #isBusy = false;
  #running: BlockingCall | undefined = undefined;
  /** The block that runs is to go on elsewhere. */
  #isMoving = false;
  /** The server was asked to end it; its answer may still come. */
  #isEnding = false;
  #successor: Lease<PooledConnection> | undefined = undefined;
  #id: { readonly epoch: number; readonly client: number } | undefined = undefined;

  constructor(host: ClientHost, hooks: SharedConnectionBlockHooks) {
    this.#host = host;
    this.#hooks = hooks;
    this.#isBarred = host.policy.pool.size > 1;
  }

  /** An answer that came for the sake of a block does not make the client one that does ordinary work. */
  discount(): void {
    this.#own++;
  }

  /** Blocks belong here, whatever else the client does: it asked for this connection's id, and ends them by it. */
  get isMeant(): boolean {
    return this.#host.own.engine.session.isIdentified && !this.#isBarred;
  }

  /** Nothing is under way on the client's own connection, and hardly anything ever was or blocks belong here. */
  isFree(): boolean {
    const { engine } = this.#host.own;
    const ordinary = engine.counters.answered - this.#own;
    if (ordinary > START_UP) this.#isMixed = true;
    if (this.#isBarred || (this.#isMixed && !this.isMeant)) return false;
    return !this.#isBusy && engine.maySend && engine.inFlight === 0 && !engine.session.isHolding;
  }

  /** Resolves to whether the command runs here. */
  async run(blocked: BlockingCall): Promise<boolean> {
    if (!this.isFree()) return false;
    this.#isBusy = true;
    const known = await this.#knowId();
    this.#isBusy = false;
    if (!known || !this.isFree()) return false;
    if (!blocked.take()) return true;
    this.#isBusy = true;
    this.#isMoving = this.#isEnding = false;
    this.#running = blocked;
    const { engine } = this.#host.own;
    this.#hooks.stay(blocked.command);
    blocked.run(engine, ({ isEmpty }) => this.#ended(blocked, isEmpty));
    this.#hooks.stay(undefined);
    // It may have been given back, or refused, in the very moment.
    if (this.#running === blocked && engine.isOpen) engine.pause("block");
    return true;
  }

  /** Returns whether the command goes on elsewhere. */
  #ended(blocked: BlockingCall, isEmpty: boolean): boolean {
    this.#own++;
    this.#isBusy = false;
    this.#running = undefined;
    const successor = this.#successor;
    this.#successor = undefined;
    const isEnding = this.#isEnding;
    const goesOn = isEmpty && (isEnding || blocked.isPieceOver) && blocked.shorten();
    if (!goesOn) successor?.giveBack();
    else if (successor !== undefined) this.#hooks.runThere(blocked, successor);
    else if (isEnding) this.#hooks.runDedicated(blocked);
    queueMicrotask(() => {
      // A call that gave up destroys the connection in this turn: what waits must not be sent on it.
      this.#host.own.engine.resume("block");
      if (goesOn && !isEnding) this.#hooks.goOn(blocked);
    });
    return goesOn;
  }

  /** Something waits for the connection: ends the block, which goes on elsewhere. */
  async vacate(): Promise<void> {
    const blocked = this.#running;
    if (blocked === undefined || this.#isMoving || this.#id === undefined) return;
    this.#isMoving = this.#isMixed = true;
    const { client } = this.#id;
    try {
      const lease = await this.#hooks.borrow(blocked);
      if (this.#running !== blocked) {
        lease.giveBack();
        return;
      }
      this.#successor = lease;
      this.#isEnding = true;
      await lease.connection.client.with({ deadline: ANSWER_WITHIN }).client("UNBLOCK", client);
    } catch {
      // The block goes on here unless it is ended after all; what waits keeps to its deadline. The next one moves aside.
      if (this.#running === blocked) {
        this.#successor?.giveBack("unblock");
        this.#successor = undefined;
      }
    }
  }

  /** Learns this connection's id, and whether CLIENT UNBLOCK is allowed: there is no client 0. */
  async #knowId(): Promise<boolean> {
    const { transport, client } = this.#host.own;
    const epoch = this.#host.own.epoch();
    if (this.#id?.epoch === epoch) return true;
    const id = this.#host.command("client", ["ID"]);
    const permission = this.#host.command("client", ["UNBLOCK", "0"]);
    transport.write(id, undefined);
    transport.write(permission, undefined);
    let onClose = (): void => undefined;
    // What is lost with its connection gets no answer, and the limit's timer keeps no process alive.
    const closed = new Promise<never>((_resolve, reject) => {
      onClose = () => reject(new Error("no answer"));
      client.once("close", onClose);
    });
    try {
      const asked = Promise.race([Promise.all([id.promise, permission.promise]), closed]);
      const answers: readonly unknown[] = await withinAwake(asked, ANSWER_WITHIN, () => {
        throw new Error("no answer");
      });
      this.#id = { epoch, client: Number(answers[0]) };
      return true;
    } catch {
      this.#isBarred = true;
      return false;
    } finally {
      client.off("close", onClose);
    }
  }
}
