/**
 * Runs a short piece of work with each package that takes an ioredis client, and prints one line of JSON for each. Started in a
 * folder where they are installed, with `--import ioredoubt/register` or without: some make their client themselves.
 */
import { once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { frameworks } from "./frameworks.mjs";
import { limits } from "./limits.mjs";
import { messages } from "./messages.mjs";
import { queues } from "./queues.mjs";
import { stores } from "./stores.mjs";

/**
 * @typedef {object} Ground
 * @property {(options?: object) => any} open - a client, which is closed at the end.
 * @property {number} port
 * @property {string} url
 * @property {(name: string) => any} load - the CommonJS exports of a package.
 * @property {(close: () => unknown) => void} atEnd
 * @typedef {(ground: Ground) => Promise<void>} Smoke
 */

const load = createRequire(import.meta.url);
const { Redis } = load("ioredis");
const port = Number(process.env["PORT"]);
const wanted = process.argv.slice(2);

/** @param {Smoke} smoke */
async function tryOut(smoke) {
  /** @type {(() => unknown)[]} */
  const endings = [];
  const atEnd = (/** @type {() => unknown} */ close) => endings.push(close);
  const open = (options = {}) => {
    const client = new Redis({ host: "127.0.0.1", port, ...options });
    atEnd(() => client.disconnect());
    return client;
  };
  const url = `redis://127.0.0.1:${port}`;
  const within = (/** @type {number} */ ms, /** @type {Promise<unknown>} */ work) =>
    Promise.race([work, sleep(ms).then(() => Promise.reject(new Error("took too long")))]);
  try {
    await within(20_000, smoke({ open, port, url, load, atEnd }));
    return { ok: true };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    for (const close of endings.reverse()) await within(5_000, (async () => close())()).catch(() => undefined);
  }
}

for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (reason) => console.log(JSON.stringify({ name: event, error: String(reason?.stack ?? reason) })));
}
const all = { ...queues, ...limits, ...messages, ...stores, ...frameworks };
for (const [name, smoke] of Object.entries(all)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const flush = new Redis({ host: "127.0.0.1", port });
  await flush.flushall();
  flush.disconnect();
  await once(flush, "end");
  console.log(JSON.stringify({ name, ...(await tryOut(smoke)) }));
}
process.exit(0);
