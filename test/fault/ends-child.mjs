/**
 * One state of a client, ended in every way with everything that can wait; prints what came of it as JSON, and then has to
 * end by itself. Run by `ends.test.ts`, in a process of its own.
 */
import { connect, createServer } from "node:net";
import { once } from "node:events";

/**
 * @typedef {import("../../src/index.js").Redis} Client
 * @typedef {{ options: Record<string, unknown> & { port?: string | number | undefined }; resilience?: object; reach: (redis: Client) => unknown }} State
 */

const [entry = "", state = "", redisPort, deadPort] = process.argv.slice(2);
/** @type {{ Redis: new (options: object) => Client }} */
const { Redis } = await import(entry);

const DEADLINE = 1_500;
/** @type {Record<string, (redis: Client) => Promise<unknown>[]>} */
const WAITS = {
  nothing: () => [],
  commands: (redis) => [redis.get("k"), redis.incr("n"), redis.pipeline().get("k").exec()],
  "a blocking command": (redis) => [redis.blpop("ends:nothing-comes", 0)],
};
/** @type {Record<string, (redis: Client) => unknown>} */
const ENDINGS = {
  quit: (redis) => redis.quit(),
  close: (redis) => redis.close({ drain: 4_000 }),
  disconnect: (redis) => redis.disconnect(),
};

const turn = () => new Promise((resolve) => setImmediate(resolve));
/** @param {() => boolean} holds */
async function until(holds) {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`never came to the state: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const sockets = new Set();
/**
 * A listener that does with each connection what `serve` says.
 * @param {(socket: import("node:net").Socket) => unknown} serve
 */
async function listener(serve) {
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
}
const silentPort = await listener((socket) => socket.resume());
let isFrozen = false;
const proxyPort = await listener((socket) => {
  const upstream = connect(Number(redisPort), "127.0.0.1").on("error", () => undefined);
  sockets.add(upstream);
  socket.on("data", (bytes) => isFrozen || upstream.write(bytes));
  upstream.on("data", (bytes) => isFrozen || socket.write(bytes));
  socket.on("close", () => upstream.destroy());
  upstream.on("close", () => socket.destroy());
});

/**
 * How a client comes into each state.
 * @type {Record<string, State>}
 */
const STATES = {
  wait: { options: { port: redisPort, lazyConnect: true }, reach: (redis) => until(() => redis.status === "wait") },
  connecting: { options: { port: redisPort }, reach: () => undefined },
  connect: { options: { port: silentPort }, reach: (redis) => until(() => redis.status === "connect") },
  ready: { options: { port: redisPort }, reach: (redis) => redis.ping() },
  reconnecting: {
    options: { port: deadPort, retryStrategy: () => 60_000 },
    reach: (redis) => until(() => redis.status === "reconnecting"),
  },
  "circuit open": {
    options: { port: deadPort, retryStrategy: () => 60_000 },
    resilience: { breaker: { downAfter: 0 } },
    reach: (redis) => until(() => redis.stats().breaker.readWrite.state === "open" && redis.status === "reconnecting"),
  },
  "waits for ever": {
    options: { port: deadPort, maxRetriesPerRequest: null, retryStrategy: () => 60_000 },
    reach: (redis) => until(() => redis.status === "reconnecting"),
  },
  blocked: {
    options: { port: redisPort },
    resilience: { pool: { blocking: 0 } },
    reach: async (redis) => {
      await redis.ping();
      redis.blpop("ends:nothing-comes", 0).catch(() => undefined);
      await turn();
    },
  },
  draining: {
    options: { port: redisPort },
    reach: async (redis) => {
      await redis.ping();
      redis.get("k").catch(() => undefined);
      redis.quit().catch(() => undefined);
    },
  },
  frozen: {
    options: { port: proxyPort },
    reach: async (redis) => {
      isFrozen = false;
      await redis.ping();
      isFrozen = true;
    },
  },
  "sentinel lookup": {
    options: { sentinels: [{ host: "127.0.0.1", port: silentPort }], name: "main" },
    reach: (redis) => until(() => redis.status === "connecting"),
  },
  "sentinel refused": {
    options: { sentinels: [{ host: "127.0.0.1", port: deadPort }], name: "main" },
    reach: (redis) => until(() => redis.status !== "wait"),
  },
  lanes: {
    options: { port: deadPort, retryStrategy: () => 60_000 },
    resilience: { pool: { size: 3 } },
    reach: (redis) => until(() => redis.status === "reconnecting"),
  },
};

/** @param {unknown} promise */
async function settled(promise) {
  const startedAt = performance.now();
  const outcome = await Promise.resolve(promise).then(
    (value) => ({ value: String(value) }),
    (error) => ({ error: error.code ?? error.name }),
  );
  return { ...outcome, ms: Math.round(performance.now() - startedAt) };
}

const chosen = STATES[state];
if (chosen === undefined) throw new Error(`no such state: ${state}`);
const { options, resilience, reach } = chosen;
const results = [];
for (const [ending, end] of Object.entries(ENDINGS)) {
  for (const [waiting, wait] of Object.entries(WAITS)) {
    isFrozen = false;
    const redis = new Redis({
      host: "127.0.0.1",
      ...options,
      port: Number(options.port ?? 0) || undefined,
      resilience: { logger: false, doctor: false, deadline: DEADLINE, ...resilience },
    });
    redis.on("error", () => undefined);
    const ended = new Promise((resolve) => redis.once("end", resolve));
    await reach(redis);
    const calls = wait(redis).map(settled);
    await turn();
    const startedAt = performance.now();
    const ms = () => Math.round(performance.now() - startedAt);
    const outcome = await settled(end(redis));
    await ended;
    const endAfter = ms();
    const outcomes = await Promise.all(calls);
    results.push({ ending, waiting, outcome, endAfter, settledAfter: ms(), outcomes, status: redis.status });
  }
}
for (const socket of sockets) socket.destroy();
console.log(JSON.stringify({ results, lasted: Math.round(performance.now()) }));
