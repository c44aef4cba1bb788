/** `npm run simulate`: seeds, one after the other, until they are done or one has found something. */
import { parseArgs } from "node:util";
import { scenarioOf } from "./program/generate.js";
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
    all: { type: "boolean", default: false },
  },
});

const subject = loadSubject(`${process.cwd()}/${values.subject}`);
const commands = Number(values.commands);
const from = Number(values.seed ?? values.from ?? Math.floor(real.random() * 1e9));
const count = values.seed === undefined ? Number(values.seeds) : 1;
const began = real.now();
const cpu = process.cpuUsage();
const byProperty = new Map<string, { count: number; first: Result }>();
let executed = 0;
for (let seed = from; seed < from + count; seed++) {
  const result = await run(subject, scenarioOf(seed, commands), values.trace);
  executed += result.executions;
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
const took = (real.now() - began) / 1000;
console.log([...byProperty].map(([name, { count: seeds, first }]) => `${name}: ${String(seeds)} seeds, first ${String(first.scenario.seed)}`).join("\n"));
console.log(`${String(count)} seeds from ${String(from)}, ${String(executed)} executions, ${took.toFixed(1)} s: ${String(Math.round((count / took) * 60))} seeds a minute; CPU ${(process.cpuUsage(cpu).user / 1e6).toFixed(1)} s`);
process.exit(byProperty.size > 0 ? 1 : 0);
