import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Address } from "../../src/sentinel/address.js";
import type { Report } from "../../src/sentinel/report.js";
import { askAround } from "../../src/sentinel/round.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

const SENTINELS: readonly Address[] = [1, 2, 3].map((port) => ({ host: "s", port }));
const TIMES = { hedgeAfter: 150, confirmFor: 100 };

let asked: number[];
let answers: Map<number, (kind: "named" | "silent") => void>;
let late: Report[];
let slow: Set<number>;
let result: readonly Report[] | undefined;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  asked = [];
  answers = new Map();
  late = [];
  slow = new Set();
  result = undefined;
});
afterEach(() => {
  vi.useRealTimers();
});

function begin(): void {
  const hooks = {
    ask: (sentinel: Address) => {
      asked.push(sentinel.port);
      return new Promise<Report>((resolve) => {
        answers.set(sentinel.port, (kind) =>
          resolve(
            kind === "named"
              ? { kind, sentinel, master: { host: "m", port: 1 }, epoch: 1, sentinels: 3 }
              : { kind, sentinel, error: new Error("refused"), isLate: false },
          ),
        );
      });
    },
    isAnswered: (reports: readonly Report[]) => reports.some(({ kind }) => kind === "named"),
    isQuick: ({ port }: Address) => !slow.has(port),
    late: (report: Report) => void late.push(report),
  };
  void askAround(SENTINELS, TIMES, hooks).then((reports) => (result = reports));
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
async function answer(port: number, kind: "named" | "silent"): Promise<void> {
  answers.get(port)?.(kind);
  await pass(0);
}

describe("a round of questions", () => {
  it("asks one, and the next when that is silent for the time of the hedge", async () => {
    begin();
    await pass(149);
    expect(asked).toEqual([1]);
    await pass(1);
    expect(asked).toEqual([1, 2]);
    await pass(150);
    expect(asked).toEqual([1, 2, 3]);
  });

  it("asks the next at once when one has failed", async () => {
    begin();
    await answer(1, "silent");
    expect(asked).toEqual([1, 2]);
  });

  it("asks all once one has answered, and ends when they have", async () => {
    begin();
    await answer(1, "named");
    expect(asked).toEqual([1, 2, 3]);
    await answer(2, "named");
    expect(result).toBeUndefined();
    await answer(3, "silent");
    expect(result?.map(({ kind }) => kind)).toEqual(["named", "named", "silent"]);
  });

  it("does not wait longer than a moment for the others once one has answered", async () => {
    begin();
    await answer(1, "named");
    await pass(100);
    expect(result).toHaveLength(1);
    await answer(2, "named");
    expect(late).toHaveLength(1);
  });

  it("does not wait at all for those that were silent before", async () => {
    slow = new Set([2, 3]);
    begin();
    await answer(1, "named");
    expect(result).toHaveLength(1);
  });

  it("ends without an answer when nobody is left", async () => {
    begin();
    await answer(1, "silent");
    await answer(2, "silent");
    expect(result).toBeUndefined();
    await answer(3, "silent");
    expect(result?.map(({ kind }) => kind)).toEqual(["silent", "silent", "silent"]);
  });
});
