/**
 * What the pool promises, measured: ordinary commands beside blocking ones, optimistic locking and loans under cuts,
 * consumers through kills, silence and a freeze, and the work of a job queue. Exit 1 when a bar is missed.
 */
import { Bars } from "./lib/bars.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, refuseUnknown, writeResults } from "./lib/report.mjs";
import { beside } from "./pool/beside.mjs";
import { consumers } from "./pool/consumers.mjs";
import { jobs } from "./pool/jobs.mjs";
import { lanes } from "./pool/lanes.mjs";
import { leases } from "./pool/leases.mjs";
import { locking } from "./pool/locking.mjs";

/** @type {Record<string, (ground: import("./pool/ground.mjs").Ground) => Promise<void>>} */
const SECTIONS = { lanes, beside, locking, leases, consumers, jobs };

const options = readOptions("node benchmarks/pool.mjs [options]", {
  only: { type: "string", help: "beside,locking,leases,consumers,jobs,lanes; default: all" },
  seconds: { type: "string", default: "60", help: "length of the job queue's run, default 60" },
  elements: { type: "string", default: "10000", help: "elements for the consumers, default 10,000" },
  ...JSON_OPTION,
});
const chosen = options.only === undefined ? Object.keys(SECTIONS) : list(options.only);
refuseUnknown(chosen, SECTIONS);

const bars = new Bars();
/** What a section started and must not leave behind. @type {{ stop(): Promise<void> }[]} */
const started = [];
/** @type {import("./pool/ground.mjs").Ground} */
const ground = {
  kept: (thing) => {
    started.unshift(thing);
    return thing;
  },
  bar: (name, met, seen) => bars.tell(name, met, seen),
  seconds: Number(options.seconds),
  elements: Number(options.elements),
};

console.log(machine());
for (const name of chosen) {
  try {
    await SECTIONS[name]?.(ground);
  } finally {
    for (const thing of started.splice(0)) await thing.stop();
  }
}
writeResults(options.json, { bars: bars.all });
process.exit(process.exitCode);
