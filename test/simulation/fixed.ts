/** The fixed set: what the test command plays each time. The kept scenarios, a range of seeds, and a few seeds twice. */
import { clusterScenarioOf } from "./cluster/generate.js";
import { KEPT_CLUSTERS } from "./cluster/seeds.js";
import { optionsOf } from "./program/driver.js";
import { scenarioOf } from "./program/generate.js";
import type { Scenario } from "./program/scenario.js";
import type { Property } from "./properties/violation.js";
import { LogBook } from "./properties/log-book.js";
import { Random } from "./random.js";
import { run } from "./run.js";
import { KEPT } from "./seeds.js";
import type { Subject } from "./subject.js";
import { connectorFor } from "./world/connector.js";
import { Network } from "./world/network.js";
import { Timeline } from "./world/timeline.js";

/** Seeds that are played each time. */
export const SEEDS = { from: 1, count: 200 };
/** Seeds that are played with a cluster. */
export const CLUSTER_SEEDS = { from: 1, count: 25 };
/** How many of them are played twice, to see that a seed is one exact run. */
const TWICE = 25;
const CLUSTERS_TWICE = 3;
/** How many of them are played once more, each after a client that was left behind. */
const AFTER_A_LEAK = 5;

export interface FixedReport {
  /** For each kept scenario, by its name: the properties that failed. */
  readonly kept: Readonly<Record<string, readonly Property[]>>;
  /** The properties that failed in each seed, and one sentence for each. */
  readonly seeds: readonly { readonly seed: number; readonly violated: Readonly<Partial<Record<Property, string>>> }[];
  /** The same of those with a cluster. */
  readonly clusters: FixedReport["seeds"];
  /** Seeds that did not play the same twice. */
  readonly unsteady: readonly number[];
  /** Seeds that did not play the same after a client had been left behind. */
  readonly spoiled: readonly number[];
}

export async function playFixed(subject: Subject): Promise<FixedReport> {
  const kept: Record<string, readonly Property[]> = {};
  for (const { name, scenario } of [...KEPT, ...KEPT_CLUSTERS]) {
    const { violations } = await run(subject, scenario);
    kept[name] = [...new Set(violations.map(({ property }) => property))];
  }
  const hashes = new Map<number, number>();
  const seeds: FixedReport["seeds"][number][] = [];
  for (let seed = SEEDS.from; seed < SEEDS.from + SEEDS.count; seed++) {
    const { hash, violated } = await play(subject, scenarioOf(seed));
    hashes.set(seed, hash);
    seeds.push({ seed, violated });
  }
  const unsteady: number[] = [];
  for (let seed = SEEDS.from; seed < SEEDS.from + TWICE; seed++) {
    if ((await run(subject, scenarioOf(seed))).hash !== hashes.get(seed)) unsteady.push(seed);
  }
  const clusters: FixedReport["seeds"][number][] = [];
  for (let seed = CLUSTER_SEEDS.from; seed < CLUSTER_SEEDS.from + CLUSTER_SEEDS.count; seed++) {
    const { hash, violated } = await play(subject, clusterScenarioOf(seed));
    clusters.push({ seed, violated });
    const isAgain = seed < CLUSTER_SEEDS.from + CLUSTERS_TWICE;
    if (isAgain && (await run(subject, clusterScenarioOf(seed))).hash !== hash) unsteady.push(seed);
  }
  const spoiled: number[] = [];
  for (let seed = SEEDS.from; seed < SEEDS.from + AFTER_A_LEAK; seed++) {
    await leak(subject);
    if ((await run(subject, scenarioOf(seed))).hash !== hashes.get(seed)) spoiled.push(seed);
  }
  return { kept, seeds, clusters, unsteady, spoiled };
}

async function play(subject: Subject, scenario: Scenario) {
  const { violations, hash } = await run(subject, scenario);
  return { hash, violated: Object.fromEntries(violations.map(({ property, text }) => [property, text])) };
}

/** Leaves a client behind that nobody closes and whose server is nowhere, as a run that failed may. */
async function leak({ clock, lib }: Subject): Promise<void> {
  const scenario = scenarioOf(SEEDS.from);
  const random = new Random(scenario.seed);
  clock.reset(random);
  const timeline = new Timeline(() => clock.time, "nowhere.test");
  const network = new Network(clock, random, timeline, scenario.conditions);
  const redis = new lib.Redis(
    optionsOf({ profile: "production" }, {
      host: "nowhere.test",
      Connector: connectorFor(network),
      resilience: { logger: new LogBook(scenario, timeline), doctor: false },
    } as never),
  );
  redis.on("error", () => undefined);
  redis.get("k").catch(() => undefined);
  await clock.run(100);
}
