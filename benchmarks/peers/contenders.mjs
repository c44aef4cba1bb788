/** Who is measured, and with which options. Those marked optional take part where their package is installed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { glide } from "./glide.mjs";
import { ioredis, iovalkey, ours, wrapper } from "./ioredis-like.mjs";
import { nodeRedis } from "./node-redis.mjs";

/** @typedef {["incr" | "get", string]} Command */
/** @typedef {[error: any, reply: unknown]} Member */

/**
 * @typedef {object} Peer
 * @property {(key: string) => Promise<unknown>} incr
 * @property {(key: string, value: string) => Promise<unknown>} set
 * @property {(key: string) => Promise<unknown>} get
 * @property {(commands: readonly Command[]) => Promise<readonly Member[]>} pipeline
 * @property {(commands: readonly Command[]) => Promise<readonly unknown[]>} multi rejects when it was not executed whole
 * @property {(error: any) => boolean} saysNo whether the error promises that the command was not executed
 * @property {() => void} close
 */

/**
 * @typedef {object} Where
 * @property {string} host
 * @property {number} port
 * @property {(fields?: unknown, message?: unknown) => void} line told for each line of the log, or each `error` event where a client has no log
 * @property {(name: string) => Promise<any>} load imports an optional package
 */

/** @typedef {{ label: string, optional?: string, make: (where: Where) => Promise<Peer> }} Contender */

/** All that ioredis's documents offer against what happens here, with the limits that people give it. */
const IOREDIS_BEST = {
  reconnectOnError: (/** @type {Error} */ error) => error.message.startsWith("READONLY"),
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 1,
  commandTimeout: 2000,
  connectTimeout: 2000,
  retryStrategy: (/** @type {number} */ times) => Math.min(times * 50, 1000),
};

const NODE_REDIS_PRODUCTION = {
  disableOfflineQueue: true,
  pingInterval: 1000,
  commandsQueueMaxLength: 10_000,
  socket: {
    connectTimeout: 2000,
    socketTimeout: 4000,
    reconnectStrategy: (/** @type {number} */ retries) => Math.min(retries * 50, 1000),
  },
};

/** Its default stays open for 5 s and does not count time-outs, which is what most of these faults look like to it. */
const GLIDE_BREAKER = { openTimeoutMs: 2000, countTimeouts: true, consecutiveSuccesses: 1 };

/** @type {Record<string, Contender>} */
export const PEERS = {
  ours: { label: "ioredoubt, production", make: ours("production") },
  "ours-cache": { label: "ioredoubt, cache", make: ours("cache") },
  "ours-worker": { label: "ioredoubt, worker", make: ours("worker") },
  ioredis: { label: "ioredis", make: ioredis({}) },
  "ioredis-tuned": {
    label: "ioredis, maxRetriesPerRequest 1, commandTimeout 2 s",
    make: ioredis({ maxRetriesPerRequest: 1, commandTimeout: 2000 }),
  },
  "ioredis-best": { label: "ioredis, all that its docs offer", make: ioredis(IOREDIS_BEST) },
  "node-redis": { label: "node-redis", make: nodeRedis({}) },
  "node-redis-production": { label: "node-redis, production options", make: nodeRedis(NODE_REDIS_PRODUCTION) },
  wrapper: { label: "pRetry(breaker.fire)", make: wrapper },
  iovalkey: { label: "iovalkey", optional: "iovalkey", make: iovalkey },
  glide: { label: "GLIDE", optional: "@valkey/valkey-glide", make: glide({}) },
  "glide-breaker": {
    label: "GLIDE, breaker and 2 s",
    optional: "@valkey/valkey-glide",
    make: glide({ requestTimeout: 2000, clientCircuitBreaker: GLIDE_BREAKER }),
  },
};

/**
 * Where an optional package is: among this project's, or in a folder that was named.
 * @param {string} name
 * @param {string | undefined} folder
 * @returns {string | undefined} its address, for `import`
 */
export function find(name, folder) {
  const from = folder === undefined ? import.meta.url : pathToFileURL(`${folder}/`);
  try {
    return pathToFileURL(createRequire(from).resolve(name)).href;
  } catch {
    return undefined;
  }
}

/**
 * Name and version of an installed optional package.
 * @param {string} name
 * @param {string | undefined} folder
 */
export function versionOf(name, folder) {
  const entry = find(name, folder);
  // From its entry upwards to the manifest that bears its name: not every package lets its own be imported.
  for (let at = entry && dirname(fileURLToPath(entry)); at !== undefined && at !== dirname(at); at = dirname(at)) {
    try {
      const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
      if (manifest.name === name) return `${name} ${manifest.version}`;
    } catch {
      // No manifest here.
    }
  }
  return name;
}
