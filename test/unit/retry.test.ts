import { afterEach, describe, expect, it } from "vitest";
import type { Call } from "../../src/command/call.js";
import { Retrier } from "../../src/flow/retry.js";
import { eventually } from "../helpers/eventually.js";
import { makeCall } from "./call-factory.js";

const POLICY = { retries: 3, minTimeout: 5, maxTimeout: 20, factor: 2, ambiguous: "safe", budget: false } as const;
const REFUSED = new Error("LOADING");

let retrier: Retrier | undefined;
afterEach(() => retrier?.stop());

function make(release: () => Call | undefined, policy: typeof POLICY | false = POLICY): Retrier {
  retrier = new Retrier(policy, { release });
  return retrier;
}

function answer(call: Call): void {
  call.observer?.();
}

describe("a backoff", () => {
  it("holds until its delay is over, and is one for all that join it", async () => {
    let released = 0;
    const retry = make(() => {
      released++;
      return undefined;
    });
    for (let i = 0; i < 10; i++) retry.hold(REFUSED);
    expect(retry.isHolding).toBe(true);
    expect(released).toBe(0);
    await eventually(() => expect(released).toBe(1));
    expect(retry.isHolding).toBe(false);
  });

  it("begins again when the server refuses again, and ends with the first good answer", async () => {
    const calls: Call[] = [];
    const retry = make(() => {
      const call = makeCall();
      calls.push(call);
      return call;
    });
    retry.hold(REFUSED);
    for (let round = 1; round <= 3; round++) {
      await eventually(() => expect(calls).toHaveLength(round));
      retry.hold(REFUSED);
      expect(retry.isHolding).toBe(true);
    }
    await eventually(() => expect(calls).toHaveLength(4));
    const last = calls.at(-1);
    if (last !== undefined) answer(last);
    await new Promise((resolve) => setImmediate(resolve));
    expect(retry.isHolding).toBe(false);
    retry.hold(REFUSED);
    await eventually(() => expect(calls).toHaveLength(5));
  });

  it("ends at once when the connection goes, and can begin again on the next", async () => {
    let released = 0;
    const retry = make(() => {
      released++;
      return undefined;
    });
    retry.hold(REFUSED);
    retry.stop();
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(0);
    retry.hold(REFUSED);
    await eventually(() => expect(released).toBe(1));
  });

  it("keeps the observer that a call had", async () => {
    const call = makeCall();
    let told = 0;
    call.observer = () => {
      told++;
    };
    const retry = make(() => call);
    retry.hold(REFUSED);
    await eventually(() => expect(retry.isHolding).toBe(false));
    answer(call);
    expect(told).toBe(1);
  });
});

describe("whether a call may be retried", () => {
  it("depends on its attempts", () => {
    const retry = make(() => undefined);
    const call = makeCall();
    const verdicts = [1, 2, 3, 4].map((attempts) => {
      call.attempts = attempts;
      return retry.allows(call, performance.now());
    });
    expect(verdicts).toEqual([true, true, true, false]);
  });

  it("depends on its deadline, also with the running backoff", () => {
    const retry = make(() => undefined);
    const call = makeCall();
    const now = performance.now();
    call.expiresAt = now + 100;
    expect(retry.allows(call, now)).toBe(true);
    call.expiresAt = now + 4;
    expect(retry.allows(call, now)).toBe(false);
    call.expiresAt = Infinity;
    expect(retry.allows(call, now)).toBe(true);
  });

  it("is no without a retry policy", () => {
    expect(make(() => undefined, false).allows(makeCall(), performance.now())).toBe(false);
  });
});
