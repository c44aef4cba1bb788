/** Plugins and transports of web and service frameworks. */
import assert from "node:assert/strict";

/** @import { Smoke } from "./run.mjs" */

/** @type {Record<string, Smoke>} */
export const frameworks = {
  "@fastify/redis": async ({ open, load, atEnd }) => {
    const app = load("fastify")();
    atEnd(() => app.close());
    await app.register(load("@fastify/redis"), { client: open() });
    app.get("/", async () => app.redis.incr("visits"));
    await app.inject("/");
    assert.equal((await app.inject("/")).body, "2");
  },

  "@fastify/rate-limit": async ({ open, load, atEnd }) => {
    const app = load("fastify")();
    atEnd(() => app.close());
    await app.register(load("@fastify/rate-limit"), { max: 2, timeWindow: 5_000, redis: open() });
    app.get("/", async () => "ok");
    await app.inject("/");
    assert.equal((await app.inject("/")).statusCode, 200);
    assert.equal((await app.inject("/")).statusCode, 429);
  },

  "@nestjs-modules/ioredis": async ({ url, load, atEnd }) => {
    load("reflect-metadata");
    const { NestFactory } = load("@nestjs/core");
    const { RedisModule, getRedisConnectionToken } = load("@nestjs-modules/ioredis");
    const module = { module: class App {}, imports: [RedisModule.forRoot({ type: "single", url })] };
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    atEnd(() => app.close());
    const redis = app.get(getRedisConnectionToken(), { strict: false });
    atEnd(() => redis.disconnect());
    assert.equal(await redis.set("k", "v"), "OK");
  },

  "@nestjs/microservices": async ({ port, load, atEnd }) => {
    load("reflect-metadata");
    const { ClientProxyFactory, ServerRedis, Transport } = load("@nestjs/microservices");
    const { firstValueFrom } = load("rxjs");
    const options = { host: "127.0.0.1", port };
    const server = new ServerRedis(options);
    atEnd(() => server.close());
    server.addHandler("sum", async (/** @type {number[]} */ numbers) => numbers.reduce((a, b) => a + b, 0));
    await new Promise((resolve, reject) =>
      server.listen((/** @type {any} */ error) => (error ? reject(error) : resolve(undefined))),
    );
    const client = ClientProxyFactory.create({ transport: Transport.REDIS, options });
    atEnd(() => client.close());
    await client.connect();
    assert.equal(await firstValueFrom(client.send("sum", [1, 2, 3])), 6);
  },

  moleculer: async ({ url, load, atEnd }) => {
    const { ServiceBroker } = load("moleculer");
    const brokers = ["a", "b"].map(
      (nodeID) => new ServiceBroker({ nodeID, transporter: url, cacher: url, logger: false }),
    );
    const [one, other] = brokers;
    let calls = 0;
    one.createService({
      name: "math",
      actions: {
        add: {
          cache: { keys: ["a", "b"] },
          handler: (/** @type {any} */ { params }) => (calls++, params.a + params.b),
        },
      },
    });
    for (const broker of brokers) {
      await broker.start();
      atEnd(() => broker.stop());
    }
    await other.waitForServices("math");
    assert.equal(await other.call("math.add", { a: 1, b: 2 }), 3);
    assert.equal(await other.call("math.add", { a: 1, b: 2 }), 3);
    assert.equal(calls, 1);
  },
};
