import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WriteSearch } from "../../src/endpoint/write-search.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

let looks: { readonly at: number; readonly answer: (found: boolean) => void }[];
let moves: number[];
let search: WriteSearch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  vi.advanceTimersByTime(10_000);
  looks = [];
  moves = [];
  search = new WriteSearch({
    look: () => new Promise((answer) => looks.push({ at: performance.now(), answer })),
    move: () => moves.push(performance.now()),
  });
});
afterEach(() => {
  search.end();
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

async function answer(found: boolean): Promise<void> {
  looks.at(-1)?.answer(found);
  await pass(0);
}

describe("the search for a server that takes writes", () => {
  it("begins with the first refusal, and everybody moves when one is found", async () => {
    search.refused(performance.now());
    await pass(0);
    expect(looks).toHaveLength(1);
    await answer(true);
    expect(moves).toHaveLength(1);
    await pass(5_000);
    expect(looks).toHaveLength(1);
  });

  it("looks once at a time, at most twice a second, however many are refused", async () => {
    for (let i = 0; i < 500; i++) {
      search.refused(performance.now());
      await pass(10);
      if (i % 7 === 0) await answer(false);
    }
    const gaps = looks.slice(1).map(({ at }, i) => at - (looks[i]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(850);
  });

  it("rests when nobody wants to write", async () => {
    search.refused(performance.now());
    await pass(0);
    await answer(false);
    await pass(10_000);
    expect(looks).toHaveLength(1);
    search.refused(performance.now());
    await pass(0);
    expect(looks).toHaveLength(2);
  });

  it("does not listen to refusals of what was sent before the move", async () => {
    const before = performance.now();
    search.refused(before);
    await pass(1);
    await answer(true);
    await pass(2_000);
    search.refused(before);
    await pass(2_000);
    expect(looks).toHaveLength(1);
  });

  it("moves at most once a second where the new server refuses too", async () => {
    for (let i = 0; i < 400; i++) {
      search.refused(performance.now());
      await pass(10);
      await answer(true);
    }
    const gaps = moves.slice(1).map((at, i) => at - (moves[i] ?? 0));
    expect(moves.length).toBeGreaterThan(1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  });

  it("is silent after its endpoint has gone", async () => {
    search.refused(performance.now());
    search.end();
    await pass(1_000);
    expect(looks).toHaveLength(0);
  });
});
