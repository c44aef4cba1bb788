/**
 * Lets what waits at the gate go: in its order, to the database it was meant for, before anything new. It is shut while
 * there is no connection, while a circuit is being tested, and while a blocking command has the connection to itself.
 */
import { withBatches } from "../command/batch.js";
import { letGo, takeOver, type Call } from "../command/call.js";
import { Footprint, isRead } from "../command/footprint.js";
import type { Admission } from "./admission.js";
import type { Deadlines } from "./deadlines.js";
import type { Endpoint, Member } from "./endpoint.js";
import type { Gate } from "./gate.js";
import type { Lateness } from "./lateness.js";
import type { Reach } from "./reach.js";
import type { RefusedCalls } from "./refused.js";
import type { Retrier } from "./retry.js";
import type { Slices } from "./slices.js";
import type { Phase, Transport } from "./transport.js";

/** The client, as its outlet sees it. */
export interface Opened extends Member {
  readonly gate: Gate;
  readonly slices: Slices;
  readonly deadlines: Deadlines;
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly reach: Reach;
  readonly retrier: Retrier;
  readonly refused: RefusedCalls;
  readonly admission: Admission;
  readonly lateness: Lateness;
  readonly phase: Phase;
  readonly isHolding: boolean;
  isOpen: boolean;
  isReady: boolean;
  isReopening: boolean;
  isHeld: boolean;
  /** The connection is dropped as soon as nothing is in flight on it; what comes meanwhile waits. */
  readonly isMoving: boolean;
  /** A circuit has opened. */
  circuitOpened(): void;
  /** A blocking command goes elsewhere, if somebody takes it. */
  moveAside(command: Call["command"], options: Call["options"]): boolean;
  send(call: Call, now: number): void;
}

export class Outlet {
  readonly #client: Opened;
  /** The database of what has none of its own, while others are served in theirs. It outlives the connection. */
  #home: number | undefined = undefined;
  /** The SELECT that is awaited. Nothing goes before its answer: refused, what follows would run in another database. */
  #switching: object | undefined = undefined;
  /** What those that wait for another try touch, as far as reads must wait behind them. */
  #ahead = new Footprint();

  constructor(client: Opened) {
    this.#client = client;
  }

  /** The connection is ready. */
  opened(): void {
    const { slices, reach, endpoint, admission } = this.#client;
    slices.finish();
    this.#switching = undefined;
    this.#client.isReady = true;
    reach.reset();
    if (endpoint.refusing === 2 && !admission.waitsForEver) void this.#reopen(endpoint);
    else {
      if (this.#client.retrier.resume()) this.letReadsPass();
      else if (!this.#client.isHolding) this.release();
      void endpoint.reachable(this.#client);
    }
  }

  /** A circuit closed while the connection stood: what waited for its probe goes. */
  circuitClosed(): void {
    const { isReady, isOpen, isHolding, isReopening } = this.#client;
    if (isReady && !isOpen && !isHolding && !isReopening) this.release();
  }

  async #reopen(endpoint: Endpoint): Promise<void> {
    this.#client.isReopening = true;
    await endpoint.reachable(this.#client);
    this.#client.isReopening = false;
    if (this.#client.endpoint.refusing === 2) this.#client.circuitOpened();
    else this.release();
  }

  /** Lets everything go that waits. */
  release(): void {
    if (!this.#mayGo) return;
    this.#client.isOpen = this.#client.phase === "open";
    this.#send(this.#client.gate.take());
  }

  /** Lets only the oldest go, or the batch that it belongs to; returns what was sent. */
  probe(): readonly Call[] {
    const { gate } = this.#client;
    const { oldest } = gate;
    // A block would keep the answer back.
    if (!this.#mayGo || oldest === undefined || oldest.traits.carriage === "blocking") return [];
    const calls = [...withBatches([oldest])];
    for (const call of calls) gate.remove(call);
    this.#send(calls);
    return calls.filter(({ state }) => state === "sent");
  }

  get #mayGo(): boolean {
    const { isReady, isHeld, isMoving, refused } = this.#client;
    return isReady && !isHeld && !isMoving && !refused.isPending && this.#switching === undefined;
  }

  #send(calls: readonly Call[]): void {
    const now = performance.now();
    const { transport, deadlines, admission, gate } = this.#client;
    // Calls that come back from a lost connection belong to the database that was selected when they were sent.
    let home = this.#home ?? transport.database();
    let goal = home;
    const late = withBatches(calls.filter((call) => call.expiresAt <= now));
    for (const [at, call] of calls.entries()) {
      // It may have been refused with a member of its batch.
      if (late.has(call) || call.state !== "waiting") continue;
      const database = call.traits.name === "select" ? transport.database() : (call.db ?? home);
      if (database !== transport.database()) {
        goal = database;
        for (const rest of calls.slice(at)) if (!late.has(rest) && rest.state === "waiting") gate.giveBack(rest);
        break;
      }
      if (call.traits.carriage === "blocking" && call.stream === undefined) {
        if (this.#client.moveAside(call.command, call.options)) {
          letGo(call.command);
          continue;
        }
      }
      // A blocking command's own time starts when it is sent.
      if (call.traits.carriage === "blocking" || admission.waitsForEver)
        deadlines.allow(call, admission.onceSent(call), now);
      if (call.attempts > 0) takeOver(call);
      this.#client.send(call, now);
      if (call.traits.name === "select") goal = home = transport.database();
    }
    this.#home = home;
    if (goal !== transport.database()) this.#switch(goal);
    else if (goal === home) this.#home = undefined;
    if (late.size > 0) this.#client.lateness.expired([...late], { late: 0 });
  }

  // ---- reads, while refused writes wait

  /** Writes have begun to wait, or some of them wait no longer: reads that need not wait behind them go. */
  letReadsPass(): void {
    this.#ahead = new Footprint();
    if (!this.#maySort) return;
    const seen = new Set<Call>();
    for (const call of this.#client.gate.calls()) {
      if (seen.has(call)) continue;
      const calls = [...withBatches([call])];
      for (const member of calls) seen.add(member);
      this.pass(calls);
    }
  }

  /** Sends these, which wait and go together, if only writes are held and they need not wait behind one. */
  pass(calls: readonly Call[]): void {
    if (!this.#maySort) return;
    if (!calls.every(isPlainRead) || calls.some((call) => !isFrame(call) && this.#ahead.concerns(call))) {
      for (const call of calls) this.#ahead.add(call);
      return;
    }
    for (const call of calls) this.#client.gate.remove(call);
    this.#send(calls);
  }

  get #maySort(): boolean {
    const { isHolding, writesOnly } = this.#client.retrier;
    return isHolding && writesOnly && this.#mayGo && this.#client.phase === "open";
  }

  #switch(database: number): void {
    const switching = (this.#switching = {});
    this.#client.isOpen = false;
    this.#client.transport.select(database, () => {
      if (this.#switching !== switching) return;
      this.#switching = undefined;
      if (!this.#client.isHolding) this.release();
    });
  }

  /** Keeps the connection for the blocking command that was just sent. Ends with `unhold` or with the connection. */
  hold(): void {
    this.#client.isHeld = true;
    this.#client.isOpen = false;
  }

  unhold(): void {
    if (!this.#client.isHeld) return;
    this.#client.isHeld = false;
    if (!this.#client.retrier.isHolding) this.release();
  }
}

/** MULTI and EXEC around reads are part of a read. */
function isFrame(call: Call): boolean {
  return call.batch?.transaction === true && (call.traits.name === "multi" || call.traits.name === "exec");
}

function isPlainRead(call: Call): boolean {
  return isFrame(call) || (call.traits.carriage === "plain" && isRead(call));
}
