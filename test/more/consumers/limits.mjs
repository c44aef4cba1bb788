/** Rate limiters and locks. */
import assert from "node:assert/strict";

/** @import { Smoke } from "./run.mjs" */

/** @type {Record<string, Smoke>} */
export const limits = {
  "rate-limiter-flexible": async ({ open, load }) => {
    const { RateLimiterRedis } = load("rate-limiter-flexible");
    const limiter = new RateLimiterRedis({ storeClient: open(), points: 2, duration: 5, useRedisPackage: false });
    await limiter.consume("ip");
    assert.equal((await limiter.consume("ip")).remainingPoints, 0);
    await assert.rejects(limiter.consume("ip"), (/** @type {any} */ refused) => refused.msBeforeNext > 0);
  },

  "rate-limit-redis": async ({ open, load }) => {
    const { RedisStore } = load("rate-limit-redis");
    const redis = open();
    const store = new RedisStore({ sendCommand: (/** @type {string[]} */ ...args) => redis.call(...args) });
    await store.init({ windowMs: 5_000 });
    await store.increment("ip");
    assert.equal((await store.increment("ip")).totalHits, 2);
  },

  "async-ratelimiter": async ({ open, load }) => {
    const RateLimiter = load("async-ratelimiter");
    const limiter = new RateLimiter({ db: open(), max: 2, duration: 5_000 });
    await limiter.get({ id: "ip" });
    await limiter.get({ id: "ip" });
    assert.equal((await limiter.get({ id: "ip" })).remaining, 0);
  },

  ratelimiter: async ({ open, load }) => {
    const Limiter = load("ratelimiter");
    const limiter = new Limiter({ id: "ip", db: open(), max: 2, duration: 5_000 });
    const get = () =>
      new Promise((resolve, reject) =>
        limiter.get((/** @type {any} */ error, /** @type {any} */ limit) => (error ? reject(error) : resolve(limit))),
      );
    await get();
    await get();
    assert.equal((await get()).remaining, 0);
  },

  "@nest-lab/throttler-storage-redis": async ({ open, load }) => {
    load("reflect-metadata");
    const { ThrottlerStorageRedisService } = load("@nest-lab/throttler-storage-redis");
    const storage = new ThrottlerStorageRedisService(open());
    await storage.increment("ip", 5_000, 1, 5_000, "default");
    const second = await storage.increment("ip", 5_000, 1, 5_000, "default");
    assert.equal(second.totalHits, 2);
    assert.equal(second.isBlocked, true);
  },

  "redlock 4": async ({ open, load }) => {
    const Redlock = load("redlock");
    const redlock = new Redlock([open()], { retryCount: 0 });
    const lock = await redlock.lock("door", 2_000);
    await assert.rejects(redlock.lock("door", 2_000));
    await lock.extend(2_000);
    await lock.unlock();
    await (await redlock.lock("door", 2_000)).unlock();
  },

  "redlock 5": async ({ open, load }) => {
    const { default: Redlock } = load("redlock5");
    const redlock = new Redlock([open()], { retryCount: 0 });
    const lock = await redlock.acquire(["door"], 2_000);
    await assert.rejects(redlock.acquire(["door"], 2_000));
    await (await lock.extend(2_000)).release();
    await redlock.using(["door"], 2_000, async (/** @type {any} */ signal) => assert.equal(signal.aborted, false));
  },

  "redlock-universal": async ({ open, load }) => {
    const { createLock, IoredisAdapter } = load("redlock-universal");
    const lock = createLock({ adapter: new IoredisAdapter(open()), key: "door", ttl: 2_000, retryAttempts: 0 });
    const handle = await lock.acquire();
    await assert.rejects(lock.acquire());
    assert.equal(await lock.release(handle), true);
  },

  "redis-semaphore": async ({ open, load }) => {
    const { Mutex, Semaphore } = load("redis-semaphore");
    const redis = open();
    const mutex = new Mutex(redis, "door", { lockTimeout: 2_000, acquireTimeout: 100 });
    await mutex.acquire();
    await assert.rejects(new Mutex(redis, "door", { acquireTimeout: 50 }).acquire());
    await mutex.release();
    const semaphore = new Semaphore(redis, "seats", 2);
    await semaphore.acquire();
    await semaphore.release();
  },
};
