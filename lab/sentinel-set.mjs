/**
 * A real Sentinel set on loopback: a master, its replicas and the Sentinels that watch them, each a redis-server of its own.
 * What is told of it is asked past TCP, as everywhere in this folder, so that no look is seen, delayed or refused by a fault.
 */
import { startProxy } from "./fault-proxy.mjs";
import { freePort } from "./free-port.mjs";
import { startRedis } from "./redis-server.mjs";

/** Sentinels find each other by messages every 2 s and replicas by INFO; a busy machine takes longer. */
const SETTLED_WITHIN = 45_000;
const LOOK_EVERY = 50;

/**
 * @typedef {import("./tls.mjs").KeyPair} KeyPair
 * @typedef {import("./redis-server.mjs").RedisServer} RedisServer
 * @typedef {import("./fault-proxy.mjs").FaultProxy} FaultProxy
 *
 * @typedef {object} SentinelSetOptions
 * @property {string} [name] of the set, default `mymaster`
 * @property {number} [replicas] default 2
 * @property {number} [sentinels] default 3
 * @property {number} [quorum] default: a majority of the Sentinels
 * @property {number} [downAfter] `down-after-milliseconds`, default 1000
 * @property {number} [failoverTimeout] milliseconds, default 5000
 * @property {string} [password] of the servers
 * @property {string} [sentinelPassword] of the Sentinels
 * @property {KeyPair} [tls] the servers replicate over TLS, announce their TLS ports and are watched over TLS
 * @property {KeyPair} [sentinelTls] the Sentinels have a TLS port, too
 * @property {boolean} [hostNames] everybody is announced as `localhost`
 * @property {boolean} [proxied] each server is announced as a fault proxy in front of it, for the Sentinels and replicas too
 * @property {readonly string[]} [config] more lines for redis.conf of each server
 */

/**
 * Starts a set and resolves when all Sentinels know each other and every replica follows. All of it dies with this process.
 * @param {SentinelSetOptions} [options]
 */
export async function startSentinelSet(options = {}) {
  const set = new SentinelSet(options);
  try {
    await set.launch();
    return set;
  } catch (error) {
    await set.stop();
    throw error;
  }
}

export class SentinelSet {
  /** The servers, first the one that began as master. @type {RedisServer[]} */
  nodes = [];
  /** All Sentinels. @type {RedisServer[]} */
  sentinels = [];
  /** In front of the server of the same place in `nodes`; none where the set is not proxied. @type {FaultProxy[]} */
  proxies = [];
  #options;

  /** @param {SentinelSetOptions} options */
  constructor(options) {
    this.#options = options;
    /** What the Sentinels call it. @readonly */
    this.name = options.name ?? "mymaster";
    /** As clients write it. @readonly */
    this.host = options.hostNames ? "localhost" : "127.0.0.1";
  }

  async launch() {
    const { replicas = 2, sentinels = 3, proxied = false } = this.#options;
    const ports = await Promise.all(Array.from({ length: replicas + 1 }, () => this.#ports()));
    if (proxied)
      this.proxies = await Promise.all(
        ports.map(({ port, tls }) => startProxy({ target: { port: tls?.port ?? port } })),
      );
    this.nodes = await Promise.all(ports.map(({ port, tls }, i) => this.#startNode(port, tls, i, ports[0])));
    await this.#until("the replicas follow", () => this.#follow(this.nodes[0], replicas));
    this.sentinels = await Promise.all(Array.from({ length: sentinels }, () => this.#startSentinel()));
    await this.#until("the Sentinels know each other", async () => {
      const known = await Promise.all(this.sentinels.map((one) => this.about(one)));
      return known.every(
        (about) =>
          about.get("num-slaves") === String(replicas) && about.get("num-other-sentinels") === String(sentinels - 1),
      );
    });
  }

  async #ports() {
    const { tls } = this.#options;
    return { port: await freePort(), tls: tls && { ...tls, port: await freePort() } };
  }

  /**
   * @param {number} port
   * @param {(KeyPair & { port: number }) | undefined} tls
   * @param {number} i
   * @param {{ port: number, tls: { port: number } | undefined } | undefined} master
   */
  #startNode(port, tls, i, master) {
    const { password, config = [], hostNames = false } = this.#options;
    const proxy = this.proxies[i];
    const first = this.proxies[0]?.port ?? master?.tls?.port ?? master?.port ?? 0;
    const lines = ["repl-diskless-sync-delay 0", "repl-ping-replica-period 1"];
    if (password !== undefined) lines.push(`masterauth ${JSON.stringify(password)}`);
    if (tls !== undefined) lines.push("tls-replication yes");
    if (hostNames || proxy !== undefined) lines.push(`replica-announce-ip ${this.host}`);
    if (proxy !== undefined) lines.push(`replica-announce-port ${proxy.port}`);
    if (i > 0) lines.push(`replicaof ${this.host} ${first}`);
    return startRedis({
      port,
      config: [...lines, ...config],
      ...(tls && { tls }),
      ...(password !== undefined && { password }),
    });
  }

  #startSentinel() {
    const { sentinels = 3, downAfter = 1000, failoverTimeout = 5000, password, sentinelPassword } = this.#options;
    const { tls, sentinelTls, hostNames = false, quorum = Math.floor(sentinels / 2) + 1 } = this.#options;
    const [master] = this.nodes;
    const lines = hostNames ? ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"] : [];
    lines.push(
      `sentinel monitor ${this.name} ${this.host} ${master === undefined ? 0 : this.portOf(master)} ${quorum}`,
      `sentinel down-after-milliseconds ${this.name} ${downAfter}`,
      `sentinel failover-timeout ${this.name} ${failoverTimeout}`,
      `sentinel parallel-syncs ${this.name} 2`,
    );
    if (password !== undefined) lines.push(`sentinel auth-pass ${this.name} ${password}`);
    if (sentinelPassword !== undefined) lines.push(`sentinel sentinel-pass ${sentinelPassword}`);
    if (tls !== undefined) lines.push("tls-replication yes");
    const keys = sentinelTls ?? tls;
    return startRedis({
      args: ["--sentinel"],
      config: lines,
      ...(keys && { tls: keys }),
      ...(sentinelPassword !== undefined && { password: sentinelPassword }),
    });
  }

  /** The port under which a server is announced. @param {RedisServer} node */
  portOf(node) {
    return this.proxies[this.nodes.indexOf(node)]?.port ?? node.tlsPort ?? node.port;
  }

  /** What a client of either kind is given to find the set, without its passwords and certificates. */
  get addresses() {
    const port = (/** @type {RedisServer} */ one) =>
      this.#options.sentinelTls === undefined ? one.port : (one.tlsPort ?? one.port);
    return { name: this.name, sentinels: this.sentinels.map((one) => ({ host: this.host, port: port(one) })) };
  }

  /** What one Sentinel knows of the master; empty where it does not answer. @param {RedisServer} sentinel */
  async about(sentinel) {
    /** @type {unknown[]} */
    const fields = /** @type {any} */ (await sentinel.call("SENTINEL", "MASTER", this.name).catch(() => []));
    /** @type {Map<string, string>} */
    const about = new Map();
    for (let i = 0; i + 1 < fields.length; i += 2) about.set(String(fields[i]), String(fields[i + 1]));
    return about;
  }

  /** The master that the first Sentinel to answer names. A frozen one must be left out. @param {RedisServer[]} [asked] */
  async master(asked = this.sentinels) {
    for (const sentinel of asked) {
      const port = (await this.about(sentinel)).get("port");
      const node = this.nodes.find((one) => String(this.portOf(one)) === port);
      if (node !== undefined) return node;
    }
    return undefined;
  }

  /** Resolves when every running server but the master follows it. @param {RedisServer[]} [asked] */
  async healthy(asked = this.sentinels) {
    /** @type {RedisServer | undefined} */
    let master;
    await this.#until("one master and its replicas", async () => {
      master = await this.master(asked);
      const others = this.nodes.filter((one) => one.running).length - 1;
      return master?.running === true && (await this.#follow(master, others));
    });
    return /** @type {RedisServer} */ (/** @type {unknown} */ (master));
  }

  /** @param {RedisServer | undefined} master @param {number} replicas */
  async #follow(master, replicas) {
    const info = await master?.cli("INFO", "replication").catch(() => "");
    return info?.includes("role:master") === true && (info.match(/state=online/g) ?? []).length === replicas;
  }

  /** @param {string} what @param {() => Promise<boolean>} isSo */
  async #until(what, isSo) {
    for (const until = Date.now() + SETTLED_WITHIN; !(await isSo());) {
      if (Date.now() > until) throw new Error(`a Sentinel set was not ready in ${SETTLED_WITHIN} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  }

  /** Ends all of it, whatever is frozen. */
  async stop() {
    await Promise.all([...this.sentinels, ...this.nodes].map((one) => one.stop()));
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}
