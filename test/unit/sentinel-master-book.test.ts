import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MasterBook } from "../../src/sentinel/master-book.js";
import type { Named } from "../../src/sentinel/report.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

const [A, B, C] = [6001, 6002, 6003].map((port) => ({ host: "10.0.0.1", port })) as [
  { host: string; port: number },
  { host: string; port: number },
  { host: string; port: number },
];

let asked = 0;
function names(master: Named["master"], epoch?: number, sentinels = 3): Named {
  return { kind: "named", sentinel: { host: "10.0.0.9", port: ++asked }, master, epoch, sentinels };
}

let book: MasterBook;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  book = new MasterBook();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("which master is believed", () => {
  it("is the one of the highest epoch, whoever says so and whoever answers first", () => {
    expect(book.choose([names(A, 3), names(B, 4), names(A, 3)])?.master).toBe(B);
    expect(book.master).toBe(B);
  });

  it("is the one that most name, where the epoch is the same or not told", () => {
    expect(book.choose([names(A), names(B), names(B)])?.master).toBe(B);
    expect(new MasterBook().choose([names(A, 2), names(B, 2), names(B, 2)])?.master).toBe(B);
  });

  it("is never one of an epoch below what was seen", () => {
    book.choose([names(B, 4)]);
    expect(book.choose([names(A, 3)])).toBeUndefined();
    expect(book.isPast(names(A, 3))).toBe(true);
    expect(book.isPast(names(B, 4))).toBe(false);
    expect(book.master).toBe(B);
  });

  it("is that of a set that was made anew once more than half of its Sentinels say so", () => {
    book.choose([names(B, 40)]);
    expect(book.choose([names(A, 0)])).toBeUndefined();
    expect(book.choose([names(A, 0), names(A, 0)])?.master).toBe(A);
    expect(book.choose([names(A, 0)])?.master).toBe(A);
  });

  it("is not that of a few out of date ones while one knows better", () => {
    book.choose([names(B, 4)]);
    expect(book.choose([names(A, 3), names(A, 3), names(B, 4)])?.master).toBe(B);
  });
});

describe("an announced master", () => {
  it("is news once", () => {
    book.choose([names(A, 1)]);
    expect(book.announced(A, B)).toBe("moved");
    expect(book.announced(A, B)).toBe("known");
    expect(book.master).toEqual(B);
  });

  it("makes those who still name the old one liars", () => {
    book.choose([names(A, 1)]);
    book.announced(A, B);
    expect(book.choose([names(A, 1)])).toBeUndefined();
    expect(book.choose([names(C, 3)])?.master).toBe(C);
  });

  it("does so for a while where no epoch tells", () => {
    book.choose([names(A)]);
    book.announced(A, B);
    expect(book.isPast(names(A))).toBe(true);
    vi.advanceTimersByTime(20_000);
    expect(book.isPast(names(A))).toBe(false);
  });

  it("is doubted when it replaces another one than the known", () => {
    book.choose([names(C, 5)]);
    expect(book.announced(A, B)).toBe("doubtful");
    expect(book.master).toBe(C);
  });
});
