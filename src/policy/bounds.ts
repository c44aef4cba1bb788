/**
 * What a policy promises, as arithmetic: the worst case of sends, waiting, failing fast and coming back. Pure; `promises`
 * puts the same numbers into sentences. Tests hold these numbers against simulated outages.
 */
import { formatDuration } from "../format.js";
import type { Policy } from "./shape.js";

/** Spread of the wait before a probe, as the breaker draws it: from 75 % to 125 %. */
const PROBE_SPREAD = 1.25;

/** Worst cases in milliseconds and counts; `Infinity` for no limit. */
export interface PolicyBounds {
  readonly readSends: number;
  readonly writeSends: number;
  /** From the call to its end; with `queue.wait: "forever"` from the moment it can be sent. */
  readonly settlesWithin: number;
  /** Sum of all backoffs of one command when each draw is the longest possible. */
  readonly longestBackoff: number;
  /** Unreachable for this long: from then on new calls fail at once. `Infinity`: they never do. */
  readonly failsFastAfter: number;
  /** From the server being reachable again to the next connection attempt, when attempts are refused. */
  readonly reconnectsWithin: number;
  /** The same when attempts are not answered at all: one of them may still be running. */
  readonly reconnectsWithinAfterSilence: number;
  /** A dead connection with commands in flight, and an idle one, is found within. */
  readonly findsDeadBusy: number;
  readonly findsDeadIdle: number;
}

/** The worst cases of a policy. */
export function boundsOf(policy: Policy): PolicyBounds {
  const { retry, deadline, breaker, queue, reconnect, heartbeat } = policy;
  const sends = 1 + (retry === false ? 0 : retry.retries);
  const waitsForever = queue !== false && queue.wait === "forever";
  return {
    readSends: sends,
    writeSends: retry !== false && retry.ambiguous === "replay" ? sends : 1,
    settlesWithin: deadline === false ? Infinity : deadline,
    longestBackoff: longestBackoff(policy),
    failsFastAfter: queue === false ? 0 : breaker === false || waitsForever ? Infinity : breaker.downAfter,
    reconnectsWithin: reconnect.maxTimeout,
    reconnectsWithinAfterSilence: reconnect.handshakeTimeout + reconnect.maxTimeout,
    findsDeadBusy: heartbeat === false ? Infinity : heartbeat.timeout,
    findsDeadIdle: heartbeat === false ? Infinity : heartbeat.interval + heartbeat.timeout,
  };
}

/** How long after the server is well again its next probe comes at the latest, when the circuit had been open for `outage`. */
export function probesWithin(policy: Policy, outage: number): number {
  if (policy.breaker === false) return 0;
  const { resetTimeout, maxResetTimeout, probeTimeout } = policy.breaker;
  let wait = resetTimeout;
  // The shortest draws reach the longest wait soonest, so they give the worst case.
  for (
    let passed = wait * (2 - PROBE_SPREAD);
    passed < outage && wait < maxResetTimeout;
    passed += wait * (2 - PROBE_SPREAD)
  ) {
    wait = Math.min(maxResetTimeout, wait * 2);
  }
  // The last probe of the outage may have been sent in vain just before its end.
  return probeTimeout + wait * PROBE_SPREAD;
}

/** The promises of a policy in plain words, the same arithmetic as `boundsOf`. */
export function promises(policy: Policy): string[] {
  const bounds = boundsOf(policy);
  const { queue, breaker, heartbeat, retry } = policy;
  const within =
    bounds.settlesWithin === Infinity
      ? "has no deadline: it settles only when the server answers or the connection is lost"
      : queue !== false && queue.wait === "forever"
        ? `settles within ${formatDuration(bounds.settlesWithin)} once it can be sent; it waits for a connection without limit`
        : `settles within ${formatDuration(bounds.settlesWithin)}, waiting and retries included`;
  const words = [`A GET that gets lost is sent at most ${times(bounds.readSends)} and ${within}.`];
  words.push(
    bounds.writeSends === 1
      ? "An INCR is executed at most once: it is sent again only when it is certain that it was not executed."
      : `An INCR whose reply was lost is sent again, up to ${times(bounds.writeSends)}: it may be executed more than once.`,
  );
  if (retry !== false && retry.retries > 0) {
    words.push(
      `Backoff of one command adds up to ${formatDuration(bounds.longestBackoff)} at most, half of that on average.`,
    );
  }
  words.push(whileDown(policy, bounds));
  if (breaker !== false) {
    words.push(
      `While the circuit is open calls fail at once, in under 1 ms. A server that is connected and fails is asked again after about ${formatDuration(breaker.resetTimeout)} at first, and once it has failed for 60 s within ${formatDuration(probesWithin(policy, 60_000))}.`,
    );
  }
  words.push(
    `A server that was away, however long, sees the next connection attempt within ${formatDuration(bounds.reconnectsWithin)}; within ${formatDuration(bounds.reconnectsWithinAfterSilence)} when the server gave no answer at all for a few seconds, and within \`connectTimeout\` after a longer silence.`,
  );
  words.push(
    heartbeat === false
      ? "There is no heartbeat: a connection that is dead but looks open is found by failing commands only."
      : `A dead connection is found within ${formatDuration(bounds.findsDeadBusy)} when commands are in flight, within ${formatDuration(bounds.findsDeadIdle)} when idle.`,
  );
  return words;
}

function whileDown(policy: Policy, bounds: PolicyBounds): string {
  if (policy.queue === false) return "Without a connection calls fail at once; nothing waits.";
  const room = `at most ${String(policy.queue.maxCommands)} of them`;
  if (bounds.failsFastAfter === Infinity) return `Without a connection calls wait, ${room}.`;
  return `Without a connection calls wait, ${room}; after ${formatDuration(bounds.failsFastAfter)} without one new ones fail at once, and what waits keeps its deadline.`;
}

function longestBackoff(policy: Policy): number {
  if (policy.retry === false) return 0;
  const { retries, minTimeout, maxTimeout, factor } = policy.retry;
  let sum = 0;
  for (let i = 0; i < retries; i++) sum += Math.min(maxTimeout, minTimeout * factor ** Math.min(i, 60));
  return sum;
}

function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}
