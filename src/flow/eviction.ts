/** Turns away what waits at the gate: the gate is full, the circuit opened, the handshake failed for good, or the client ends. */
import type { Call } from "../command/call.js";
import { sanitizeError } from "../failure/redact.js";
import type { Policy } from "../policy/shape.js";
import type { Desk } from "./desk.js";
import type { Gate } from "./gate.js";
import * as refusal from "./refusal.js";
import type { Slices } from "./slices.js";

/** The client, as eviction sees it. */
export interface Landlord {
  readonly policy: Policy;
  readonly desk: Desk;
  readonly gate: Gate;
  readonly slices: Slices;
}

const OK = Buffer.from("OK");

export class Eviction {
  readonly #client: Landlord;

  constructor(client: Landlord) {
    this.#client = client;
  }

  /** There was no room for this call. A batch that has begun to wait leaves as a whole. */
  full(call: Call): void {
    const { policy, gate, desk } = this.#client;
    const limits = policy.queue;
    if (limits === false) return;
    const { stats } = gate;
    const error = (member: Call): Error => refusal.queueFull(member, desk.scene(), stats, limits, performance.now());
    if (call.batch !== undefined) call.batch.verdict = { kind: "reject", error };
    for (const member of call.batch?.calls ?? [call]) {
      gate.remove(member);
      desk.reject(member, error(member));
    }
  }

  /**
   * The circuit opened; `refusalOf` gives the error of each call that it concerns. What has a deadline keeps it: the server
   * may be back before it. What has none would wait without an end.
   */
  circuitOpened(refusalOf: (call: Call) => ((call: Call) => Error) | undefined): void {
    const { gate, desk, slices } = this.#client;
    const doomed: { readonly call: Call; readonly error: (call: Call) => Error }[] = [];
    for (const call of gate.calls()) {
      if (call.expiresAt !== Infinity) continue;
      const error = refusalOf(call);
      if (error !== undefined) doomed.push({ call, error });
    }
    for (const { call } of doomed) gate.remove(call);
    slices.run(doomed, ({ call, error }) => desk.reject(call, error(call)));
  }

  /** A fatal handshake error (wrong password, unknown database) goes to everybody in the server's own words. */
  failed(error: Error): void {
    const { gate, desk, slices } = this.#client;
    sanitizeError(error);
    const calls = gate.take();
    const scene = desk.scene(error);
    slices.run(calls, (call) => {
      if (call.isUncertain) desk.reject(call, refusal.outcomeUnknown(call, scene, performance.now(), true));
      else desk.rejectAsIs(call, error, false);
    });
  }

  /** The client ends: QUIT has what it wanted, and nothing else will ever be sent. */
  closed(): void {
    const { gate, desk } = this.#client;
    const now = performance.now();
    for (const call of gate.take()) {
      if (call.traits.carriage === "quit") desk.resolve(call, OK);
      else desk.reject(call, refusal.closed(call, desk.scene(), now));
    }
  }
}
