/**
 * Data: what is allowed and yet is usually a mistake, one row each, with the words of its warning. Only what the user wrote is
 * questioned, so that the built-in profiles are silent.
 */
import { boundsOf } from "./bounds.js";
import { fieldsUnder } from "./fields.js";
import { formatDuration } from "../format.js";
import type { Effective } from "./layers.js";
import { SENTINEL_TLS } from "./questionable-sentinels.js";
import { isTls } from "./is-tls.js";
import type { Policy } from "./shape.js";
import type { ResolvedPolicy } from "./resolve.js";

type Check = (scene: Scene) => string | undefined;

/** The option a warning is about, and the check that gives its words or `undefined`. */
export type Questionable = readonly [path: string, check: Check];

/** What the checks look at. `wrote` tells whether the user set a value, rather than a built-in profile or preset. */
export interface Scene {
  readonly policy: Policy;
  readonly values: ReadonlyMap<string, Effective>;
  readonly resolved: ResolvedPolicy;
  readonly redis: Readonly<Record<string, unknown>>;
  readonly wrote: (path: string) => boolean;
}

/** Not `name`, which is an option of ioredis too. */
const POLICY_KEYS = ["profile", ...fieldsUnder("").map((field) => field.path), "fallback", "logger", "doctor"];

/** What the options of other clients are called here. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  url: "pass the URL as the first argument",
  socket: "host, port and tls stand beside the other options",
  hostname: "write host",
  database: "write db",
  user: "write username",
  auth_pass: "write password",
  pass: "write password",
};

/** Every questionable combination, in the order of the warnings. */
export const QUESTIONABLE: readonly Questionable[] = [
  [
    "profile",
    ({ resolved: { meantProfile: meant } }) =>
      meant === undefined
        ? undefined
        : `is production, because NODE_ENV=${meant.written} names none; for ${meant.name} set IOREDOUBT_PROFILE=${meant.name}`,
  ],
  [
    "deadline",
    ({ policy, wrote }) =>
      policy.deadline !== false && policy.deadline < 20 && wrote("deadline")
        ? `${formatDuration(policy.deadline)} is shorter than one attempt over a network usually takes; if seconds were meant, write ${policy.deadline}s in a variable or ${policy.deadline * 1000} in code`
        : undefined,
  ],
  [
    "deadline",
    ({ policy }) =>
      policy.deadline === false && policy.queue !== false && policy.queue.wait === "forever"
        ? "is off while calls wait without limit: a call may never settle"
        : undefined,
  ],
  [
    "deadline",
    ({ redis, values }) =>
      redis["commandTimeout"] !== undefined && values.get("deadline")?.origin === "option"
        ? "is given beside ioredis's commandTimeout; the deadline is used"
        : undefined,
  ],
  [
    "retry.retries",
    ({ policy, wrote }) => {
      const { longestBackoff, settlesWithin } = boundsOf(policy);
      if (!(wrote("deadline") || wrote("retry.retries")) || longestBackoff / 2 <= settlesWithin) return undefined;
      return `cannot all happen: their backoff takes ${formatDuration(longestBackoff / 2)} on average and the deadline is ${formatDuration(settlesWithin)}`;
    },
  ],
  [
    "retry.ambiguous",
    ({ policy }) =>
      policy.retry !== false && policy.retry.ambiguous === "replay"
        ? 'is "replay": writes whose reply was lost are executed twice when the first one had arrived'
        : undefined,
  ],
  [
    "maxRetriesPerRequest",
    ({ policy, redis }) => {
      const layers = redis["maxRetriesPerRequest"];
      if (policy.retry === false || typeof layers !== "number" || layers <= policy.retry.retries) return undefined;
      return `${layers} adds no second layer of retries here: retry.retries ${policy.retry.retries} and the deadline decide; it only ends the wait for a connection after ${layers} failed attempts, so leave it out`;
    },
  ],
  [
    "maxRetriesPerRequest",
    ({ policy, redis }) =>
      typeof redis["maxRetriesPerRequest"] === "number" && policy.profile.split("+").includes("worker")
        ? "must be null for job queues that block, such as BullMQ"
        : undefined,
  ],
  [
    "breaker.resetTimeout",
    ({ policy, wrote }) => {
      if (policy.breaker === false || !(wrote("breaker.resetTimeout") || wrote("breaker.rollingCountTimeout")))
        return undefined;
      const { resetTimeout, rollingCountTimeout } = policy.breaker;
      if (resetTimeout >= rollingCountTimeout) return undefined;
      return `${formatDuration(resetTimeout)} is shorter than the window of ${formatDuration(rollingCountTimeout)}: the circuit may close and open several times before one window has passed`;
    },
  ],
  [
    "pool.acquireTimeout",
    ({ policy, wrote }) =>
      policy.deadline !== false && policy.pool.acquireTimeout > policy.deadline && wrote("pool.acquireTimeout")
        ? `${formatDuration(policy.pool.acquireTimeout)} is longer than the deadline of ${formatDuration(policy.deadline)}`
        : undefined,
  ],
  [
    "heartbeat",
    ({ policy, resolved, redis }) => {
      const limit = resolved.provider?.idleLimit;
      if (policy.heartbeat === false) {
        return limit === undefined
          ? undefined
          : `is off, and ${resolved.provider?.label ?? ""} closes connections idle for ${formatDuration(limit)}`;
      }
      if (limit !== undefined && policy.heartbeat.interval >= limit) {
        return `of ${formatDuration(policy.heartbeat.interval)} comes too late: ${resolved.provider?.label ?? ""} closes connections idle for ${formatDuration(limit)}`;
      }
      return redis["socketTimeout"] === undefined
        ? undefined
        : "and ioredis's socketTimeout both watch for silence; keep one of them";
    },
  ],
  [
    "tls",
    ({ resolved, redis }) => {
      const { provider, policy } = resolved;
      const isOn = isTls(redis["tls"]) || policy.connection?.tls === true;
      if (provider === undefined) return undefined;
      if (isOn && provider.plainPort !== undefined && Number(redis["port"] ?? 6379) === provider.plainPort) {
        return `is on, and port ${provider.plainPort} of ${provider.label} speaks plain text`;
      }
      if (isOn || provider.tls === "optional") return undefined;
      return `is off, and ${provider.label} accepts plain text ${provider.tls === "always" ? "never" : "only when that was switched on"}: use rediss:// or tls: {}`;
    },
  ],
  ...SENTINEL_TLS,
  [
    "host",
    ({ redis }) =>
      "host" in redis && redis["host"] === undefined && redis["path"] === undefined && redis["sentinels"] === undefined
        ? "is given as undefined, so localhost is used; check the variable it comes from"
        : undefined,
  ],
  [
    "username",
    ({ redis }) =>
      !isText(redis["username"]) || isText(redis["password"])
        ? undefined
        : typeof redis["credentials"] === "function"
          ? "is not used beside credentials: let that function return it"
          : "is given without a password, so nobody is logged in; a password alone is written redis://:password@host",
  ],
  ...["password", "keyPrefix"].map((key): Questionable => [
    key,
    ({ redis }) =>
      isText(redis[key]) && /^(["'`]).+\1$/s.test(redis[key])
        ? "is in quotes, which are part of it; if the file it comes from kept them, as docker --env-file does, remove them"
        : undefined,
  ]),
  ...Object.entries(ELSEWHERE).map(([key, here]): Questionable => [
    key,
    ({ redis }) => (key in redis ? `is an option of another client, and does nothing here: ${here}` : undefined),
  ]),
  [
    "resilience",
    ({ redis }) => {
      const misplaced = POLICY_KEYS.filter((key) => key in redis);
      return misplaced.length === 0
        ? undefined
        : `is where ${misplaced.join(", ")} ${misplaced.length === 1 ? "belongs; beside the ioredis options it does" : "belong; beside the ioredis options they do"} nothing`;
    },
  ],
  [
    "enableOfflineQueue",
    ({ policy, redis }) =>
      policy.queue === false && redis["lazyConnect"] === true
        ? "is false with lazyConnect: the first command fails because nothing is connected yet"
        : undefined,
  ],
];

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
