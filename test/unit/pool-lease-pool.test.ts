import { describe, expect, it, vi } from "vitest";
import { LeasePool } from "../../src/lease/lease-pool.js";
import type { Lease } from "../../src/lease/lease.js";
import type { PoolHooks, PoolLimits } from "../../src/lease/pool-hooks.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

interface Thing {
  readonly id: number;
  alive: boolean;
  destroyed: boolean;
}

const LIMITS: PoolLimits = {
  min: 0,
  max: 2,
  maxDials: 2,
  idleTimeout: 1000,
  maxLifetime: 60_000,
  leakAfter: Infinity,
};

function setUp(limits: Partial<PoolLimits> = {}, hooks: Partial<PoolHooks<Thing>> = {}) {
  const made: Thing[] = [];
  const leaks: string[] = [];
  const pool = new LeasePool<Thing>(
    { ...LIMITS, ...limits },
    {
      create: () => {
        const thing = { id: made.length, alive: true, destroyed: false };
        made.push(thing);
        return thing;
      },
      prove: () => Promise.resolve(),
      isFinal: () => true,
      isAlive: (thing) => thing.alive,
      needsProof: () => false,
      clean: () => Promise.resolve(undefined),
      destroy: (thing) => (thing.destroyed = true),
      refused: (failure) => failure,
      late: (waited, borrower, snapshot) =>
        new Error(`${borrower.by} late: ${snapshot.holders.map(({ by }) => by).join(",")}`),
      leaked: (lease) => leaks.push(lease.borrower.by),
      ...hooks,
    },
  );
  const acquire = (by = "test", timeout = 500, signal?: AbortSignal): Promise<Lease<Thing>> =>
    pool.acquire({ by, timeout, signal });
  return { pool, made, leaks, acquire };
}

describe("LeasePool", () => {
  it("makes nothing before it is asked", () => {
    expect(setUp({ min: 2 }).made).toHaveLength(0);
  });

  it("never makes more than max and serves waiters in the order they came", async () => {
    const { acquire, made, pool } = setUp();
    const first = [await acquire(), await acquire()];
    const order: number[] = [];
    const waiting = [0, 1, 2, 3].map(async (n) => {
      const lease = await acquire();
      order.push(n);
      lease.giveBack();
    });
    expect(pool.stats()).toMatchObject({ open: 2, leased: 2, waiting: 4 });
    for (const lease of first) lease.giveBack();
    await Promise.all(waiting);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(made).toHaveLength(2);
  });

  it("gives the next caller the connection that is being cleaned instead of dialling another", async () => {
    const { acquire, made } = setUp();
    for (let n = 0; n < 20; n++) (await acquire()).giveBack();
    expect(made).toHaveLength(1);
  });

  it("dials no more than maxDials at the same time", async () => {
    let dialling = 0;
    let most = 0;
    const { acquire } = setUp(
      { max: 10, maxDials: 3 },
      {
        prove: async () => {
          most = Math.max(most, ++dialling);
          await new Promise((resolve) => setImmediate(resolve));
          dialling--;
        },
      },
    );
    const leases = await Promise.all(Array.from({ length: 10 }, () => acquire()));
    expect(leases).toHaveLength(10);
    expect(most).toBe(3);
  });

  it("tells a caller who waited for too long who holds the connections", async () => {
    const { acquire, pool } = setUp({ max: 1 });
    await acquire("transfer");
    await expect(acquire("audit", 1)).rejects.toThrow("audit late: transfer");
    expect(pool.stats().waiting).toBe(0);
  });

  it("lets a caller leave the queue by its signal, with the signal's reason", async () => {
    const { acquire, pool } = setUp({ max: 1 });
    const held = await acquire();
    const controller = new AbortController();
    const leaving = acquire("leaving", 1000, controller.signal);
    const staying = acquire("staying");
    controller.abort(new Error("gone"));
    await expect(leaving).rejects.toThrow("gone");
    held.giveBack();
    expect((await staying).borrower.by).toBe("staying");
    expect(pool.stats().leased).toBe(1);
  });

  it("destroys what cannot be cleaned and counts the reason", async () => {
    const { acquire, made, pool } = setUp({ max: 1 }, { clean: () => Promise.resolve("tainted") });
    (await acquire()).giveBack();
    await acquire();
    expect(made.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    expect(pool.stats().destroyed).toEqual({ tainted: 1 });
  });

  it("replaces an idle connection that fails its proof, and the caller notices nothing", async () => {
    const { acquire, made, pool } = setUp(
      { max: 1 },
      {
        needsProof: () => true,
        prove: (thing) => (thing.alive ? Promise.resolve() : Promise.reject(new Error("dead"))),
        isAlive: () => true,
      },
    );
    const lease = await acquire();
    lease.giveBack();
    lease.connection.alive = false;
    expect((await acquire()).connection.id).toBe(1);
    expect(made[0]?.destroyed).toBe(true);
    expect(pool.stats().destroyed).toEqual({ stale: 1 });
  });

  it("fails the callers at once when a connection cannot be made", async () => {
    const { acquire, pool } = setUp({}, { prove: () => Promise.reject(new Error("circuit open")) });
    await expect(acquire()).rejects.toThrow("circuit open");
    expect(pool.stats()).toMatchObject({ open: 0, waiting: 0, destroyed: { failed: 1 } });
  });

  it("closes idle connections after idleTimeout down to min, and old ones whatever min says", async () => {
    vi.useFakeTimers();
    try {
      const { acquire, pool } = setUp({ min: 1, max: 3, idleTimeout: 1000, maxLifetime: 10_000 });
      const leases = await Promise.all([acquire(), acquire(), acquire()]);
      for (const lease of leases) lease.giveBack();
      await vi.advanceTimersByTimeAsync(999);
      expect(pool.stats().idle).toBe(3);
      await vi.advanceTimersByTimeAsync(10);
      expect(pool.stats()).toMatchObject({ idle: 1, destroyed: { idle: 2 } });
      await vi.advanceTimersByTimeAsync(11_000);
      expect(pool.stats()).toMatchObject({ open: 0, destroyed: { idle: 2, lifetime: 1 } });
    } finally {
      vi.useRealTimers();
    }
  });

  it("spreads lifetimes by a tenth", async () => {
    vi.useFakeTimers();
    try {
      const { acquire, pool } = setUp({ max: 50, maxDials: 50, idleTimeout: 1e9, maxLifetime: 1000 });
      const leases = await Promise.all(Array.from({ length: 50 }, () => acquire()));
      for (const lease of leases) lease.giveBack();
      await vi.advanceTimersByTimeAsync(899);
      expect(pool.stats().open).toBe(50);
      await vi.advanceTimersByTimeAsync(100);
      expect(pool.stats().open).toBeGreaterThan(0);
      expect(pool.stats().open).toBeLessThan(50);
      await vi.advanceTimersByTimeAsync(110);
      expect(pool.stats().open).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("warns once of a loan that lasts longer than leakAfter, and not of one given back in time", async () => {
    vi.useFakeTimers();
    try {
      const { acquire, leaks } = setUp({ leakAfter: 100 });
      (await acquire("quick")).giveBack();
      await acquire("leaky");
      await vi.advanceTimersByTimeAsync(1000);
      expect(leaks).toEqual(["leaky"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ignores a second return of the same loan", async () => {
    const { acquire, pool } = setUp({ max: 1 });
    const first = await acquire();
    first.giveBack();
    const second = await acquire();
    first.giveBack();
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 0 });
    expect(second.isReturned).toBe(false);
  });

  it("refuses new callers and those in the queue while it drains, and ends when the last loan does", async () => {
    const { acquire, pool } = setUp({ max: 1 });
    const lease = await acquire();
    const waiting = acquire();
    const drained = pool.drain(new Error("closed"));
    await expect(waiting).rejects.toThrow("closed");
    await expect(acquire()).rejects.toThrow("closed");
    lease.giveBack();
    await drained;
    pool.end(new Error("closed"));
    expect(pool.stats().open).toBe(0);
  });
});
