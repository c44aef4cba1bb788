/**
 * Free loopback ports for servers that come and go. Not from the ephemeral range: while such a server is down, the
 * kernel may give its port to somebody's outgoing connection, and a client that dials it may even connect to itself.
 */
import { createServer } from "node:net";

/** Lowest and highest port handed out. A Cluster bus port (+ 10,000) stays below the ephemeral range too. */
const LOWEST = 11_000;
const HIGHEST = 21_999;

const given = new Set();

/**
 * A port on which nothing listens, and which no other process that asks here gets while this one lives, even while its
 * server is down. A stranger may still take it first: callers that bind it retry.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let tries = 0; tries < 200; tries++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFree(port)) && (await reserve(port))) return port;
    given.delete(port);
  }
  throw new Error(`no free loopback port found between ${LOWEST} and ${HIGHEST}`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * Holds a name that only one process of this machine can hold, and that the kernel lets go when the process ends. Where
 * there are no such names (they are Linux's), every process looks after itself.
 * @param {number} port
 * @returns {Promise<boolean>} whether the name was free
 */
function reserve(port) {
  if (process.platform !== "linux") return Promise.resolve(true);
  return new Promise((resolve) => {
    const holder = createServer();
    holder.once("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code !== "EADDRINUSE"));
    holder.listen(`\0lab-port-${port}`, () => resolve(true)).unref();
  });
}
