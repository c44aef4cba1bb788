/**
 * Faults that happen to single commands of a client, by rules, and an account of what the server has executed: a relay on loopback
 * between the client and its server. RESP in plain text only: what is encrypted cannot be read.
 */
import { createServer } from "node:net";
import { ChaosLink } from "./chaos-link.mjs";
import { Rule } from "./chaos-rules.mjs";
import { freePort } from "./free-port.mjs";

/**
 * @typedef {import("./chaos-rules.mjs").ChaosRule} ChaosRule
 *
 * @typedef {object} ChaosTarget Where the server is.
 * @property {number} port
 * @property {string} [host] Default: 127.0.0.1
 */

/**
 * What a client of ioredis or of this package has, as far as it is led through the relay.
 * @typedef {object} ChaosClient
 * @property {{ host?: string | undefined, port?: number | undefined, path?: string | undefined, tls?: unknown, sentinels?: unknown }} options
 * @property {string} status
 * @property {(reconnect?: boolean) => void} disconnect
 * @property {(event: "ready", listener: () => void) => unknown} once
 */

/** @type {WeakMap<ChaosClient, Promise<Chaos>>} */
const ofClients = new WeakMap();

/**
 * Leads a client through a relay, and has a fault happen to its commands. Call it before the client is used: connections that it
 * has made besides its shared one stay where they are. Further calls for the same client add rules.
 *
 * @param {ChaosClient} client
 * @param {ChaosRule} [rule]
 * @returns {Promise<Chaos>} once the client is connected through the relay, or at once if nobody has connected it yet
 * @throws {TypeError} when the rule is none, or the client uses TLS or Sentinels or is one of a Cluster
 */
export async function chaos(client, rule) {
  let made = ofClients.get(client);
  if (made === undefined) ofClients.set(client, (made = lead(client)));
  const relay = await made;
  if (rule !== undefined) relay.rule(rule);
  return relay;
}

/** @param {ChaosClient} client */
async function lead(client) {
  const { options } = client;
  if (options.tls || options.sentinels) throw new TypeError("chaos needs a client without TLS and Sentinels");
  if ("nodes" in client)
    throw new TypeError("chaos needs a client of one server: of a Cluster, startChaos() for a node");
  const { host = "localhost", port = 6379, path } = options;
  const relay = await startChaos(path ? { path } : { host, port });
  Object.assign(options, { host: relay.host, port: relay.port, path: undefined });
  if (client.status === "wait" || client.status === "end") return relay;
  await new Promise((resolve) => {
    client.once("ready", () => resolve(undefined));
    client.disconnect(true);
  });
  return relay;
}

/**
 * Starts a relay in front of a server. Clients that connect to its `port` have the faults of its rules.
 * @param {ChaosTarget | { readonly path: string }} target
 */
export function startChaos(target) {
  return Chaos.start(target);
}

export class Chaos {
  /** Where it listens. @readonly */
  host = "127.0.0.1";
  #target;
  /** @type {Set<ChaosLink>} */
  #links = new Set();
  /** @type {Rule[]} */
  #rules = [];
  /** @type {Map<string, number>} */
  #sends = new Map();
  /** @type {Map<string, number>} */
  #executions = new Map();
  /** @type {Set<NodeJS.Timeout>} */
  #timers = new Set();
  #isFrozen = false;
  #isStopped = false;
  #server = createServer({ noDelay: true }, (socket) => this.#accept(socket));

  /**
   * @param {ChaosTarget | { readonly path: string }} target
   * @param {number} port
   */
  constructor(target, port) {
    this.#target = target;
    /** Where clients connect. @readonly */
    this.port = port;
  }

  /** @param {ChaosTarget | { readonly path: string }} target */
  static async start(target) {
    for (let tries = 1; ; tries++) {
      const relay = new Chaos(target, await freePort());
      try {
        await relay.#listen();
        return relay;
      } catch (error) {
        if (tries >= 5) throw error;
      }
    }
  }

  /**
   * Adds a rule. The first that takes a command decides. Returns what tells how often it has happened.
   * @param {ChaosRule} rule
   * @returns {{ readonly hits: number }}
   * @throws {TypeError} when it is none
   */
  rule(rule) {
    const made = new Rule(rule);
    this.#rules.push(made);
    return made;
  }

  /** Forgets all rules; what has begun goes on. */
  clear() {
    this.#rules = [];
  }

  /**
   * How often the server has executed a command of this name, in transactions too, as its replies say. What it refused with an error is
   * not counted, and what it has not answered yet neither.
   * @param {string} name
   */
  executions(name) {
    return this.#executions.get(name.toLowerCase()) ?? 0;
  }

  /**
   * How often a command of this name was passed on to the server.
   * @param {string} name
   */
  sends(name) {
    return this.#sends.get(name.toLowerCase()) ?? 0;
  }

  /** Resets every connection. What was passed on is still executed. Returns how many there were. */
  cutAll() {
    const all = [...this.#links];
    for (const link of all) link.cut();
    return all.length;
  }

  /**
   * Nothing moves on any connection for so many milliseconds, the present and new ones.
   * @param {number} ms
   */
  freezeFor(ms) {
    this.#freeze(true);
    this.#later(ms, () => this.#freeze(false));
  }

  /**
   * Resets every connection and refuses new ones for so many milliseconds.
   * @param {number} ms
   */
  refuseFor(ms) {
    if (this.#server.listening) this.#server.close();
    this.cutAll();
    this.#later(ms, () => {
      if (!this.#isStopped) void this.#listen().catch(() => undefined);
    });
  }

  /** Ends all connections and stops listening. Idempotent. */
  async stop() {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.cutAll();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }

  /** @returns {Promise<void>} */
  #listen() {
    return new Promise((resolve, reject) => {
      if (this.#server.listening) return resolve();
      this.#server.once("error", reject);
      this.#server.listen({ port: this.port, host: this.host, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        // Whoever forgets to stop it must not wait for it.
        this.#server.unref();
        resolve();
      });
    });
  }

  /** @param {import("node:net").Socket} socket */
  #accept(socket) {
    const link = new ChaosLink(this.#target, socket, {
      ruleFor: (command) => this.#rules.find((rule) => rule.takes(command)),
      sent: (name) => void this.#sends.set(name, this.sends(name) + 1),
      executed: (name) => void this.#executions.set(name, this.executions(name) + 1),
      freezeFor: (ms) => this.freezeFor(ms),
      refuseFor: (ms) => this.refuseFor(ms),
      closed: () => void this.#links.delete(link),
    });
    this.#links.add(link);
    if (this.#isFrozen) link.freeze(true);
  }

  /** @param {boolean} isFrozen */
  #freeze(isFrozen) {
    this.#isFrozen = isFrozen;
    for (const link of this.#links) link.freeze(isFrozen);
  }

  /**
   * @param {number} ms
   * @param {() => void} run
   */
  #later(ms, run) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}
