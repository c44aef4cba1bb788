/** Sessions and caches. */
import assert from "node:assert/strict";

/** @import { Smoke } from "./run.mjs" */

/**
 * @param {any} target
 * @param {string} method
 * @param {unknown[]} args
 * @returns {Promise<any>}
 */
function called(target, method, ...args) {
  return new Promise((resolve, reject) =>
    target[method](...args, (/** @type {any} */ error, /** @type {any} */ value) =>
      error ? reject(error) : resolve(value),
    ),
  );
}

/** @type {Record<string, Smoke>} */
export const stores = {
  "connect-redis": async ({ open, load }) => {
    const { RedisStore } = load("connect-redis");
    const store = new RedisStore({ client: open() });
    const session = { cookie: { originalMaxAge: 5_000 }, user: "ada" };
    await called(store, "set", "s1", session);
    await called(store, "touch", "s1", session);
    assert.deepEqual(await called(store, "get", "s1"), session);
    assert.equal((await called(store, "all")).length, 1);
    await called(store, "destroy", "s1");
    assert.equal(await called(store, "length"), 0);
  },

  "koa-redis": async ({ open, load }) => {
    const store = load("koa-redis")({ client: open() });
    await store.set("s1", { user: "ada" }, 5_000);
    assert.deepEqual(await store.get("s1"), { user: "ada" });
    await store.destroy("s1");
    assert.equal(await store.get("s1"), null);
  },

  "@hapi/catbox-redis": async ({ open, load }) => {
    const { Client, Policy } = load("@hapi/catbox");
    const { Engine } = load("@hapi/catbox-redis");
    const redis = open();
    await redis.ping();
    const client = new Client(new Engine({ client: redis, partition: "p" }));
    await client.start();
    const options = {
      expiresIn: 5_000,
      generateTimeout: 1_000,
      generateFunc: async (/** @type {string} */ id) => `made ${id}`,
    };
    const policy = new Policy(options, client, "seg");
    assert.equal(await policy.get("a"), "made a");
    const { item } = await client.get({ segment: "seg", id: "a" });
    assert.equal(item, "made a");
  },

  "cache-manager-ioredis-yet": async ({ open }) => {
    const [manager, adapter] = ["cache-manager", "cache-manager-ioredis-yet"];
    const { caching } = await import(manager);
    const { redisInsStore } = await import(adapter);
    const cache = await caching(redisInsStore(open(), { ttl: 5_000 }));
    assert.equal(await cache.wrap("k", async () => "made"), "made");
    assert.equal(await cache.wrap("k", async () => "made again"), "made");
    await cache.store.mset([
      ["a", 1],
      ["b", 2],
    ]);
    assert.deepEqual(await cache.store.mget("a", "b"), [1, 2]);
  },

  bentocache: async ({ open, atEnd }) => {
    const [name, drivers] = ["bentocache", "bentocache/drivers/redis"];
    const { BentoCache, bentostore } = await import(name);
    const { redisDriver, redisBusDriver } = await import(drivers);
    const connection = open();
    const store = bentostore()
      .useL2Layer(redisDriver({ connection }))
      .useBus(redisBusDriver({ connection: connection.options }));
    const cache = new BentoCache({ default: "r", stores: { r: store } });
    atEnd(() => cache.disconnectAll());
    assert.equal(await cache.getOrSet({ key: "k", factory: async () => "made" }), "made");
    assert.equal(await cache.get({ key: "k" }), "made");
  },

  "@envelop/response-cache-redis": async ({ open, load }) => {
    const { createRedisCache } = load("@envelop/response-cache-redis");
    const cache = createRedisCache({ redis: open() });
    await cache.set("id", { data: { user: 1 } }, [{ typename: "User", id: "1" }], 5_000);
    assert.deepEqual(await cache.get("id"), { data: { user: 1 } });
    await cache.invalidate([{ typename: "User", id: "1" }]);
    assert.equal(await cache.get("id"), undefined);
  },

  "@type-cacheable/ioredis-adapter": async ({ open, load }) => {
    const { useAdapter } = load("@type-cacheable/ioredis-adapter");
    const adapter = useAdapter(open());
    await adapter.set("k", { a: 1 }, 5);
    assert.deepEqual(await adapter.get("k"), { a: 1 });
    assert.deepEqual(await adapter.keys("*k*"), ["k"]);
    await adapter.del("k");
    assert.equal(await adapter.get("k"), null);
  },

  "@grammyjs/storage-redis": async ({ open, load }) => {
    const { RedisAdapter } = load("@grammyjs/storage-redis");
    const storage = new RedisAdapter({ instance: open(), ttl: 5 });
    await storage.write("chat", { n: 1 });
    assert.deepEqual(await storage.read("chat"), { n: 1 });
    await storage.delete("chat");
    assert.equal(await storage.read("chat"), undefined);
  },

  unstorage: async ({ port, atEnd }) => {
    const [name, driver] = ["unstorage", "unstorage/drivers/redis"];
    const { createStorage } = await import(name);
    const { default: redisDriver } = await import(driver);
    const storage = createStorage({ driver: redisDriver({ base: "u", host: "127.0.0.1", port }) });
    atEnd(() => storage.dispose());
    await storage.setItem("a", { n: 1 });
    assert.deepEqual(await storage.getItem("a"), { n: 1 });
    assert.deepEqual(await storage.getKeys(), ["a"]);
  },

  "typeorm's cache": async ({ port, load, atEnd }) => {
    const { DataSource, EntitySchema } = load("typeorm");
    const User = new EntitySchema({
      name: "user",
      columns: { id: { type: Number, primary: true }, name: { type: String } },
    });
    const source = new DataSource({
      type: "sqljs",
      entities: [User],
      synchronize: true,
      cache: { type: "ioredis", options: { host: "127.0.0.1", port }, duration: 5_000 },
    });
    await source.initialize();
    atEnd(() => source.destroy());
    const users = source.getRepository(User);
    await users.insert({ id: 1, name: "ada" });
    const cached = () => users.find({ cache: { id: "all", milliseconds: 5_000 } });
    assert.equal((await cached()).length, 1);
    await users.insert({ id: 2, name: "grace" });
    assert.equal((await cached()).length, 1);
    await source.queryResultCache.remove(["all"]);
    assert.equal((await cached()).length, 2);
  },
};
