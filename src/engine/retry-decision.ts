/** May this command be sent again? The one place that answers it, for what was lost and for what the server refused. */
import type { Command } from "ioredis";
import { effectOf, isReplaySafe } from "../command/effect.js";
import type { ScriptEffect } from "../command/scripts.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { RetryPolicy } from "../policy/shape.js";
import type { Call } from "./call.js";

export interface RetryDecisionParts {
  readonly policy: RetryPolicy | false;
  readonly membership: EndpointMembership;
  /** What the owner of a script declared of it. */
  readonly scriptEffect: (command: Command) => ScriptEffect | undefined;
  /** When the running backoff ends, on the monotonic clock; 0 without one. */
  readonly backoffUntil: () => number;
  /** Gives a call whose time is over what it has not had because this process stood still; returns whether that was any. */
  readonly reprieve: (call: Call, now: number) => boolean;
}

/** Why a command of which nobody knows whether it was executed is not sent again. `harm`: a second execution could do some. */
export type Hindrance =
  | "harm"
  | "garbled replies"
  | "refused in part"
  | "switched off"
  | "used up"
  | "late"
  | "no room"
  | "budget"
  | "no login";

/** A retry that could not end before its deadline by at least this much is not started, in milliseconds. */
const MIN_ATTEMPT = 5;

export class RetryDecision {
  readonly #parts: RetryDecisionParts;

  constructor(parts: RetryDecisionParts) {
    this.#parts = parts;
  }

  /** Whether a second execution would do no harm, or the call's owner has said that it may happen. */
  isRepeatable(call: Call): boolean {
    const { policy, scriptEffect } = this.#parts;
    const { name, session } = call.facts;
    // The frame of a batch: its members decide.
    if (call.batch?.transaction === true && (session === "multi" || session === "exec")) return true;
    const ambiguous = call.options?.ambiguous ?? (policy === false ? "safe" : policy.ambiguous);
    if (ambiguous === "replay") return true;
    const declared = scriptEffect(call.command);
    if (declared !== undefined) return declared === "read" || ambiguous === "safe";
    const effect = effectOf(name, call.command.args);
    return isReplaySafe(effect) && (ambiguous === "safe" || effect.kind === "read" || effect.kind === "connection");
  }

  /** What keeps a call whose connection was lost from being sent again; `undefined`: it has a resend left and time for it. */
  hindranceOf(call: Call, now: number): "switched off" | "used up" | "late" | undefined {
    const { policy } = this.#parts;
    if (policy === false || policy.retries === 0) return "switched off";
    if (call.losses >= policy.retries) return "used up";
    return this.#isInTime(call, now) ? undefined : "late";
  }

  /** Whether a refused call, which was certainly not executed, may wait for another try. Only its deadline limits it. */
  mayWait(call: Call, now: number): boolean {
    const { policy } = this.#parts;
    return policy !== false && policy.retries > 0 && this.#isInTime(call, now);
  }

  #isInTime(call: Call, now: number): boolean {
    const { backoffUntil, reprieve } = this.#parts;
    if (call.expiresAt <= now) reprieve(call, now);
    return call.expiresAt - Math.max(now, backoffUntil()) > MIN_ATTEMPT;
  }

  /** Takes one retry from the endpoint's budget, or says no. */
  takeBudget(): boolean {
    const { budget } = this.#parts.membership.endpoint;
    return budget === undefined || budget.take();
  }
}
