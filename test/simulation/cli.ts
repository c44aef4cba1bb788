/** `npm run simulate`: plays seeds and says what they found; one seed can be traced and made small. */
import { parseArgs } from "node:util";
import { clusterScenarioOf } from "./cluster/generate.js";
import { playFixed } from "./fixed.js";
import { scenarioOf } from "./program/generate.js";
import type { Scenario, WorldKind } from "./program/scenario.js";
import { PROPERTIES, type Property, type Violation } from "./properties/violation.js";
import { run, type Result } from "./run.js";
import { kindOf, outline, shrink } from "./shrink.js";
import { loadSubject } from "./subject.js";
import { traceOf } from "./trace.js";
import { real } from "./world/install.js";

const USAGE = `npm run simulate -- [options]

  --seeds N        how many seeds (default 1000), from a random one that is printed
  --from S         the first seed
  --seed N         one seed
  --trace          with --seed: what happened, as a timeline
  --shrink         makes the first failing scenario of each property small, and traces it
  --survey         makes every failing scenario small, and shows each kind of failure once
  --property P     looks at this property only
  --match TEXT     looks only at violations whose text matches this regular expression
  --world W        plays only seeds of this kind of world
  --sentinels      with Sentinels in every scenario, not only in one of ten
  --cluster        with a cluster in every scenario; without, one seed of ten is played with one as well
  --commands N     commands a program (default 200)
  --scenario JSON  plays a scenario, as --shrink prints it
  --fixed          plays what the test command plays, and prints JSON
  --subject FILE   the package under test (default dist/index.js)`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    survey: { type: "boolean", default: false },
    property: { type: "string" },
    match: { type: "string" },
    world: { type: "string" },
    sentinels: { type: "boolean", default: false },
    cluster: { type: "boolean", default: false },
    commands: { type: "string", default: "200" },
    scenario: { type: "string" },
    fixed: { type: "boolean", default: false },
    subject: { type: "string", default: "dist/index.js" },
    help: { type: "boolean", default: false },
  },
});

/** So many seeds are a line on standard error. */
const PROGRESS = 1000;
/** Runs that making one scenario small may take. */
const BUDGET = 500;

const wanted = values.match === undefined ? undefined : new RegExp(values.match);
const commands = Number(values.commands);
const made = (seed: number): Scenario =>
  values.cluster ? clusterScenarioOf(seed, commands) : scenarioOf(seed, commands, values.sentinels ? 1 : undefined);
/** How many seeds are played with a cluster as well. */
const WITH_CLUSTER = 10;
const scenariosOf = (seed: number): readonly Scenario[] => {
  const isMixed = !values.cluster && !values.sentinels && seed % WITH_CLUSTER === 0;
  return [made(seed), ...(isMixed ? [clusterScenarioOf(seed, commands)] : [])];
};

export async function main(): Promise<void> {
  if (values.help) console.log(USAGE);
  else if (values.fixed) {
    process.stdout.write(JSON.stringify(await playFixed(loadSubject(`${process.cwd()}/${values.subject}`))), () =>
      process.exit(0),
    );
  } else if (values.scenario !== undefined) await playOne(JSON.parse(values.scenario) as Scenario, true);
  else if (values.seed !== undefined) await playOne(made(Number(values.seed)), values.trace);
  else await playMany();
}

async function playOne(scenario: Scenario, isTraced: boolean): Promise<void> {
  const subject = loadSubject(`${process.cwd()}/${values.subject}`);
  let result = await run(subject, scenario, isTraced);
  const first = matching(result)[0];
  if (values.shrink && first !== undefined) {
    const small = await smallest(subject, scenario, first.property);
    console.log(JSON.stringify(small));
    result = await run(subject, small, true);
    console.log(traceOf(result));
  } else if (isTraced) console.log(traceOf(result));
  for (const { property, text } of result.violations) console.log(`${property} (${PROPERTIES[property]}): ${text}`);
  process.exit(result.violations.length === 0 ? 0 : 1);
}

async function playMany(): Promise<void> {
  const subject = loadSubject(`${process.cwd()}/${values.subject}`);
  const from = Number(values.from ?? Math.floor(real.random() * 1e9));
  const count = Number(values.seeds);
  console.log(`seeds ${String(from)} to ${String(from + count - 1)}`);
  const began = real.now();
  const cpu = process.cpuUsage();
  const first = new Map<Property, Result>();
  const seeds = new Map<Property, number>();
  const kinds = new Map<string, number>();
  let played = 0;
  let calls = 0;
  const scenarios = function* (): Generator<Scenario> {
    for (let seed = from; seed < from + count; seed++) yield* scenariosOf(seed);
  };
  for (const scenario of scenarios()) {
    const { seed } = scenario;
    if (values.world !== undefined && scenario.world !== (values.world as WorldKind)) continue;
    const result = await run(subject, scenario);
    played++;
    calls += result.commands;
    if (played % PROGRESS === 0) console.error(`${String(played)} seeds, up to ${String(seed)}`);
    for (const [property, text] of byProperty(result)) {
      seeds.set(property, (seeds.get(property) ?? 0) + 1);
      if (values.survey) {
        const small = await smallest(subject, scenario, property);
        const kind = kindOf(small, property);
        if (!kinds.has(kind)) console.log(`\n${kind}\n  seed ${nameOf(scenario)}: ${text}\n${JSON.stringify(small)}`);
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      } else console.log(`seed ${nameOf(scenario)} (${scenario.world}): ${property}: ${text}`);
      if (!first.has(property)) first.set(property, result);
    }
  }
  const took = (real.now() - began) / 1000;
  const busy = (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1e6;
  if (values.shrink) {
    for (const [property, { scenario }] of first) {
      const small = await smallest(subject, scenario, property);
      console.log(`\n=== ${property}, seed ${String(small.seed)}: ${outline(small)}\n${JSON.stringify(small)}`);
      console.log(traceOf(await run(subject, small, true)));
    }
  }
  console.log("");
  for (const [kind, n] of kinds) console.log(String(n).padStart(5), kind);
  for (const [property, n] of seeds)
    console.log(
      String(n).padStart(5),
      `seeds: ${property} (${PROPERTIES[property]}), first ${nameOf(first.get(property)?.scenario)}`,
    );
  console.log(
    `${String(played)} seeds, ${String(calls)} calls, ${took.toFixed(1)} s, ${busy.toFixed(1)} s of CPU: ${String(Math.round((played / busy) * 60))} seeds a minute of one core; ${seeds.size === 0 ? "no violation" : `${String(seeds.size)} properties violated`}`,
  );
  process.exit(seeds.size === 0 ? 0 : 1);
}

/** How it is asked for again. */
function nameOf(scenario: Scenario | undefined): string {
  if (scenario === undefined) return "";
  return `${String(scenario.seed)}${scenario.cluster !== undefined && !values.cluster ? " --cluster" : ""}`;
}

function matching({ violations }: Result): readonly Violation[] {
  return violations.filter(
    ({ property, text }) =>
      (values.property === undefined || property === values.property) && wanted?.test(text) !== false,
  );
}

/** One text for each property that fails. */
function byProperty(result: Result): ReadonlyMap<Property, string> {
  const texts = new Map<Property, string>();
  for (const { property, text } of matching(result)) if (!texts.has(property)) texts.set(property, text);
  return texts;
}

function smallest(subject: ReturnType<typeof loadSubject>, scenario: Scenario, property: Property): Promise<Scenario> {
  return shrink(scenario, {
    budget: BUDGET,
    fails: async (candidate) => byProperty(await run(subject, candidate)).has(property),
  });
}
