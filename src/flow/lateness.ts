/**
 * What happens when a deadline passes. Waiting commands are dropped and never sent; those in flight get one more look
 * at the socket before they are declared late, and a connection that went silent, or that would deliver to nobody, is
 * destroyed.
 */
import { withBatches } from "../command/batch.js";
import type { Call } from "../command/call.js";
import { effectOf } from "../command/effect.js";
import { classify } from "../failure/classify.js";
import type { Policy } from "../policy/shape.js";
import type { Deadlines, SweepReport } from "./deadlines.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import type { Gate } from "./gate.js";
import type { Lifetime } from "./lifetime.js";
import * as refusal from "./refusal.js";
import type { Slices } from "./slices.js";
import type { BlockingLimit, Transport } from "./transport.js";

/** The client, as lateness sees it. */
export interface Punctual {
  readonly policy: Policy;
  readonly desk: Desk;
  readonly gate: Gate;
  readonly slices: Slices;
  readonly deadlines: Deadlines;
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly blockingLimit: BlockingLimit | undefined;
  readonly lifetime: Lifetime;
  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void;
}

/** After an event-loop stall longer than this, in milliseconds, late calls get two turns of the poll phase instead of one. */
const STALL = 10;
/** Only after a stall longer than this, in milliseconds, does silence say nothing of the server: the request may have been late itself. */
const LONG_STALL = 100;
/** A connection silent for less than this is never destroyed for being silent, however short the deadline. Milliseconds. */
const MIN_SILENCE = 1_000;
/**
 * A connection on which a reply has been due for less than this says nothing against the server when a call is late: the
 * call's own deadline was short. It is the policy's deadline within these bounds, in milliseconds.
 */
const EVIDENCE = { least: 100, most: 1_000 };
/** Commands larger than this many bytes may outlive their deadline while their bytes are still leaving. */
const BULKY = 1024 * 1024;
/** How long until a bulky command is looked at again, in milliseconds. */
const BULKY_GRACE = 250;

export class Lateness {
  readonly #client: Punctual;

  constructor(client: Punctual) {
    this.#client = client;
  }

  expired(calls: readonly Call[], report: SweepReport): void {
    const waiting = calls.filter((call) => call.state === "waiting");
    if (waiting.length > 0) this.#dropWaiting([...withBatches(waiting)]);
    const inFlight = calls.filter(isInFlight);
    if (inFlight.length === 0) return;
    // Timers run before the poll phase: the replies may be in the socket already.
    const late = (): void => this.#declareLate(inFlight.filter(isInFlight), report);
    setImmediate(report.late > STALL ? () => setImmediate(late) : late);
  }

  #dropWaiting(calls: readonly Call[]): void {
    const { gate, desk, slices } = this.#client;
    for (const call of calls) gate.remove(call);
    const scene = desk.scene();
    const now = performance.now();
    desk.stats.deadlines += calls.length;
    slices.run(calls, (call) => {
      if (call.traits.carriage === "quit") this.#client.lifetime.endForQuit(call);
      else if (this.#endsWithNull(call)) desk.resolve(call, null);
      else desk.reject(call, refusal.deadlineWaiting(call, scene, now));
    });
  }

  #declareLate(calls: readonly Call[], report: SweepReport): void {
    const [oldest] = calls;
    if (oldest === undefined) return;
    const { desk, endpoint, transport, deadlines, slices, policy } = this.#client;
    const now = performance.now();
    const stalled = report.late > STALL;
    const ownFault = report.late > LONG_STALL;
    const scene = stalled ? withStall(desk.scene(), report.late, now - oldest.startedAt) : desk.scene();
    const silence = transport.silentFor(now);
    const silent = refusal.silentConnection(endpoint.label, silence);
    const diagnosis = classify(silent, { ...scene.context, written: true });
    const isSilent = silence >= evidentSilence(policy.deadline);
    if (stalled) {
      const verdict = classify(new Error("Command timed out"), { ...scene.context, written: true });
      if (verdict.code === "EVENT_LOOP_BLOCKED") endpoint.incident.usage(verdict);
    }
    // Known before the slices run: some of them may have to wait for a later turn.
    const blocking = calls.find((call) => call.traits.carriage === "blocking");
    const abandoned = blocking && refusal.deadlineInFlight(blocking, scene, now);
    slices.run(calls, (call) => {
      if (!isInFlight(call)) return;
      if (call.state === "sent" && this.#isBulky(call)) {
        deadlines.arm(call, deadlines.list(BULKY_GRACE), now);
        return;
      }
      if (call.traits.carriage === "quit") {
        this.#client.lifetime.endForQuit(call);
        return;
      }
      const error = refusal.deadlineInFlight(call, scene, now);
      this.#client.withdraw(call);
      desk.stats.deadlines++;
      // Our own stall says nothing of the server, and neither does a deadline that ends while replies still come.
      if (isSilent && !ownFault) endpoint.failed(diagnosis, call.sentAt);
      if (this.#endsWithNull(call)) desk.resolve(call, null);
      else desk.reject(call, error);
    });
    // A server that still delivers to a call which gave up would lose the element, and a silent connection may be dead.
    if (abandoned !== undefined) transport.destroy(abandoned);
    else if (!ownFault && silence >= Math.max(MIN_SILENCE, policy.deadline || 0) && !transport.isSending())
      transport.destroy(silent);
  }

  /**
   * With `blockingTimeout`, ioredis resolves a late blocking command with null, as the server does at the end of a block.
   * So do we where nothing can be lost by it: the command was never sent, or it only reads.
   */
  #endsWithNull(call: Call): boolean {
    if (this.#client.blockingLimit === undefined || call.traits.carriage !== "blocking") return false;
    return call.attempts === 0 || effectOf(call.traits.name, call.command.args).kind === "read";
  }

  /** A large payload that is still leaving this process is not late: slow is not silent. */
  #isBulky(call: Call): boolean {
    if (!this.#client.transport.isSending()) return false;
    let bytes = 0;
    for (const member of call.batch?.calls ?? [call]) {
      for (const arg of member.command.args) {
        bytes += typeof arg === "string" || Buffer.isBuffer(arg) ? arg.length : 0;
        if (bytes > BULKY) return true;
      }
    }
    return false;
  }
}

function evidentSilence(deadline: number | false): number {
  return deadline === false ? EVIDENCE.most : Math.min(EVIDENCE.most, Math.max(EVIDENCE.least, deadline));
}

function isInFlight(call: Call): boolean {
  return call.state === "sent" || call.state === "lost";
}

function withStall(scene: refusal.Scene, late: number, span: number): refusal.Scene {
  return { ...scene, context: { ...scene.context, loop: { blockedMs: Math.round(late), ofMs: Math.round(span) } } };
}
