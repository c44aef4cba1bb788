/** Waiting for a limited time: who settles first decides, and no timer is left behind. */
import { describe, expect, it, vi } from "vitest";
import { within } from "../../src/within.js";

const never = new Promise<never>(() => undefined);

describe(within, () => {
  it("settles as the promise does, and takes its timer away", async () => {
    const clear = vi.spyOn(globalThis, "clearTimeout");
    let timer: NodeJS.Timeout | undefined;
    const arm = (one: NodeJS.Timeout): unknown => (timer = one);
    await expect(within(Promise.resolve(1), 60_000, () => 2, arm)).resolves.toBe(1);
    await expect(within(Promise.reject(new Error("lost")), 60_000, () => 2)).rejects.toThrow("lost");
    expect(clear).toHaveBeenCalledWith(timer);
    clear.mockRestore();
  });

  it("settles as `onLate` says once the time is up", async () => {
    await expect(within(never, 1, () => "late")).resolves.toBe("late");
    const fail = (): never => {
      throw new Error("no answer");
    };
    await expect(within(never, 1, fail)).rejects.toThrow("no answer");
  });

  it("ignores what comes later, also a rejection", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): unknown => rejections.push(reason);
    process.on("unhandledRejection", note);
    const { promise, reject } = withResolvers();
    await within(promise, 1, () => undefined);
    reject(new Error("too late"));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
  });

  it("has no timer for a wait without limit", async () => {
    const arm = vi.fn();
    await within(Promise.resolve(), Infinity, () => undefined, arm);
    expect(arm).not.toHaveBeenCalled();
  });
});

function withResolvers(): { readonly promise: Promise<never>; readonly reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<never>((_, refuse) => (reject = refuse));
  return { promise, reject };
}
