/** How fast the server answers: round trips one by one, many at once, and this process's own event loop beside them. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { formatTrip } from "../../format.js";
import type { Check, Context } from "../check.js";
import { cliWithin } from "../commands.js";
import { denied, type Draft } from "../finding.js";
import type { RespClient } from "../wire/resp-client.js";

/** How fast the server answers. */
export const answersCheck: Check = {
  id: "answers",
  title: "Answers",
  topic: "1.3 Network tests",
  needs: ["session"],
  // The other checks of a run would stand in the queue before these
  after: ["topology", "permissions", "listener"],
  deadline: 4000,
  run,
};

const SAMPLES = 20;
/** On a far network twenty round trips would take too long: stop here. */
const BUDGET = 800;
/** A round trip is begun when this many times the last one is left of the run. */
const ENOUGH = 1.5;
const SLOW_MEDIAN = 100;
const SLOW_WORST = 300;
const LOOP_LIMIT = 100;

async function run(context: Context): Promise<readonly Draft[]> {
  const { client, firstTrip, mayPing } = context.seen;
  if (client === undefined) return [];
  if (!mayPing) return [denied("PING: NOPERM")];
  // Slowness is what the run has to tell when its time ends: better one number than none
  if (firstTrip !== undefined && context.left() < firstTrip * ENOUGH)
    return [judge(context, [firstTrip], undefined, 0)];
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const trips = await sample(context, client);
  trips.sort((a, b) => a - b);
  const together = context.left() < (trips.at(-1) ?? 0) * ENOUGH ? undefined : await atOnce(client);
  loop.disable();
  const blocked = Math.max(0, loop.max / 1e6 - 5);
  return [judge(context, trips, together, blocked)];
}

async function sample(context: Context, client: RespClient): Promise<number[]> {
  const trips: number[] = [];
  const until = performance.now() + BUDGET;
  while (trips.length < SAMPLES && performance.now() < until && context.left() > (trips.at(-1) ?? 0) * ENOUGH) {
    const start = performance.now();
    await client.send("PING");
    trips.push(performance.now() - start);
  }
  return trips;
}

async function atOnce(client: RespClient): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: SAMPLES }, () => client.send("PING")));
  return performance.now() - start;
}

function judge(context: Context, trips: readonly number[], together: number | undefined, blocked: number): Draft {
  const at = (part: number): number => trips[Math.min(trips.length - 1, Math.floor(trips.length * part))] ?? 0;
  const [median, worst] = [at(0.5), at(1)];
  const evidence = [
    `PING ×${String(trips.length)}: min ${formatTrip(at(0))}, median ${formatTrip(median)}, max ${formatTrip(worst)}`,
    ...(together === undefined ? [] : [`${String(SAMPLES)} at once ${formatTrip(together)}`]),
    `event loop at most ${formatTrip(blocked)} late`,
  ].join("; ");
  const threshold = `median ${String(SLOW_MEDIAN)} ms, max ${String(SLOW_WORST)} ms`;
  if (median <= SLOW_MEDIAN && worst <= SLOW_WORST) {
    return { status: "ok", evidence, threshold, meaning: "Replies come at the speed of the network." };
  }
  // A stall of this process explains what it is as long as, no more
  if (blocked >= Math.max(LOOP_LIMIT, median)) {
    return {
      status: "warn",
      code: "EVENT_LOOP_BLOCKED",
      evidence,
      threshold: `event loop ${String(LOOP_LIMIT)} ms`,
      meaning: "This process was busy itself: the replies waited here, not in Redis.",
      next: [
        { say: "Run the doctor when this machine is less busy, and look for synchronous work in the application" },
      ],
    };
  }
  const steady = at(0) > SLOW_MEDIAN / 2;
  const measure = {
    say: "Measure for a while (healthy: an avg of no more than a few ms; no figure at all: it does not answer)",
    run: `${cliWithin(context)} --latency`,
  };
  const commands = {
    say: "See the slowest commands (the third number of an entry is its microseconds)",
    run: `${cliWithin(context)} slowlog get 10`,
  };
  return {
    status: "warn",
    code: "RESPONSE_TIMEOUT",
    evidence,
    threshold,
    meaning: steady
      ? "Every round trip is slow: the server is far away, or the network is."
      : "Most replies are fast and some are not: the server is busy with slow commands, forks or swapping now and then.",
    next: steady ? [measure, commands] : [commands, measure],
  };
}
