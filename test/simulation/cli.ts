/** `npm run simulate`: seeds, one after the other, until they are done or one has found something. */
import { parseArgs } from "node:util";
import { kindOf, outline, shrink } from "./shrink.js";
import { scenarioOf } from "./program/generate.js";
import type { Scenario } from "./program/scenario.js";
import { run, type Result } from "./run.js";
import { loadSubject } from "./subject.js";
import { real } from "./world/install.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string" },
    seed: { type: "string" },
    commands: { type: "string", default: "200" },
    trace: { type: "boolean", default: false },
    subject: { type: "string", default: "dist/index.js" },
    scenario: { type: "string" },
    all: { type: "boolean", default: false },
    property: { type: "string" },
    survey: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
  },
});

const subject = loadSubject(`${process.cwd()}/${values.subject}`);
const commands = Number(values.commands);
const from = Number(values.seed ?? values.from ?? Math.floor(real.random() * 1e9));
const count = values.seed === undefined ? Number(values.seeds) : 1;
if (values.scenario !== undefined) {
  const result = await run(subject, JSON.parse(values.scenario) as Scenario, true);
  for (const { at, column, text } of result.timeline) console.log(at.toFixed(2).padStart(10), column.padEnd(8), text);
  for (const violation of result.violations) console.log(violation);
  process.exit(0);
}
const began = real.now();
const cpu = process.cpuUsage();
const byProperty = new Map<string, { count: number; first: Result }>();
let executed = 0;
const kinds = new Map<string, number>();
for (let seed = from; seed < from + count; seed++) {
  const result = await run(subject, scenarioOf(seed, commands), values.trace);
  executed += result.executions;
  if (values.survey) {
    for (const property of new Set(result.violations.map((violation) => violation.property))) {
      if (values.property !== undefined && values.property !== property) continue;
      const small = await shrink(result.scenario, {
        budget: 250,
        fails: async (candidate) => (await run(subject, candidate)).violations.some((violation) => violation.property === property),
      });
      const kind = kindOf(small, property);
      if (!kinds.has(kind)) console.log(`\n${kind}\n  seed ${String(seed)}: ${(await run(subject, small)).violations.find((violation) => violation.property === property)?.text ?? ""}\n${JSON.stringify(small)}`);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    continue;
  }
  for (const property of new Set(result.violations.map((violation) => violation.property))) {
    const known = byProperty.get(property);
    if (values.all) console.log(`seed ${String(seed)} (${result.scenario.world}): ${property}: ${result.violations.find((violation) => violation.property === property)?.text ?? ""}`);
    if (known === undefined) {
      byProperty.set(property, { count: 1, first: result });
      const first = result.violations.find((violation) => violation.property === property);
      console.log(`seed ${String(seed)} (${result.scenario.world}): ${property}: ${first?.text ?? ""}`);
    } else known.count++;
  }
  if (values.trace) console.log(JSON.stringify({ ...result.scenario, steps: result.scenario.steps.length }, null, 1));
  if (values.trace) for (const { at, column, text } of result.timeline) console.log(at.toFixed(2).padStart(10), column.padEnd(8), text);
  if (values.trace) for (const violation of result.violations) console.log(violation);
}
if (values.shrink) {
  for (const [property, { first }] of byProperty) {
    if (values.property !== undefined && values.property !== property) continue;
    const small = await shrink(first.scenario, {
      budget: 600,
      fails: async (candidate) => (await run(subject, candidate)).violations.some((violation) => violation.property === property),
    });
    console.log(`\n=== ${property}, seed ${String(small.seed)}: ${outline(small)}`);
    console.log(JSON.stringify(small));
    const again = await run(subject, small, true);
    for (const { at, column, text } of again.timeline) console.log(at.toFixed(2).padStart(10), column.padEnd(8), text);
    for (const violation of again.violations) console.log(violation);
  }
}
for (const [kind, n] of kinds) console.log(String(n).padStart(4), kind);
const took = (real.now() - began) / 1000;
console.log([...byProperty].map(([name, { count: seeds, first }]) => `${name}: ${String(seeds)} seeds, first ${String(first.scenario.seed)}`).join("\n"));
console.log(`${String(count)} seeds from ${String(from)}, ${String(executed)} executions, ${took.toFixed(1)} s: ${String(Math.round((count / took) * 60))} seeds a minute; CPU ${(process.cpuUsage(cpu).user / 1e6).toFixed(1)} s`);
process.exit(byProperty.size > 0 ? 1 : 0);
