import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectPace } from "../../src/sentinel/connect-pace.js";
import { Lookups, type Lookup } from "../../src/sentinel/lookups.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

let begun: number[];
let answers: ((lookup: Lookup<string>) => void)[];
let ending: AbortController;
let lookups: Lookups<string>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  begun = [];
  answers = [];
  ending = new AbortController();
  lookups = new Lookups(() => {
    begun.push(performance.now());
    return new Promise((resolve) => answers.push(resolve));
  }, ending.signal);
});
afterEach(() => {
  vi.useRealTimers();
});

async function answer(isFound: boolean, connects = 0): Promise<void> {
  answers.at(-1)?.({ result: "master", isFound, connects });
  await vi.advanceTimersByTimeAsync(0);
}

describe("lookups", () => {
  it("are shared by all who want one at the same time, and for a moment after", async () => {
    const [first, second] = [lookups.next(), lookups.next()];
    await answer(true);
    expect(await first).toBe(await second);
    expect(await lookups.next()).toBe(await first);
    expect(begun).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(25);
    void lookups.next();
    expect(begun).toHaveLength(2);
  });

  it("pause after one that found nothing, the longer the more connects it cost", async () => {
    for (const connects of [0, 3]) {
      void lookups.next();
      await vi.advanceTimersByTimeAsync(2_000);
      await answer(false, connects);
    }
    void lookups.next();
    await vi.advanceTimersByTimeAsync(509);
    expect(begun).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(begun).toHaveLength(3);
  });

  it("need not be made for what a Sentinel tells by itself", async () => {
    lookups.told("told");
    expect((await lookups.next()).result).toBe("told");
    expect(begun).toHaveLength(0);
  });

  it("begin anew when something has changed, after the one that may not know it yet", async () => {
    void lookups.next();
    void lookups.anew();
    await answer(true);
    expect(begun).toHaveLength(2);
  });

  it("end with the set, in the middle of a pause too", async () => {
    void lookups.next();
    await answer(false);
    const next = lookups.next();
    ending.abort(new Error("over"));
    await expect(next).rejects.toThrow("over");
  });
});

describe("the pace of connects", () => {
  it("lets seven begin at once, and not more within a second", () => {
    const pace = new ConnectPace();
    const waits = Array.from({ length: 30 }, () => pace.reserve());
    expect(waits.slice(0, 7)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    for (const [i, wait] of waits.slice(7).entries()) expect(wait - (waits[i] ?? 0)).toBeGreaterThanOrEqual(1_000);
  });
});
