/**
 * What a command is told when it enters: go, wait, or no and why; and how long it may take. Reads the state of circuits,
 * session and connection; changes none of it but the session's mark that a lost transaction has been reported.
 */
import type { Verdict } from "../command/batch.js";
import { blockingTimeoutOf } from "../command/blocking.js";
import type { Call } from "../command/call.js";
import type { Policy } from "../policy/shape.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import type { Reach } from "./reach.js";
import * as refusal from "./refusal.js";
import type { Session } from "./session.js";
import type { BlockingLimit, Phase, Transport } from "./transport.js";

/** The client, as admission sees it. */
export interface Gatekeeper {
  readonly policy: Policy;
  readonly desk: Desk;
  readonly transport: Transport;
  readonly session: Session;
  readonly reach: Reach;
  readonly endpoint: Endpoint;
  readonly phase: Phase;
  readonly isOpen: boolean;
  /** A retry holds the gate for a backoff. */
  readonly isHolding: boolean;
  /** Connected again while the circuit is open: what comes now waits for one probe instead of being refused. */
  readonly isReopening: boolean;
  readonly blockingLimit: BlockingLimit | undefined;
}

export class Admission {
  readonly #client: Gatekeeper;
  /** `maxRetriesPerRequest: null`: neither the circuit nor a deadline ends the wait for a connection. */
  readonly waitsForEver: boolean;

  constructor(client: Gatekeeper) {
    this.#client = client;
    this.waitsForEver = client.policy.queue !== false && client.policy.queue.wait === "forever";
  }

  verdict(call: Call): Verdict {
    const { phase, session, policy, desk, transport, isOpen, isHolding } = this.#client;
    if (phase !== "open") return no((member, now) => refusal.closed(member, desk.scene(), now));
    const held = session.check(call);
    if (held !== undefined) return no((member, now) => refusal.transactionAborted(member, desk.scene(), held, now));
    if (call.traits.carriage !== "quit") {
      const refused = this.circuitVerdict(call);
      if (refused !== undefined) return refused;
    }
    if (isOpen) return { kind: "send" };
    transport.wake();
    if (policy.queue !== false || isHolding) return { kind: "wait" };
    return no((member, now) => refusal.unavailable(member, desk.scene(), now));
  }

  /** The refusal of an open circuit, or of a connection that has been away for too long. */
  circuitVerdict(call: Call): (Verdict & { kind: "reject" }) | undefined {
    if (this.waitsForEver) return undefined;
    const { endpoint, desk, reach, transport, isReopening } = this.#client;
    const { refusing, readWrite, write } = endpoint;
    if (refusing !== 0 && !(refusing === 2 && isReopening)) {
      // A batch is judged as one, by all that it holds.
      const circuit = refusing === 2 ? readWrite : (call.batch ?? call.traits).writes ? write : undefined;
      if (circuit !== undefined) {
        const retryAfter = endpoint.retryAfter(circuit);
        return no((member, now) => refusal.circuitOpen(member, desk.scene(), circuit, retryAfter, now));
      }
    }
    const { downSince, isUnreachable } = reach;
    if (!isUnreachable || downSince === undefined) return undefined;
    return no((member, now) => refusal.unreachable(member, desk.scene(), now - downSince, transport.retryIn(), now));
  }

  /** Milliseconds the call may wait for a connection; `Infinity` for no limit. */
  whileWaiting(call: Call): number {
    const { blockingLimit } = this.#client;
    if (call.traits.carriage === "blocking" && blockingLimit !== undefined) return blockingLimit.cap;
    return call.options?.deadline === undefined && this.waitsForEver ? Infinity : this.#patience(call);
  }

  /** Milliseconds the call may take once it is sent; `Infinity` for no limit. */
  onceSent(call: Call): number {
    if (call.traits.carriage !== "blocking") return this.#patience(call);
    const block = blockingTimeoutOf(call.traits.name, call.command.args);
    // The server's own answer comes at the end of the block; the deadline is the grace on top of it, unless ioredis's
    // `blockingTimeout` asks for a closer watch, which is kept on XREAD without BLOCK too.
    const { blockingLimit } = this.#client;
    if (blockingLimit === undefined) return (block ?? 0) + this.#patience(call);
    return block === undefined || block === Infinity ? blockingLimit.cap : block + blockingLimit.grace;
  }

  #patience(call: Call): number {
    const patience = call.options?.deadline ?? this.#client.policy.deadline;
    return patience === false ? Infinity : patience;
  }
}

function no(error: (call: Call, now: number) => Error): Verdict & { kind: "reject" } {
  return { kind: "reject", error: (call) => error(call, performance.now()) };
}
