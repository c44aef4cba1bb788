/** From sources to the one policy: profiles, precedence, origins, translation of ioredis options, composition. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, expectTypeOf, it } from "vitest";
import { defineProfile } from "../../src/policy/define-profile.js";
import { PROFILE_NAMES, type ResilienceOptions } from "../../src/policy/shape.js";
import { BASE } from "../../src/policy/profiles.js";
import { resolvePolicy, resolveSources, type PolicySources } from "../../src/policy/resolve.js";
import { policyLine, fingerprintOf } from "../../src/policy/fingerprint.js";
import type { UserRedisOptions } from "../../src/policy/translate.js";

const folder = mkdtempSync(join(tmpdir(), "policy-"));
afterAll(() => rmSync(folder, { recursive: true }));

const policy = (resilience?: ResilienceOptions, redis: UserRedisOptions = {}, env: Record<string, string> = {}) =>
  resolvePolicy(resilience, redis, env);
const originOf = (path: string, sources: PolicySources): string | undefined =>
  resolveSources({ env: {}, ...sources }).values.get(path)?.origin;

describe("resolvePolicy", () => {
  it("is the production profile when nothing is said", () => {
    expect(policy()).toEqual({
      ...BASE,
      breaker: { ...BASE.breaker, downAfter: 5000 },
      profile: "production",
      connection: {},
    });
  });

  it("is frozen to the bottom", () => {
    const { retry, breaker, queue, reconnect, heartbeat, pool, connection } = policy();
    const budget = retry !== false && retry.budget;
    for (const part of [policy(), retry, budget, breaker, queue, reconnect, heartbeat, pool, connection]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => Object.assign(policy(), { deadline: 1 })).toThrow(TypeError);
  });

  it.each(PROFILE_NAMES)("resolves the profile %s without a warning", (name) => {
    expect(policy({ profile: name }).profile).toBe(name);
  });

  it("makes staging behave as production does", () => {
    expect(fingerprintOf(policy({ profile: "staging" }))).toBe(fingerprintOf(policy({ profile: "production" })));
  });

  it("lays profiles over each other, the later on top", () => {
    const composed = policy({ profile: ["development", "cache"] });
    expect(composed.profile).toBe("development+cache");
    expect(composed.deadline).toBe(300);
    expect(composed.summaryInterval).toBe(10_000);
    expect(policy({ profile: ["cache", "development"] }).deadline).toBe(3000);
  });

  it("brings a part back when a higher layer sets something in it", () => {
    expect(policy({ profile: "test" }).breaker).toBe(false);
    expect(policy({ profile: "test", breaker: { downAfter: 9 } }).breaker).toEqual({ ...BASE.breaker, downAfter: 9 });
    expect(policy({ profile: "test", breaker: {} }).breaker).toEqual({ ...BASE.breaker, downAfter: 1000 });
  });

  it("lets breaker.downAfter follow the deadline, whoever set that, unless somebody wrote it", () => {
    const downAfter = (...args: Parameters<typeof policy>): unknown => {
      const { breaker } = policy(...args);
      return breaker !== false && breaker.downAfter;
    };
    expect(downAfter({ profile: "cache" })).toBe(300);
    expect(downAfter({ profile: "cache", deadline: 450 })).toBe(450);
    expect(downAfter({}, { commandTimeout: 900 })).toBe(900);
    expect(downAfter({}, {}, { IOREDOUBT_DEADLINE: "8s" })).toBe(8000);
    expect(downAfter({ deadline: 20 })).toBe(250);
    expect(downAfter({ deadline: false })).toBe(5000);
    expect(downAfter({ deadline: 900, breaker: { downAfter: 100 } })).toBe(100);
  });

  it("switches parts off", () => {
    expect(policy({ retry: false, breaker: false, queue: false, heartbeat: false, deadline: false })).toMatchObject({
      retry: false,
      breaker: false,
      queue: false,
      heartbeat: false,
      deadline: false,
    });
    expect(policy({ retry: { budget: false } }).retry).toMatchObject({ retries: 3, budget: false });
  });

  it("takes undefined for absent, at every depth", () => {
    expect(policy({ deadline: undefined, retry: { retries: undefined, budget: { tokens: undefined } } })).toEqual(
      policy(),
    );
  });

  it("makes the serverless client lazy, unless the caller said otherwise", () => {
    expect(policy({ profile: "serverless" }).connection).toEqual({ lazyConnect: true, unref: true });
    expect(policy({ profile: "serverless" }, { lazyConnect: false }).connection).toEqual({ unref: true });
  });

  it("does not compile a misspelt profile", () => {
    expectTypeOf<"production">().toExtend<NonNullable<ResilienceOptions["profile"]>>();
    expectTypeOf<"prodution">().not.toExtend<NonNullable<ResilienceOptions["profile"]>>();
    expectTypeOf<"prodution"[]>().not.toExtend<NonNullable<ResilienceOptions["profile"]>>();
  });
});

describe("the choice of profile", () => {
  const chosen = (env: Record<string, string>, profile?: ResilienceOptions["profile"]): string[] => {
    const resolved = resolveSources({ resilience: { profile }, env });
    return [resolved.policy.profile, resolved.profileOrigin];
  };

  it("goes option, IOREDOUBT_PROFILE, NODE_ENV, production", () => {
    const env = { IOREDOUBT_PROFILE: "worker", NODE_ENV: "development" };
    expect(chosen(env, "cache")).toEqual(["cache", "option"]);
    expect(chosen(env)).toEqual(["worker", "IOREDOUBT_PROFILE"]);
    expect(chosen({ NODE_ENV: "development" })).toEqual(["development", "NODE_ENV"]);
    expect(chosen({ NODE_ENV: "test " })).toEqual(["test", "NODE_ENV"]);
    expect(chosen({ NODE_ENV: "test\r" })).toEqual(["test", "NODE_ENV"]);
    expect(chosen({})).toEqual(["production", "default"]);
  });

  it("is production when NODE_ENV names no profile", () => {
    expect(chosen({ NODE_ENV: "qa" })).toEqual(["production", "default"]);
    expect(chosen({ NODE_ENV: "" })).toEqual(["production", "default"]);
  });

  it("takes several from IOREDOUBT_PROFILE", () => {
    expect(chosen({ IOREDOUBT_PROFILE: "staging+cache" })[0]).toBe("staging+cache");
    expect(chosen({ IOREDOUBT_PROFILE: "staging, cache" })[0]).toBe("staging+cache");
  });
});

describe("precedence", () => {
  const config = join(folder, "policy.json");
  writeFileSync(
    config,
    JSON.stringify({
      profile: "cache",
      deadline: "7s",
      reconnect: { handshakeTimeout: 7000 },
      queue: { maxBytes: "2MB" },
    }),
  );
  const env = { IOREDOUBT_CONFIG: config };

  it("has a base of its own for a Cluster, below everything else", () => {
    const ofCluster = resolveSources({ env: {}, isCluster: true }).policy;
    expect(ofCluster).toMatchObject({ deadline: 10_000, silenceHold: 300, breaker: { downAfter: 10_000 } });
    const quick = resolveSources({ env: {}, isCluster: true, resilience: { profile: "cache" } }).policy;
    expect(quick.deadline).toBeLessThan(10_000);
  });

  it("is code over environment over file over provider over profile over base", () => {
    const redis = { host: "x.redis.cache.windows.net" };
    const path = "reconnect.handshakeTimeout";
    const value = (sources: PolicySources): unknown => resolveSources({ env: {}, ...sources }).values.get(path)?.value;
    const ladder: PolicySources[] = [
      {},
      { resilience: { profile: "test" } },
      { resilience: { profile: "test" }, redis },
      { resilience: { profile: "test" }, redis, env },
      { resilience: { profile: "test" }, redis, env: { ...env, IOREDOUBT_RECONNECT_HANDSHAKE_TIMEOUT: "8s" } },
      {
        resilience: { profile: "test", reconnect: { handshakeTimeout: 9000 } },
        redis,
        env: { ...env, IOREDOUBT_RECONNECT_HANDSHAKE_TIMEOUT: "8s" },
      },
    ];
    expect(ladder.map(value)).toEqual([3000, 1000, 15_000, 7000, 8000, 9000]);
    expect(ladder.map((sources) => originOf(path, sources))).toEqual([
      "base",
      "profile test",
      "provider azure",
      `file ${config}`,
      "IOREDOUBT_RECONNECT_HANDSHAKE_TIMEOUT",
      "option",
    ]);
  });

  it("reads units in the policy file, and its profile", () => {
    const resolved = resolveSources({ env });
    expect(resolved.policy).toMatchObject({
      profile: "cache",
      deadline: 7000,
      queue: { maxBytes: 2 * 1024 * 1024, maxCommands: 1000 },
    });
    expect(resolved.profileOrigin).toBe(`file ${config}`);
  });
});

describe("ioredis options", () => {
  it("turns commandTimeout into the deadline, unless a deadline is given", () => {
    expect(policy({}, { commandTimeout: 700 }).deadline).toBe(700);
    expect(policy({ deadline: 900 }, { commandTimeout: 700 }).deadline).toBe(900);
    expect(policy({}, { commandTimeout: "700" }).deadline).toBe(700);
    expect(originOf("deadline", { redis: { commandTimeout: 700 } })).toBe("ioredis option commandTimeout");
  });

  it("puts commandTimeout over the environment: it is code", () => {
    expect(policy({}, { commandTimeout: 700 }, { IOREDOUBT_DEADLINE: "2s" }).deadline).toBe(700);
  });

  it("waits without limit for maxRetriesPerRequest null", () => {
    expect(policy({}, { maxRetriesPerRequest: null }).queue).toMatchObject({ wait: "forever" });
    expect(policy({}, { maxRetriesPerRequest: Infinity }).queue).toMatchObject({ wait: "forever" });
    expect(policy({}, { maxRetriesPerRequest: 20 }).queue).toMatchObject({ wait: "deadline" });
  });

  it("lowers retries to maxRetriesPerRequest, never raises them", () => {
    expect(policy({}, { maxRetriesPerRequest: 1 }).retry).toMatchObject({ retries: 1 });
    expect(policy({}, { maxRetriesPerRequest: 20 }).retry).toMatchObject({ retries: 3 });
  });

  it("does not wait for enableOfflineQueue false, even with maxRetriesPerRequest null", () => {
    expect(policy({}, { enableOfflineQueue: false }).queue).toBe(false);
    expect(policy({}, { enableOfflineQueue: false, maxRetriesPerRequest: null }).queue).toBe(false);
    expect(policy({}, { enableOfflineQueue: true }).queue).toEqual(BASE.queue);
  });

  it("replays only when autoResendUnfulfilledCommands was asked for", () => {
    expect(policy({}, { autoResendUnfulfilledCommands: true }).retry).toMatchObject({ ambiguous: "replay" });
    expect(policy({}, {}).retry).toMatchObject({ ambiguous: "safe" });
    expect(policy({ retry: { ambiguous: "safe" } }, { autoResendUnfulfilledCommands: true }).retry).toMatchObject({
      ambiguous: "safe",
    });
  });

  it("leaves a longer connectTimeout its time", () => {
    expect(policy({}, { connectTimeout: 20_000 }).reconnect.handshakeTimeout).toBe(20_000);
    expect(policy({}, { connectTimeout: 500 }).reconnect.handshakeTimeout).toBe(3000);
  });
});

describe("defineProfile", () => {
  it("extends others and can be chosen by name in the environment", () => {
    const sessions = defineProfile("sessions", { extends: ["staging", "cache"], deadline: 450, retry: { retries: 0 } });
    const resolved = resolveSources({ resilience: { profile: sessions }, env: {} });
    expect(resolved.policy).toMatchObject({
      profile: "sessions",
      deadline: 450,
      retry: { retries: 0, minTimeout: 25 },
    });
    expect(resolved.values.get("deadline")?.origin).toBe("profile sessions");
    expect(resolved.values.get("retry.minTimeout")?.origin).toBe("profile cache");
    expect(policy({}, {}, { IOREDOUBT_PROFILE: "sessions" })).toEqual(resolved.policy);
  });

  it("takes the same definition again and is not changed through its argument", () => {
    const definition = { deadline: 100, retry: { retries: 1 } };
    const first = defineProfile("twice", definition);
    expect(policy({ profile: defineProfile("twice", definition) })).toEqual(policy({ profile: first }));
    expect(() => defineProfile("twice", { retry: { retries: 1 }, deadline: 100, queue: undefined })).not.toThrow();
    expect(() => defineProfile("twice", { retry: { retries: 2 }, deadline: 100 })).toThrow("with other values");
    definition.retry.retries = -9;
    expect(policy({ profile: first }).retry).toMatchObject({ retries: 1 });
    expect(Object.isFrozen(first.values.retry)).toBe(true);
  });

  it("composes with built-in ones", () => {
    const patient = defineProfile("patient", { deadline: 30_000 });
    expect(policy({ profile: ["cache", patient] })).toMatchObject({
      profile: "cache+patient",
      deadline: 30_000,
      queue: { maxCommands: 1000 },
    });
  });
});

describe("the fingerprint", () => {
  it("differs when one value differs and not when only the name does", () => {
    const one = policy({ deadline: 700 });
    expect(fingerprintOf(one)).toBe(fingerprintOf(policy({ profile: "staging", deadline: 700 })));
    expect(fingerprintOf(one)).not.toBe(fingerprintOf(policy({ deadline: 701 })));
    expect(fingerprintOf(policy({ queue: { maxCommands: Infinity } }))).not.toBe(fingerprintOf(policy()));
    expect(policyLine(one)).toMatch(/^policy production \([0-9a-f]{8}\)$/);
  });
});
