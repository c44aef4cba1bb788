/** One storm for one contender. Started by faults.mjs. */
import { runFaults } from "../lab/faults.mjs";
import { job, report } from "./lib/child.mjs";
import { makeContender } from "./lib/contenders.mjs";
import { Timeline } from "./lib/timeline.mjs";

const { contender, seconds, seed } = job();
let lines = 0;
const line = () => lines++;
const logger = { debug: () => {}, info: line, warn: line, error: line };

const timeline = new Timeline();
let isOver = () => {};
const verdict = await runFaults({
  seconds,
  seed,
  watch: (unit) => timeline.watch(unit),
  onPhase: (phase) => {
    isOver();
    isOver = phase === "calm" ? () => {} : timeline.begin(phase);
  },
  makeClient: async ({ port }) => {
    const { client } = await makeContender(contender, { port, logger });
    if (contender === "ioredis") client.on("error", line);
    return client;
  },
});
report({ ...verdict, lines, timeline: timeline.columns() });
