/** What a caller's logger does wrong stays with the logger. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guardedLogger } from "../../src/observe/guarded-logger.js";
import type { Logger } from "../../src/policy/shape.js";

let unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled = [];
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
});

function loggerOf(method: () => unknown): Logger {
  return { debug: method, info: method, warn: method, error: method, fatal: method };
}

describe(guardedLogger, () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["returns a promise that rejects", () => Promise.reject(new Error("disk full"))],
    [
      "returns a thenable that throws",
      () => ({
        then: () => {
          throw new Error("disk full");
        },
      }),
    ],
    ["returns something else", () => ({ then: 1 })],
  ])("survives a method that %s", async (_name, method) => {
    const logger = guardedLogger(loggerOf(method));
    for (const level of ["debug", "info", "warn", "error", "fatal"] as const) logger[level]?.({}, "line");
    // Rejections are reported when the microtasks of a turn are done.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});
