/**
 * The named sets of values, and the only place with numbers. `production` is the base; every other profile says only
 * what it changes, so profiles can be laid over each other: `["production", "cache"]`. The reason for each number is in
 * docs/policy.md.
 */
import { PROFILE_NAMES, type BreakerPolicy, type Policy, type Profile, type ProfileName } from "./shape.js";

const MIB = 1024 * 1024;

/** `breaker.downAfter` where nobody wrote one and there is no deadline to follow, in milliseconds. */
export const DOWN_AFTER = 5_000;
/** `breaker.downAfter` is at least this where it follows the deadline, in milliseconds: a blip opens no circuit. */
export const LEAST_DOWN_AFTER = 250;

/** The base under every profile: a store that web requests wait for. `breaker.downAfter` follows the deadline. */
export const BASE: Omit<Policy, "profile" | "connection" | "breaker"> & {
  readonly breaker: Omit<BreakerPolicy, "downAfter">;
} = {
  deadline: 5000,
  retry: {
    retries: 3,
    minTimeout: 50,
    maxTimeout: 1000,
    factor: 2,
    ambiguous: "safe",
    budget: { tokens: 100, refill: 0.1 },
  },
  breaker: {
    errorThresholdPercentage: 50,
    volumeThreshold: 20,
    rollingCountTimeout: 10_000,
    resetTimeout: 5000,
    maxResetTimeout: 15_000,
    probeTimeout: 1000,
  },
  queue: { maxCommands: 10_000, maxBytes: 16 * MIB, wait: "deadline" },
  inFlight: { maxCommands: 250_000, maxBytes: 256 * MIB },
  silenceHold: 500,
  maxReplyBytes: 512 * MIB,
  reconnect: { minTimeout: 50, maxTimeout: 1000, stableAfter: 5000, handshakeTimeout: 3000 },
  sentinel: { connectTimeout: 500, answerTimeout: 500, hedgeAfter: 150 },
  heartbeat: { interval: 15_000, timeout: 5000 },
  pool: {
    size: 1,
    min: 0,
    max: 10,
    blocking: 50,
    acquireTimeout: 1000,
    idleTimeout: 30_000,
    maxLifetime: 1_800_000,
    leakAfter: 30_000,
  },
  summaryInterval: 30_000,
};

/**
 * What differs for a cluster: a failover takes longer than a reconnect, and whoever waits for it is not failed; and a node that
 * stands still is replaced, so that what it was sent has an unknown outcome, not a late one.
 */
export const CLUSTER = { deadline: 10_000, silenceHold: 300 } as const;

const BUILT_IN: Readonly<Record<ProfileName, Omit<Profile, "name" | "extends">>> = {
  production: { values: {} },
  staging: { values: {} },
  development: {
    values: {
      deadline: 3000,
      retry: { retries: 2, maxTimeout: 500, budget: false },
      breaker: { volumeThreshold: 5, resetTimeout: 1000, maxResetTimeout: 5000 },
      queue: { maxCommands: 1000, maxBytes: MIB },
      reconnect: { maxTimeout: 500 },
      summaryInterval: 10_000,
    },
  },
  test: {
    values: {
      deadline: 1000,
      retry: { retries: 1, minTimeout: 5, maxTimeout: 20, budget: false },
      breaker: false,
      queue: { maxCommands: 1000, maxBytes: MIB },
      reconnect: { minTimeout: 5, maxTimeout: 50, stableAfter: 100, handshakeTimeout: 1000 },
      heartbeat: false,
      pool: { max: 5, acquireTimeout: 500, idleTimeout: 1000 },
      summaryInterval: 5000,
    },
  },
  cache: {
    values: {
      deadline: 300,
      retry: { retries: 1, minTimeout: 25, maxTimeout: 100, budget: { tokens: 50 } },
      breaker: { resetTimeout: 2000, maxResetTimeout: 10_000, probeTimeout: 300 },
      queue: { maxCommands: 1000, maxBytes: 8 * MIB },
      reconnect: { maxTimeout: 500 },
      heartbeat: { interval: 10_000, timeout: 2000 },
      pool: { acquireTimeout: 250 },
    },
  },
  worker: {
    values: {
      deadline: 60_000,
      retry: { retries: 8, minTimeout: 100, maxTimeout: 5000, budget: { tokens: 200 } },
      breaker: { errorThresholdPercentage: 80, volumeThreshold: 50, rollingCountTimeout: 30_000 },
      queue: { maxCommands: 50_000, maxBytes: 64 * MIB, wait: "forever" },
      reconnect: { minTimeout: 100, maxTimeout: 2000 },
      heartbeat: { timeout: 10_000 },
      pool: { max: 50, acquireTimeout: 10_000, idleTimeout: 60_000 },
      summaryInterval: 60_000,
    },
  },
  serverless: {
    values: {
      deadline: 2000,
      retry: { retries: 2, minTimeout: 25, maxTimeout: 250, budget: { tokens: 20 } },
      breaker: { volumeThreshold: 5, resetTimeout: 1000, maxResetTimeout: 10_000 },
      queue: { maxCommands: 1000, maxBytes: 4 * MIB },
      reconnect: { minTimeout: 25, maxTimeout: 500 },
      heartbeat: { interval: 5000, timeout: 1000 },
      pool: { max: 2, blocking: 2, acquireTimeout: 500, idleTimeout: 5000, maxLifetime: 300_000 },
    },
    connection: { lazyConnect: true, unref: true },
  },
};

const registered = new Map<string, Profile>(
  PROFILE_NAMES.map((name) => [name, { name, extends: [], ...BUILT_IN[name] }]),
);

const made = new WeakSet<object>();

/** Adds a profile to those a name in `IOREDOUBT_PROFILE` or a policy file may mean. */
export function registerProfile(profile: Profile): void {
  made.add(profile);
  registered.set(profile.name, profile);
}

/** Whether a value is what `defineProfile` returned: an object that only looks like one was never checked. */
export function isProfile(value: unknown): value is Profile {
  return typeof value === "object" && value !== null && made.has(value);
}

/** The profile of a name, or `undefined`. */
export function profileNamed(name: string): Profile | undefined {
  return registered.get(name);
}

/** Whether a name is built in and cannot be defined again. */
export function isBuiltInProfile(name: string): name is ProfileName {
  return (PROFILE_NAMES as readonly string[]).includes(name);
}

/** Every name that can be selected now. */
export function profileNames(): readonly string[] {
  return [...registered.keys()];
}
