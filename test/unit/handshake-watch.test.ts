import { afterEach, describe, expect, it, vi } from "vitest";
import { HandshakeWatch } from "../../src/ioredis/handshake-watch.js";
import { eventually } from "../helpers/eventually.js";

const LIMITS = { timeout: 60, longest: 200, lookup: 120 };
let watch: HandshakeWatch | undefined;
afterEach(() => watch?.stop());

function watching(): { readonly giveUp: ReturnType<typeof vi.fn>; readonly attempt: HandshakeWatch } {
  const giveUp = vi.fn(() => true);
  const attempt = (watch = new HandshakeWatch(LIMITS, { giveUp, heardAt: () => 0 }));
  return { giveUp, attempt };
}

describe("a connection attempt", () => {
  it("is given up after its limit, and the next one is allowed more", async () => {
    const { giveUp, attempt } = watching();
    for (const times of [1, 2, 3, 4]) {
      attempt.dialling(false);
      await eventually(() => expect(giveUp).toHaveBeenCalledTimes(times));
    }
    expect(giveUp.mock.calls).toEqual([[60], [120], [200], [200]]);
  });

  it("to a name has the limit of the search first, and then all of its own", async () => {
    const { giveUp, attempt } = watching();
    attempt.dialling(true);
    expect(attempt.isResolving).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 90));
    expect(giveUp).not.toHaveBeenCalled();
    attempt.resolved();
    expect(attempt.isResolving).toBe(false);
    expect(attempt.lookup).toBeGreaterThanOrEqual(85);
    await eventually(() => expect(giveUp.mock.calls).toEqual([[60]]));
  });

  it("to a name that is not found in time is given up, which says nothing of the server", async () => {
    const { giveUp, attempt } = watching();
    attempt.dialling(true);
    await eventually(() => expect(giveUp.mock.calls).toEqual([[120]]));
    attempt.dialling(false);
    await eventually(() => expect(giveUp.mock.calls).toEqual([[120], [60]]));
  });
});
