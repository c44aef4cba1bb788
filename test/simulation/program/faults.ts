/** What goes wrong, and when, in each kind of world. Some faults come with their end; others end when the world heals. */
import type { Random } from "../random.js";
import { ALWAYS, WHOLE, type Fault, type FaultAction, type WorldKind } from "./scenario.js";

type Maker = (random: Random, at: number) => readonly Fault[];

const one =
  (make: (random: Random) => FaultAction): Maker =>
  (random, at) => [{ at, action: make(random) }];

/** Begins, and ends after a while. */
const spell =
  (low: number, high: number, begin: (random: Random) => FaultAction, end: FaultAction): Maker =>
  (random, at) => [
    { at, action: begin(random) },
    { at: at + random.scale(low, high), action: end },
  ];

const reset = one(() => ({ do: "reset" }));
const resetAfter = one((random) => ({
  do: "reset-after",
  direction: random.chance(0.5) ? "up" : "down",
  bytes: random.scale(1, 2000),
}));
const end = one(() => ({ do: "end" }));
const deafDown = one(() => ({ do: "deaf-down" }));
const deafBoth = one(() => ({ do: "deaf-both" }));
const dark = spell(50, 8000, (random) => ({ do: "dark", cuts: random.chance(0.5) }), { do: "light" });
const crash = spell(20, 8000, (random) => ({ do: "crash", losesData: random.chance(0.2) }), { do: "start" });
const freeze = spell(20, 9000, () => ({ do: "freeze" }), { do: "thaw" });
const PASSING = ["LOADING", "BUSY", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN"] as const;
const refuseFew = one((random) => ({
  do: "refuse",
  code: random.pick(PASSING),
  ms: random.scale(20, 2000),
  count: random.int(1, 3),
}));
const refuseAll = one((random) => ({
  do: "refuse",
  code: random.pick([...PASSING, "OOM", "NOPERM"] as const),
  ms: random.scale(20, 6000),
  count: ALWAYS,
}));
const slow = spell(100, 6000, (random) => ({ do: "conditions", conditions: { latency: random.scale(20, 1500) } }), {
  do: "conditions",
  conditions: { latency: 1 },
});
const drip = spell(
  100,
  4000,
  (random) => ({ do: "conditions", conditions: { piece: random.int(1, 20), drip: random.scale(1, 50) } }),
  { do: "conditions", conditions: { piece: WHOLE, drip: 0 } },
);
const thinks = spell(100, 4000, (random) => ({ do: "thinks", ms: random.scale(5, 4000) }), { do: "thinks", ms: 0 });
const door = spell(50, 4000, (random) => ({ do: "door", how: random.chance(0.5) ? "close" : "maxclients" }), {
  do: "door",
  how: "open",
});
const dns = spell(50, 4000, (random) => ({ do: "dns", error: random.pick(["ENOTFOUND", "EAI_AGAIN"]) }), {
  do: "dns",
  error: undefined,
});
const demote: Maker = (random, at) => [
  { at, action: { do: "demote" } },
  { at: at + random.scale(1, 3000), action: { do: "move-name" } },
];
const failover: Maker = (random, at) => [
  { at, action: { do: "failover" } },
  { at: at + random.scale(1, 3000), action: { do: "move-name" } },
];
const say = one((random) => ({
  do: "say",
  text: random.pick([
    "+OK\r\n",
    "$7\r\nval:000\r\n",
    ":42\r\n",
    "-ERR told without being asked\r\n",
    "!bogus\r\n",
    "$-7\r\n",
    "*3\r\n:1\r\n",
    "*-5\r\n",
    "$5\r\nab",
    "\0\x01\x02\xff",
  ]),
}));
const flushScripts = one(() => ({ do: "flush-scripts" }));
const denySelect = one(() => ({ do: "deny-select" }));
const sentinelGone: Maker = (random, at) => {
  const which = random.int(0, 2);
  return [
    { at, action: { do: "sentinel", which, how: random.chance(0.5) ? "freeze" : "refuse" } },
    { at: at + random.scale(50, 6000), action: { do: "sentinel", which, how: "thaw" } },
  ];
};
const rival = one((random) => ({
  do: "rival",
  key: random.pick(["w0", "w1"]),
  id: 900_000 + random.int(0, 90_000),
  database: 0,
}));

const LOSSY = [reset, reset, resetAfter, resetAfter, end, deafDown, deafBoth, dark, slow];
const SERVER = [crash, freeze, refuseAll, thinks, flushScripts, door];

const KINDS: Readonly<Record<WorldKind, readonly Maker[]>> = {
  calm: [],
  stalls: [],
  impatient: [],
  burst: [],
  "slow-start": [],
  lossy: LOSSY,
  server: SERVER,
  refusals: [refuseFew, refuseFew, refuseFew, refuseAll, reset],
  demotion: [demote],
  failover: [failover],
  hostile: [say, say, door, drip, resetAfter],
  mixed: [...LOSSY, ...SERVER, refuseFew, drip, dns, denySelect],
};

export function randomFaults(random: Random, world: WorldKind, span: number, hasSentinels: boolean): readonly Fault[] {
  const faults: Fault[] = [];
  const makers = KINDS[world];
  if (makers.length > 0) {
    const chosen = makers.filter(() => random.chance(0.5));
    const from = chosen.length > 0 ? chosen : makers;
    const isSingle = world === "demotion" || world === "failover";
    const count = isSingle ? 1 : random.int(1, random.pick([3, 8]));
    for (let i = 0; i < count; i++) {
      // Often right at the beginning, where handshakes are under way.
      const at = random.chance(0.2) ? random.int(0, 60) : Math.round(random.next() * span);
      faults.push(...random.pick(from)(random, at));
    }
    if (isSingle && random.chance(0.3)) faults.push(...reset(random, Math.round(random.next() * span)));
  }
  if (hasSentinels && makers.length > 0) {
    const watch = random.fork("sentinels");
    const count = watch.int(0, 2);
    for (let i = 0; i < count; i++) faults.push(...sentinelGone(watch, Math.round(watch.next() * span)));
  }
  const rivals = random.chance(0.5) ? random.int(1, 10) : 0;
  for (let i = 0; i < rivals; i++) faults.push(...rival(random, Math.round(random.next() * span)));
  return faults
    .map((fault, index) => ({ fault, index }))
    .sort((a, b) => a.fault.at - b.fault.at || a.index - b.index)
    .map(({ fault }) => fault);
}
