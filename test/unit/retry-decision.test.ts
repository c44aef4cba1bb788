import { describe, expect, it } from "vitest";
import { RetryBudget } from "../../src/endpoint/budget.js";
import type { EndpointMembership } from "../../src/endpoint/registry.js";
import { RetryDecision, type RetryDecisionParts } from "../../src/engine/retry-decision.js";
import type { CallOptions } from "../../src/engine/ports.js";
import { makeBatch, makeCall } from "./call-factory.js";

const POLICY = { retries: 3, minTimeout: 5, maxTimeout: 20, factor: 2, ambiguous: "safe", budget: false } as const;

function make(parts: Partial<RetryDecisionParts> = {}, budget?: RetryBudget): RetryDecision {
  const membership = { endpoint: { budget } } as unknown as EndpointMembership;
  return new RetryDecision({
    policy: POLICY,
    membership,
    scriptEffect: () => undefined,
    backoffUntil: () => 0,
    reprieve: () => false,
    ...parts,
  });
}

describe("whether a call may be retried", () => {
  it("depends on how often it was lost, not on how often it was refused", () => {
    const decision = make();
    const call = makeCall();
    call.attempts = 100;
    const verdicts = [0, 1, 2, 3].map((losses) => {
      call.losses = losses;
      return [decision.hindranceOf(call, performance.now()), decision.mayWait(call, performance.now())];
    });
    expect(verdicts).toEqual([
      [undefined, true],
      [undefined, true],
      [undefined, true],
      ["used up", true],
    ]);
  });

  it("depends on its deadline, also with the running backoff", () => {
    let backoffUntil = 0;
    const decision = make({ backoffUntil: () => backoffUntil });
    const call = makeCall();
    const now = performance.now();
    call.expiresAt = now + 100;
    expect(decision.mayWait(call, now)).toBe(true);
    call.expiresAt = now + 4;
    expect(decision.mayWait(call, now)).toBe(false);
    call.expiresAt = Infinity;
    expect(decision.mayWait(call, now)).toBe(true);

    call.expiresAt = now + 100;
    backoffUntil = now + 90;
    expect([decision.mayWait(call, now), decision.hindranceOf(call, now)]).toEqual([true, undefined]);
    backoffUntil = now + 96;
    expect([decision.mayWait(call, now), decision.hindranceOf(call, now)]).toEqual([false, "late"]);
  });

  it("is no without a retry policy, and with one of no retries", () => {
    for (const policy of [false, { ...POLICY, retries: 0 }] as const) {
      const decision = make({ policy });
      expect(decision.mayWait(makeCall(), performance.now())).toBe(false);
      expect(decision.hindranceOf(makeCall(), performance.now())).toBe("switched off");
    }
  });

  it("depends on the endpoint's budget, where it has one", () => {
    const decision = make({}, new RetryBudget({ tokens: 1, refill: 0 }));
    expect([decision.takeBudget(), decision.takeBudget()]).toEqual([true, false]);
    expect(make().takeBudget()).toBe(true);
  });
});

describe("whether a second execution would do no harm", () => {
  const SCRIPT = ["return 1", "0"];

  function repeatable(
    command: string,
    ambiguous: "safe" | "reads" | "replay",
    own?: CallOptions["ambiguous"],
    declared?: "read" | "safe",
  ): boolean {
    const [name = "", ...args] = command.split(" ");
    const decision = make({ policy: { ...POLICY, ambiguous }, scriptEffect: () => declared });
    return decision.isRepeatable(makeCall(name, name === "eval" ? SCRIPT : args, undefined, { ambiguous: own }));
  }

  it.each([
    ["get k", "safe", true],
    ["get k", "reads", true],
    ["ping", "reads", true],
    ["set k v", "safe", true],
    ["set k v", "reads", false],
    ["incr k", "safe", false],
    ["incr k", "replay", true],
    ["set k v NX", "safe", false],
    ["eval", "safe", false],
    ["eval", "replay", true],
  ] as const)("%s with ambiguous %s: %s", (command, ambiguous, expected) => {
    expect(repeatable(command, ambiguous)).toBe(expected);
  });

  it("is said by the caller before the policy", () => {
    expect(repeatable("incr k", "safe", "replay")).toBe(true);
    expect(repeatable("set k v", "safe", "reads")).toBe(false);
    expect(repeatable("set k v", "reads", "safe")).toBe(true);
  });

  it("is said of a script by its owner", () => {
    expect(repeatable("eval", "safe", undefined, "safe")).toBe(true);
    expect(repeatable("eval", "reads", undefined, "safe")).toBe(false);
    expect(repeatable("eval", "reads", undefined, "read")).toBe(true);
  });

  it("is asked of the members of a MULTI batch, not of its frame", () => {
    const decision = make();
    const batch = makeBatch("multi", "get", "incr", "exec");
    expect(batch.calls.map((call) => decision.isRepeatable(call))).toEqual([true, true, false, true]);
    expect(decision.isRepeatable(makeCall("exec", []))).toBe(false);
  });
});
