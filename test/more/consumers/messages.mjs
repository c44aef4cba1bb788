/** Messages between processes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

/** @import { Smoke, Ground } from "./run.mjs" */

/**
 * Two servers of socket.io over one Redis; what one emits, the client of the other hears.
 *
 * @param {Ground} ground
 * @param {() => any} adapter
 */
async function twoServers({ load, atEnd }, adapter) {
  const { Server } = load("socket.io");
  const { io } = load("socket.io-client");
  /** @type {any[]} */
  const servers = [];
  for (let n = 0; n < 2; n++) {
    const http = createServer().listen(0, "127.0.0.1");
    await once(http, "listening");
    const server = new Server(http, { adapter: adapter() });
    atEnd(() => server.close());
    servers.push({ server, port: /** @type {any} */ (http.address()).port });
  }
  const client = io(`http://127.0.0.1:${servers[1].port}`, { transports: ["websocket"] });
  atEnd(() => client.close());
  await once(client, "connect");
  const heard = once(client, "news");
  // An adapter may still be subscribing.
  const again = setInterval(() => servers[0].server.emit("news", "hello"), 50);
  atEnd(() => clearInterval(again));
  assert.deepEqual(await heard, ["hello"]);
  clearInterval(again);
  return servers;
}

/** @type {Record<string, Smoke>} */
export const messages = {
  "@socket.io/redis-adapter": async (ground) => {
    const { createAdapter } = ground.load("@socket.io/redis-adapter");
    const redis = ground.open();
    const servers = await twoServers(ground, () => createAdapter(redis, ground.open()));
    assert.equal((await servers[0].server.fetchSockets()).length, 1);
  },

  "@socket.io/redis-streams-adapter": async (ground) => {
    const { createAdapter } = ground.load("@socket.io/redis-streams-adapter");
    await twoServers(ground, () => createAdapter(ground.open()));
  },

  "@socket.io/redis-emitter": async (ground) => {
    const { createAdapter } = ground.load("@socket.io/redis-adapter");
    const { Emitter } = ground.load("@socket.io/redis-emitter");
    const [{ server, port }] = await twoServers(ground, () => createAdapter(ground.open(), ground.open()));
    const client = ground.load("socket.io-client").io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
    ground.atEnd(() => client.close());
    await once(client, "connect");
    const heard = once(client, "outside");
    new Emitter(ground.open()).emit("outside", "hello");
    assert.deepEqual(await heard, ["hello"]);
    assert.equal(server.engine.clientsCount, 1);
  },

  "graphql-redis-subscriptions": async ({ open, load, atEnd }) => {
    const { RedisPubSub } = load("graphql-redis-subscriptions");
    const pubsub = new RedisPubSub({ publisher: open(), subscriber: open() });
    atEnd(() => pubsub.close());
    const messages = pubsub.asyncIterableIterator("news");
    const first = messages.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pubsub.publish("news", { text: "hello" });
    assert.deepEqual((await first).value, { text: "hello" });
    await messages.return();
  },

  "@graphql-yoga/redis-event-target": async ({ open, load }) => {
    const { createRedisEventTarget } = load("@graphql-yoga/redis-event-target");
    const target = createRedisEventTarget({ publishClient: open(), subscribeClient: open() });
    const heard = new Promise((resolve) =>
      target.addEventListener("news", (/** @type {any} */ e) => resolve(e.detail)),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    target.dispatchEvent(new CustomEvent("news", { detail: { text: "hello" } }));
    assert.deepEqual(await heard, { text: "hello" });
  },

  "resumable-stream": async ({ open }) => {
    const name = "resumable-stream/ioredis";
    const { createResumableStreamContext } = await import(name);
    const context = () =>
      createResumableStreamContext({ waitUntil: null, publisher: open(), subscriber: open(), keyPrefix: "r" });
    /** @type {ReadableStreamDefaultController<string> | undefined} */
    let source;
    const make = () => new ReadableStream({ start: (controller) => void (source = controller) });
    const stream = await context().resumableStream("id", make);
    source?.enqueue("hello ");
    const second = await context().resumableStream("id", make);
    source?.enqueue("world");
    source?.close();
    const text = async (/** @type {any} */ from) => {
      let all = "";
      for await (const part of from) all += part;
      return all;
    };
    assert.equal(await text(stream), "hello world");
    assert.equal(await text(second), "hello world");
  },

  "mqemitter-redis": async ({ port, load, atEnd }) => {
    const emitter = load("mqemitter-redis")({ port, host: "127.0.0.1" });
    atEnd(() => new Promise((resolve) => emitter.close(resolve)));
    const heard = new Promise((resolve) => {
      emitter.on(
        "news/#",
        (/** @type {any} */ message, /** @type {() => void} */ done) => {
          done();
          resolve(message.text);
        },
        () => emitter.emit({ topic: "news/today", text: "hello" }),
      );
    });
    assert.equal(await heard, "hello");
  },

  "@hocuspocus/extension-redis": async ({ open, atEnd }) => {
    const [server, extension, yjs] = ["@hocuspocus/server", "@hocuspocus/extension-redis", "yjs"];
    const { Hocuspocus } = await import(server);
    const { Redis } = await import(extension);
    const { applyUpdate, encodeStateAsUpdate } = await import(yjs);
    const documents = [];
    for (let n = 0; n < 2; n++) {
      const hocuspocus = new Hocuspocus({ quiet: true, extensions: [new Redis({ redis: open(), prefix: "h" })] });
      const connection = await hocuspocus.openDirectConnection("page", {});
      atEnd(() => connection.disconnect());
      documents.push(connection);
    }
    const [one, other] = documents;
    const changed = once(other.document, "update");
    await one.transact((/** @type {any} */ document) => document.getText("t").insert(0, "hello"));
    await changed;
    applyUpdate(other.document, encodeStateAsUpdate(one.document));
    assert.equal(String(other.document.getText("t")), "hello");
  },
};
