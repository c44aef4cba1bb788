/**
 * opossum, as this package uses it: documented options only, each with its reason. No start needs it, and no command that
 * succeeds, so the build puts it with all else that is loaded with the first failure, or soon after the first connection.
 */
import type { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { CircuitKind } from "../engine/ports.js";
import type { BreakerPolicy } from "../policy/shape.js";

/** opossum is fed samples: `fire()` is a success, `fire(error)` a failure. */
export type Circuit = CircuitBreaker<[(Error | undefined)?], void>;

/** Parts of the window. */
const BUCKETS = 10;
/** opossum's own half-open timer must not fire: when to probe is decided by its owner. The longest timer there is, in milliseconds. */
const NEVER = 2 ** 31 - 1;

/** A closed circuit; its window moves on by one of `BUCKETS` parts whenever `rotation` says so. */
export function newCircuit(kind: CircuitKind, policy: BreakerPolicy, rotation: EventEmitter): Circuit {
  return new CircuitBreaker(replay, {
    name: kind,
    // Deadlines are the engine's.
    timeout: false,
    errorThresholdPercentage: policy.errorThresholdPercentage,
    volumeThreshold: policy.volumeThreshold,
    rollingCountTimeout: policy.rollingCountTimeout,
    rollingCountBuckets: BUCKETS,
    resetTimeout: NEVER,
    // With percentiles on, every failure sorts the latencies of the whole window.
    rollingPercentilesEnabled: false,
    // Nobody reads them, and each is a timer.
    enableSnapshots: false,
    // The window moves with the endpoint's own tick, so that one timer serves both circuits and ends with it.
    rotateBucketController: rotation,
  });
}

function replay(failure?: Error): Promise<void> {
  return failure === undefined ? Promise.resolve() : Promise.reject(failure);
}
