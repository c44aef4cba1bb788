/**
 * A cluster whose password changes every two seconds at all of its nodes, the old one refused a second later, under load on every kind
 * of connection that a cluster client has, one of which is cut each second; and a provider that hangs once and throws once.
 */
import { expect } from "vitest";
import { startCluster, type RedisCluster } from "../../lab/redis-cluster.mjs";
import { startRecorder, type Recorded } from "../../lab/recorder.mjs";
import type { Cluster, ClusterOptions } from "../../src/cluster.js";
import { clientOf } from "./cluster-harness.js";
import { atEnd, sleep } from "./core-harness.js";
import { Callers, cutting, repeat, RotatingPassword } from "./rotating-password.js";

const FAULTS = { hangs: 2, throws: 9 };
/** Of a connection that only asks a start node who serves what. */
const SEED: ReadonlySet<string> = new Set(["auth", "client", "cluster", "info"]);

/** A connection, and what the provider had answered for its node by the end: it may miss a password where it hangs or throws. */
interface Connection {
  readonly connection: Recorded;
  readonly given: readonly string[];
  readonly due: readonly string[];
}

export interface ClusterRotation {
  /** Errors of callers, without those that a cut explains, which are counted. */
  readonly failed: readonly string[];
  readonly inFlight: number;
  readonly answered: number;
  readonly cut: number;
  /**
   * Connections that ended in another way; without those to start nodes, and to replicas, which are left where they are slow, and without
   * loans that were cut, whose next connection the pool ends.
   */
  readonly ended: number;
  readonly connections: readonly Connection[];
  /** Messages on a channel, and on the shard channels. */
  readonly heard: readonly number[];
  readonly questions: number;
  /** How often a node told the table. */
  readonly tables: number;
}

/** Three masters and three replicas that let nobody in but the user `app`, and each other. */
export async function startLockedCluster(): Promise<RedisCluster> {
  const acl = ["user default off", "user app on >p0 ~* &* +@all", "user repl on >repl ~* &* +@all"];
  const config = ["masteruser repl", "masterauth repl"];
  const cluster = await startCluster({ nodeTimeout: 5_000, server: { acl, config } });
  await cluster.whenReplicated();
  return cluster;
}

/** The same command at every node, as an administrator. */
async function everywhere(cluster: RedisCluster, ...command: readonly string[]): Promise<void> {
  await Promise.all(cluster.nodes.map(({ server }) => server.call(...command)));
}

/** A recorder in front of each node, and what a client needs to go through them. */
export async function recorded(cluster: RedisCluster) {
  const relays = await Promise.all(cluster.nodes.map(({ server }) => startRecorder(server.port)));
  atEnd(() => Promise.all(relays.map((relay) => relay.stop())));
  const natMap = Object.fromEntries(
    cluster.nodes.map(({ server }, at) => [`127.0.0.1:${server.port}`, { host: "127.0.0.1", port: relays[at]?.port ?? 0 }]), // prettier-ignore
  );
  return {
    options: { natMap } as ClusterOptions,
    startNodes: relays.map(({ port }) => ({ host: "127.0.0.1", port })),
    connections: () =>
      relays.flatMap(({ port, connections }) => connections.map((connection) => ({ port, connection }))),
    open: () => relays.flatMap(({ open }) => open),
  };
}

/** Rotates for so many seconds. */
export async function rotateCluster(
  cluster: RedisCluster,
  seconds: number,
  loginWaits?: number,
): Promise<ClusterRotation> {
  const relay = await recorded(cluster);
  let until = Infinity;
  atEnd(() => (until = 0));
  const isOn = (): boolean => performance.now() < until;
  const app = new RotatingPassword((...rules) => everywhere(cluster, "ACL", "SETUSER", "app", ...rules), FAULTS);
  await app.begin();
  const rotating = app.rotate(isOn);

  const callers = new Callers();
  const count = (promise: Promise<unknown>): Promise<void> => callers.count(promise);
  const open = (options: ClusterOptions = {}): Cluster =>
    clientOf(
      cluster,
      {
        ...relay.options,
        slotsRefreshInterval: 300,
        ...options,
        redisOptions: { credentials: app.provider },
        resilience: {
          pool: { min: 1, idleTimeout: 600_000 },
          heartbeat: { interval: 1_000, timeout: 5_000 },
          reconnect: { minTimeout: 20, maxTimeout: 300 },
        },
      },
      relay.startNodes,
    );
  const [shared, reader, worker, listener] = [open(), open({ scaleReads: "all" }), open(), open()];
  const heard = [0, 0];
  listener.on("message", () => (heard[0] = (heard[0] ?? 0) + 1));
  listener.on("smessage", () => (heard[1] = (heard[1] ?? 0) + 1));
  await listener.subscribe("news");
  const shards = ["a", "b", "c", "d", "e", "f"];
  for (const shard of shards) await listener.ssubscribe(shard);

  until = performance.now() + seconds * 1_000;
  const work = [
    repeat(isOn, (round) => count(shared.set(`k${round % 50}`, "v"))),
    repeat(isOn, (round) => count(shared.incr(`n${round % 50}`))),
    repeat(isOn, (round) =>
      count(
        shared
          .multi()
          .incr(`{m${round % 9}}1`)
          .incr(`{m${round % 9}}2`)
          .exec(),
      ),
    ),
    repeat(isOn, (round) => count(reader.get(`k${round % 50}`))),
    repeat(isOn, (round) =>
      count(shared.withConnection((one) => one.multi().set("l", String(round)).exec(), { key: "l" })),
    ),
    repeat(isOn, (round) => count(shared.transaction([`w${round % 9}`], ({ multi }) => void multi.set(`w${round % 9}`, "1")))), // prettier-ignore
    repeat(isOn, () => count(worker.blpop("jobs", 1))),
    repeat(isOn, async () => {
      await count(shared.rpush("jobs", "x"));
      await sleep(300);
    }),
    repeat(isOn, async (round) => {
      await count(shared.publish("news", "x"));
      await count(shared.spublish(shards[round % shards.length] ?? "a", "x"));
      await sleep(20);
    }),
  ];
  await Promise.all([...work, rotating, cutting(isOn, relay.open, 7)]);
  await app.hasReached(() => relay.open().filter((one) => !isSeed(one)));
  const connections = relay.connections().filter(({ connection }) => !isSeed(connection));
  const pools = shared.nodes("all").map((node) => node.stats().pool);
  const reconnected = pools.reduce((sum, pool) => sum + (pool?.destroyed["reconnected"] ?? 0), 0);
  return {
    failed: callers.failed,
    inFlight: callers.inFlight,
    answered: callers.answered,
    cut: connections.filter(({ connection }) => connection.wasCut).length,
    ended: connections.filter(({ connection }) => endedByItself(connection)).length - reconnected,
    connections: connections.map(({ port, connection }) => ({
      connection,
      given: app.givenFor(port),
      due: app.dueFor(port, connection.passwords, loginWaits),
    })),
    heard,
    questions: app.questions,
    tables: connections.reduce((sum, { connection }) => sum + connection.count("cluster"), 0),
  };
}

/** Nothing failed but what was in flight at a cut, nothing ended by itself, and each connection had every password for its node. */
export function expectGentleCluster(rotation: ClusterRotation): void {
  const { failed, answered, cut, ended, connections, heard, tables } = rotation;
  expect(failed).toEqual([]);
  expect([ended, cut > 0, answered > 100, tables > 3]).toEqual([0, true, true, true]);
  for (const { connection, due } of connections) expect(connection.passwords).toEqual(due);
  expect(connections.reduce((sum, { connection }) => sum + connection.loginsInTransaction, 0)).toBe(0);
  expect(Math.min(...heard)).toBeGreaterThan(0);
}

function endedByItself(one: Recorded): boolean {
  return !one.isOpen && !one.wasCut && one.count("readonly") === 0;
}

function isSeed({ commands }: Recorded): boolean {
  return commands.every(([name = ""]) => SEED.has(name));
}
