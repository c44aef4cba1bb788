import { afterEach, describe, expect, it } from "vitest";
import type { Call } from "../../src/command/call.js";
import { Retrier } from "../../src/flow/retry.js";
import { eventually } from "../helpers/eventually.js";
import { makeCall } from "./call-factory.js";

const POLICY = { retries: 3, minTimeout: 5, maxTimeout: 20, factor: 2, ambiguous: "safe", budget: false } as const;
const REFUSED = new Error("LOADING");

let retrier: Retrier | undefined;
let released = 0;
afterEach(() => retrier?.stop());

function make(probe: () => Call | undefined, policy: typeof POLICY | false = POLICY): Retrier {
  released = 0;
  retrier = new Retrier(policy, {
    probe: () => {
      const call = probe();
      return call === undefined ? [] : [call];
    },
    release: () => {
      released++;
    },
  });
  return retrier;
}

function answer(call: Call): void {
  call.observer?.();
}

describe("a backoff", () => {
  it("holds until its delay is over, and is one for all that join it", async () => {
    const retry = make(() => undefined);
    for (let i = 0; i < 10; i++) retry.hold(REFUSED, false);
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
    retry.hold(REFUSED, false);
    for (let round = 1; round <= 3; round++) {
      await eventually(() => expect(calls).toHaveLength(round));
      expect(retry.isHolding).toBe(true);
      const refused = calls.at(-1);
      if (refused !== undefined) retry.probeRefused(refused);
      retry.hold(REFUSED, false);
    }
    await eventually(() => expect(calls).toHaveLength(4));
    expect(released).toBe(0);
    const last = calls.at(-1);
    if (last !== undefined) answer(last);
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(1);
    retry.hold(REFUSED, false);
    await eventually(() => expect(calls).toHaveLength(5));
  });

  it("ends at once when the connection goes, and can begin again on the next", async () => {
    const retry = make(() => undefined);
    retry.hold(REFUSED, false);
    retry.stop();
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(0);
    retry.hold(REFUSED, false);
    await eventually(() => expect(released).toBe(1));
  });

  it("keeps the observer that a call had", async () => {
    const call = makeCall();
    let told = 0;
    call.observer = () => {
      told++;
    };
    const retry = make(() => call);
    retry.hold(REFUSED, false);
    await eventually(() => {
      answer(call);
      expect(retry.isHolding).toBe(false);
    });
    expect(told).toBeGreaterThan(0);
  });
});

describe("whether a call may be retried", () => {
  it("depends on how often it was lost, not on how often it was refused", () => {
    const retry = make(() => undefined);
    const call = makeCall();
    call.attempts = 100;
    const verdicts = [0, 1, 2, 3].map((losses) => {
      call.losses = losses;
      return [retry.mayResend(call, performance.now()), retry.mayWait(call, performance.now())];
    });
    expect(verdicts).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [false, true],
    ]);
  });

  it("depends on its deadline, also with the running backoff", () => {
    const retry = make(() => undefined);
    const call = makeCall();
    const now = performance.now();
    call.expiresAt = now + 100;
    expect(retry.mayWait(call, now)).toBe(true);
    call.expiresAt = now + 4;
    expect(retry.mayWait(call, now)).toBe(false);
    call.expiresAt = Infinity;
    expect(retry.mayWait(call, now)).toBe(true);
  });

  it("is no without a retry policy", () => {
    expect(make(() => undefined, false).mayWait(makeCall(), performance.now())).toBe(false);
  });
});
