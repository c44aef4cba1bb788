/** What goes wrong in a cluster, and when, in each kind of world: to a slot, a shard, a node, or all connections. */
import { randomFaults } from "../program/faults.js";
import type { Fault, FaultAction, WorldKind } from "../program/scenario.js";
import { ALWAYS } from "../program/scenario.js";
import type { Random } from "../random.js";
import type { ClusterAction, ClusterData } from "./scenario.js";

type Maker = (random: Random, cluster: ClusterData, at: number) => readonly Fault[];

const one =
  (make: (random: Random, cluster: ClusterData) => ClusterAction): Maker =>
  (random, cluster, at) => [{ at, action: { do: "cluster", action: make(random, cluster) } }];

/** To one node, and its end if it has one. */
const node =
  (make: (random: Random) => FaultAction, end?: FaultAction): Maker =>
  (random, { shards }, at) => {
    const which = random.int(0, 2 * shards - 1);
    const begun: Fault = { at, action: { do: "node", which, action: make(random) } };
    if (end === undefined) return [begun];
    return [begun, { at: at + random.scale(50, 4000), action: { do: "node", which, action: end } }];
  };

const migrate = one((random, { shards, tags }) => ({
  do: "migrate",
  tag: random.pick(tags),
  to: random.int(0, shards - 1),
  gap: random.scale(1, 60),
  pause: random.scale(1, 600),
}));
const handOver = one((random, { shards }) => ({
  do: "hand-over",
  shard: random.int(0, shards - 1),
  ms: random.scale(1, 200),
}));
const slowHandOver = one((random, { shards }) => ({
  do: "hand-over",
  shard: random.int(0, shards - 1),
  ms: random.scale(200, 3000),
}));
const away = (how: "kill" | "stop"): Maker =>
  one((random, { shards }) => ({
    do: how,
    shard: random.int(0, shards - 1),
    role: random.chance(0.8) ? "master" : "replica",
    ms: random.scale(20, 9000),
    timeout: random.scale(300, 4000),
  }));
const kill = away("kill");
const stop = away("stop");
const reset = node(() => ({ do: "reset" }));
const resetAfter = node((random) => ({
  do: "reset-after",
  direction: random.chance(0.5) ? "up" : "down",
  bytes: random.scale(1, 2000),
}));
const deaf = node((random) => ({ do: random.chance(0.5) ? "deaf-down" : "deaf-both" }));
const refuseFew = node((random) => ({
  do: "refuse",
  code: random.pick(["LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN"] as const),
  ms: random.scale(20, 2000),
  count: random.int(1, 3),
}));
const refuseAll = node((random) => ({
  do: "refuse",
  code: random.pick(["LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "OOM", "NOPERM"] as const),
  ms: random.scale(20, 6000),
  count: ALWAYS,
}));
const thinks = node((random) => ({ do: "thinks", ms: random.scale(5, 4000) }), { do: "thinks", ms: 0 });
const door = node((random) => ({ do: "door", how: random.chance(0.5) ? "close" : "maxclients" }), {
  do: "door",
  how: "open",
});
const flushScripts = node(() => ({ do: "flush-scripts" }));

const NODES = [kill, kill, stop, stop, thinks, refuseAll, door, flushScripts];
const LINKS = [reset, reset, resetAfter, resetAfter, deaf];

/** Worlds in which nothing is wrong: slots move, and masters hand over, all the same. */
const PLANNED = [migrate, migrate, handOver];

const KINDS: Readonly<Record<WorldKind, readonly Maker[]>> = {
  calm: PLANNED,
  stalls: PLANNED,
  impatient: PLANNED,
  burst: PLANNED,
  "slow-start": PLANNED,
  lossy: [...LINKS, migrate, migrate, handOver],
  server: [...NODES, migrate],
  refusals: [refuseFew, refuseFew, refuseAll, reset, migrate, migrate],
  demotion: [handOver, slowHandOver],
  failover: [kill, stop],
  hostile: [door, resetAfter, migrate, migrate],
  mixed: [...NODES, ...LINKS, migrate, migrate, migrate, handOver, slowHandOver, refuseFew],
};

/** Of the faults of a single server's world: those that know no server. */
const ANYWHERE: ReadonlySet<FaultAction["do"]> = new Set([
  "reset",
  "reset-after",
  "end",
  "deaf-down",
  "deaf-both",
  "dark",
  "light",
  "conditions",
  "dns",
  "rival",
]);

export function clusterFaults(random: Random, world: WorldKind, span: number, cluster: ClusterData): readonly Fault[] {
  const common = randomFaults(random.fork("common"), world, span, false)
    .filter(({ action }) => ANYWHERE.has(action.do))
    .map(({ at, action }): Fault => {
      if (action.do !== "rival") return { at, action };
      return { at, action: { ...action, key: `${action.key}{${random.pick(cluster.tags)}}` } };
    });
  const makers = KINDS[world];
  const chosen = makers.filter(() => random.chance(0.6));
  const from = chosen.length > 0 ? chosen : makers;
  const count = random.int(0, random.pick([3, 8]));
  const own = Array.from({ length: count }, () =>
    random.pick(from)(random, cluster, random.chance(0.15) ? random.int(0, 60) : Math.round(random.next() * span)),
  );
  return [...common, ...own.flat()]
    .map((fault, index) => ({ fault, index }))
    .sort((a, b) => a.fault.at - b.fault.at || a.index - b.index)
    .map(({ fault }) => fault);
}

/** When the last of them is over by itself. */
export function endOf({ at, action }: Fault): number {
  if (action.do !== "cluster") return at;
  const own = action.action;
  return at + ("ms" in own ? own.ms : own.gap + own.pause);
}
