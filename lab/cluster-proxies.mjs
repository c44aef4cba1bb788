/** A fault proxy in front of each node of a cluster. Clients find them by `natMap`, as they find nodes behind address translation. */
import { startProxy } from "./fault-proxy.mjs";

export class ClusterProxies {
  /** By the port of the node. @type {ReadonlyMap<number, import("./fault-proxy.mjs").FaultProxy>} */
  #proxies;

  /** @param {ReadonlyMap<number, import("./fault-proxy.mjs").FaultProxy>} proxies */
  constructor(proxies) {
    this.#proxies = proxies;
  }

  /** @param {import("./redis-cluster.mjs").RedisCluster} cluster */
  static async start(cluster) {
    const ports = cluster.nodes.map(({ server }) => server.port);
    const proxies = await Promise.all(ports.map((port) => startProxy({ target: { port } })));
    return new ClusterProxies(new Map(proxies.map((proxy, at) => [ports[at] ?? 0, proxy])));
  }

  /** Start nodes for a client. */
  get startNodes() {
    return [...this.#proxies.values()].map(({ host, port }) => ({ host, port }));
  }

  /** What the cluster announces, and how it is reached. */
  get natMap() {
    const pairs = [...this.#proxies].map(([port, proxy]) => [
      `127.0.0.1:${port}`,
      { host: proxy.host, port: proxy.port },
    ]);
    return /** @type {Record<string, { host: string, port: number }>} */ (Object.fromEntries(pairs));
  }

  /** @param {import("./redis-cluster.mjs").ClusterNode} node */
  of({ server }) {
    const proxy = this.#proxies.get(server.port);
    if (proxy === undefined) throw new Error(`no proxy stands before ${server.port}`);
    return proxy;
  }

  async stop() {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.stop()));
  }
}
