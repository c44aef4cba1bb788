import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Breaker } from "../../src/endpoint/breaker.js";
import type { CircuitState } from "../../src/engine/ports.js";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

const POLICY = {
  downAfter: 2000,
  errorThresholdPercentage: 50,
  volumeThreshold: 20,
  rollingCountTimeout: 10_000,
  resetTimeout: 1000,
  maxResetTimeout: 4000,
  probeTimeout: 500,
};

const CAUSE = { code: "CONNECTION_RESET", title: "reset" } as Diagnosis;

let breaker: Breaker;
let states: CircuitState[];
let probes: ((healthy: boolean) => void)[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "Date"] });
  // A clock at zero would hide comparisons with "never".
  vi.advanceTimersByTime(1000);
  states = [];
  probes = [];
  breaker = new Breaker("read-write", POLICY, {
    probe: () => new Promise((resolve) => probes.push(resolve)),
    changed: ({ state }) => states.push(state),
  });
});
afterEach(() => {
  breaker.shutdown();
  vi.useRealTimers();
});

/** Lets opossum's promises settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Time passes, with so many outcomes a second, spread over it and judged once a bucket. */
async function pass(seconds: number, perSecond: { ok?: number; failed?: number } = {}): Promise<void> {
  const { ok = 0, failed = 0 } = perSecond;
  for (let i = 0; i < seconds; i++) {
    for (let part = 0; part < 10; part++) {
      breaker.succeeded += ok / 10;
      const failures = Math.floor((failed * (part + 1)) / 10) - Math.floor((failed * part) / 10);
      for (let n = 0; n < failures; n++) breaker.failed(CAUSE, performance.now());
      vi.advanceTimersByTime(breaker.bucketInterval / 10);
    }
    breaker.tick();
    await settle();
  }
}

async function answer(healthy: boolean): Promise<void> {
  probes.shift()?.(healthy);
  await settle();
}

describe("a breaker", () => {
  it("stays closed below the volume, whatever the percentage", async () => {
    await pass(9, { failed: 2 });
    expect(breaker.isOpen).toBe(false);
  });

  it("stays closed below the percentage, whatever the volume", async () => {
    await pass(30, { ok: 60, failed: 40 });
    expect(breaker.isOpen).toBe(false);
    expect(states).toEqual([]);
  });

  it("opens at half of enough outcomes, and keeps the cause", async () => {
    await pass(10, { ok: 5, failed: 5 });
    expect(breaker.isOpen).toBe(true);
    expect(breaker.cause).toBe(CAUSE);
    expect(breaker.trips).toBe(1);
  });

  it("forgets failures that have left the window", async () => {
    await pass(1, { failed: 15 });
    await pass(11);
    await pass(1, { failed: 15 });
    expect(breaker.isOpen).toBe(false);
  });

  it("hears failures also behind a million successes a second: it opens when half of the window is bad", async () => {
    await pass(10, { ok: 1_000_000 });
    await pass(7, { failed: 10_000 });
    expect(breaker.isOpen).toBe(true);
  });

  it("does not open because one in a thousand fails", async () => {
    await pass(60, { ok: 99_900, failed: 100 });
    expect(breaker.isOpen).toBe(false);
  });

  it("ignores outcomes of calls that were sent before it last changed", async () => {
    const before = performance.now();
    vi.advanceTimersByTime(10);
    breaker.trip(CAUSE);
    const reset = breaker.probe();
    await answer(true);
    await reset;
    expect(breaker.state).toBe("closed");
    for (let i = 0; i < 1000; i++) breaker.failed(CAUSE, before);
    await pass(2);
    expect(breaker.isOpen).toBe(false);
  });
});

describe("an open breaker", () => {
  it("asks the server itself after about resetTimeout, and closes on a good answer with an empty window", async () => {
    await pass(4, { failed: 5 });
    await pass(1);
    expect(breaker.isOpen).toBe(true);
    vi.advanceTimersByTime(1251);
    expect(probes).toHaveLength(1);
    expect(breaker.state).toBe("half-open");
    expect(breaker.isOpen).toBe(true);
    await answer(true);
    expect(breaker.state).toBe("closed");
    expect(breaker.isOpen).toBe(false);
    await pass(1, { failed: 15 });
    expect(breaker.isOpen).toBe(false);
  });

  it("waits longer after each bad answer, up to the cap, with jitter", async () => {
    breaker.trip(CAUSE);
    for (const wait of [1000, 2000, 4000, 4000, 4000]) {
      expect(breaker.nextProbeAt - performance.now()).toBeGreaterThanOrEqual(wait * 0.75 - 1);
      expect(breaker.nextProbeAt - performance.now()).toBeLessThanOrEqual(wait * 1.25 + 1);
      vi.advanceTimersByTime(wait * 0.75 - 1);
      expect(probes).toHaveLength(0);
      vi.advanceTimersByTime(wait * 0.5 + 2);
      expect(probes).toHaveLength(1);
      await answer(false);
      expect(breaker.state).toBe("open");
    }
    expect(breaker.trips).toBe(6);
  });

  it("joins those who ask at the same time into one probe", async () => {
    breaker.trip(CAUSE);
    const asked = [breaker.probe(), breaker.probe(), breaker.probe()];
    expect(probes).toHaveLength(1);
    await answer(true);
    await Promise.all(asked);
    expect(breaker.isOpen).toBe(false);
    await breaker.probe();
    expect(probes).toHaveLength(0);
  });

  it("is asked anew on a new connection: what the probe that is under way on the old one says does not count", async () => {
    breaker.trip(CAUSE);
    void breaker.probe();
    const anew = breaker.probeAnew();
    expect(probes).toHaveLength(1);
    await answer(false);
    expect(probes).toHaveLength(1);
    await answer(true);
    await anew;
    expect(breaker.state).toBe("closed");
  });

  it("asked early and answered badly is open again, and asks by itself when its time has come", async () => {
    breaker.trip(CAUSE);
    void breaker.probe();
    await answer(false);
    expect(breaker.state).toBe("open");
    vi.advanceTimersByTime(1251);
    expect(probes).toHaveLength(1);
    await answer(true);
    expect(breaker.state).toBe("closed");
  });

  it("counts trips anew after it has been closed for a whole window", async () => {
    breaker.trip(CAUSE);
    void breaker.probe();
    await answer(false);
    void breaker.probe();
    await answer(true);
    await pass(12, { ok: 10 });
    breaker.trip(CAUSE);
    expect(breaker.trips).toBe(1);
    expect(breaker.nextProbeAt - performance.now()).toBeLessThanOrEqual(1251);
  });

  it("is silent after its owner has gone", async () => {
    breaker.trip(CAUSE);
    void breaker.probe();
    breaker.shutdown();
    await answer(true);
    vi.advanceTimersByTime(60_000);
    expect(probes).toHaveLength(0);
  });
});
