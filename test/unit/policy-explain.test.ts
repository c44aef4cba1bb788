/** What `config` and `explainPolicy` say: origins, promises, provider presets and warnings. */
import { describe, expect, it, vi } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { providerOf } from "../../src/failure/provider.js";
import { Breaker } from "../../src/endpoint/breaker.js";
import { boundsOf, probesWithin, promises } from "../../src/policy/bounds.js";
import { formatBytes, formatDuration } from "../../src/format.js";
import { explainPolicy, formatValue } from "../../src/policy/explain-policy.js";
import { lintAgainstServer } from "../../src/policy/lint.js";
import { PROFILE_NAMES, type ResilienceOptions } from "../../src/policy/shape.js";
import { PROVIDERS, presetFor } from "../../src/policy/providers.js";
import { resolvePolicy } from "../../src/policy/resolve.js";
import type { UserRedisOptions } from "../../src/policy/translate.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

type Options = UserRedisOptions & { resilience?: ResilienceOptions };

const warningsFor = (options: Options, env: Record<string, string> = {}): string[] =>
  explainPolicy(options, env).warnings.map((w) => `${w.path} ${w.says}`);

describe("explainPolicy", () => {
  it("gives every value its origin", () => {
    const env = { IOREDOUBT_RETRY_RETRIES: "4", IOREDOUBT_PROFILE: "cache" };
    const { values, profile } = explainPolicy({ commandTimeout: 900, resilience: { pool: { max: 3 } } }, env);
    const lines = values.map((v) => `${v.path} ${v.text} ← ${v.origin}`);
    expect(profile).toEqual({ name: "cache", origin: "IOREDOUBT_PROFILE" });
    expect(lines).toContain("retry.retries 4 ← IOREDOUBT_RETRY_RETRIES");
    expect(lines).toContain("deadline 900 ms ← ioredis option commandTimeout");
    expect(lines).toContain("pool.max 3 ← option");
    expect(lines).toContain("breaker.downAfter 900 ms ← deadline");
    expect(lines).toContain("queue.maxBytes 8 MiB ← profile cache");
    expect(lines).toContain("retry.factor 2 ← base");
  });

  it("shows a part that is off as one line", () => {
    const { values } = explainPolicy({ resilience: { breaker: false, retry: { budget: false } } }, {});
    const lines = values.map((v) => `${v.path} ${v.text}`).filter((line) => /breaker|budget/.test(line));
    expect(lines).toEqual(["retry.budget off", "breaker off"]);
  });

  it("holds nothing of the address or the credentials", () => {
    const options = {
      host: "secret-host",
      password: "hunter2-Tr0ub4dor",
      username: "secret-user",
      tls: { key: "-----BEGIN ENCRYPTED secret-key" },
    };
    expect(JSON.stringify(explainPolicy(options as Options, {}))).not.toMatch(/hunter2|secret/);
  });

  it.each(PROFILE_NAMES)("has nothing to say against the profile %s", (profile) => {
    expect(warningsFor({ resilience: { profile } })).toEqual([]);
  });
});

describe("promises", () => {
  it("puts the production policy into words", () => {
    expect(promises(resolvePolicy({}, {}, {}))).toEqual([
      "A GET that gets lost is sent at most 4 times and settles within 5 s, waiting and retries included.",
      "An INCR is executed at most once: it is sent again only when it is certain that it was not executed.",
      "Backoff of one command adds up to 350 ms at most, half of that on average.",
      "Without a connection calls wait, at most 10000 of them; after 5 s without one new ones fail at once, and what waits keeps its deadline.",
      "While the circuit is open calls fail at once, in under 1 ms. A server that is connected and fails is asked again after about 5 s at first, and once it has failed for 60 s within 19.75 s.",
      "A server that was away, however long, sees the next connection attempt within 1 s; within 4 s when the server gave no answer at all for a few seconds, and within `connectTimeout` after a longer silence.",
      "A dead connection is found within 5 s when commands are in flight, within 20 s when idle.",
    ]);
  });

  it("does not promise at-most-once when replay was asked for", () => {
    const words = promises(resolvePolicy({ retry: { ambiguous: "replay", retries: 2 } }, {}, {}));
    expect(words[1]).toBe(
      "An INCR whose reply was lost is sent again, up to 3 times: it may be executed more than once.",
    );
  });

  it("says that a worker waits without limit", () => {
    const words = promises(resolvePolicy({ profile: "worker" }, {}, {}));
    expect(words[0]).toContain("settles within 60 s once it can be sent; it waits for a connection without limit");
    expect(words.join(" ")).not.toContain("fail at once, and what waits");
  });

  it("says what is off", () => {
    const off = { retry: false, queue: false, heartbeat: false, deadline: false, breaker: false } as const;
    const words = promises(resolvePolicy(off, {}, {})).join("\n");
    expect(words).toContain("A GET that gets lost is sent at most once and has no deadline");
    expect(words).toContain("nothing waits");
    expect(words).toContain("no heartbeat");
    expect(words).not.toContain("circuit");
  });

  it("adds the backoff up with its cap", () => {
    const policy = resolvePolicy({ retry: { retries: 5, minTimeout: 100, maxTimeout: 500, factor: 2 } }, {}, {});
    expect(boundsOf(policy).longestBackoff).toBe(100 + 200 + 400 + 500 + 500);
  });

  it("bounds the wait for a probe by the cap, with its spread", () => {
    const policy = resolvePolicy({ breaker: { resetTimeout: 1000, maxResetTimeout: 4000 } }, {}, {});
    expect(probesWithin(policy, 500)).toBe(1000 + 1250);
    expect(probesWithin(policy, 1_000_000)).toBe(1000 + 5000);
  });

  it("bounds the wait for a probe in every outage of a real circuit, and closely", async () => {
    vi.useFakeTimers();
    try {
      const policy = resolvePolicy({}, {}, {});
      if (policy.breaker === false) throw new Error("the production policy has a breaker");
      const { breaker } = policy;
      const cause = classify(new Error("connect ECONNREFUSED 127.0.0.1:6379"), {});
      let worst = 0;
      for (let run = 0; run < 150; run++) {
        let askedAt = Infinity;
        let isWell = false;
        const circuit = new Breaker("read-write", breaker, {
          changed: () => undefined,
          probe: () => {
            if (isWell) askedAt = Math.min(askedAt, performance.now());
            const answers = isWell;
            return new Promise((resolve) => setTimeout(() => resolve(answers), answers ? 0 : breaker.probeTimeout));
          },
        });
        circuit.trip(cause);
        await vi.advanceTimersByTimeAsync(60_000);
        isWell = true;
        const back = performance.now();
        await vi.advanceTimersByTimeAsync(30_000);
        worst = Math.max(worst, askedAt - back);
        circuit.shutdown();
      }
      expect(worst).toBeLessThanOrEqual(probesWithin(policy, 60_000));
      expect(worst).toBeGreaterThanOrEqual(probesWithin(policy, 60_000) * 0.75);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("provider presets", () => {
  it.each([
    ["my.abc123.ng.0001.euw1.cache.amazonaws.com", "aws"],
    ["master.my.abc123.use1.cache.amazonaws.com", "aws"],
    ["my-abc123.serverless.use1.cache.amazonaws.com", "aws-serverless"],
    ["clustercfg.my.abc123.memorydb.us-east-1.amazonaws.com", "aws"],
    ["my.redis.cache.windows.net", "azure"],
    ["my.westeurope.redisenterprise.cache.azure.net", "azure"],
    ["my.westeurope.redis.azure.net", "azure"],
    ["my.redis.cache.chinacloudapi.cn", "azure"],
    ["my.redis.cache.usgovcloudapi.net", "azure"],
    ["my.chinanorth3.redis.chinacloudapi.cn", "azure"],
    ["my.usgovvirginia.redis.usgovcloudapi.net", "azure"],
    ["redis-12345.c1.eu-west-1-3.ec2.redns.redis-cloud.com", "redis-cloud"],
    ["redis-12345.c1.us-east-1-2.ec2.cloud.redislabs.com", "redis-cloud"],
    ["usw2-some-name-30994.upstash.io", "upstash"],
    ["db-valkey-fra1-1-do-user-1-0.k.db.ondigitalocean.com", "digitalocean"],
    ["valkey-1-my-project.a.aivencloud.com", "aiven"],
    ["redis-12345.c1.us-east-1-2.ec2.cloud.rediscloud.com", "redis-cloud"],
    ["my.abc.cache.amazonaws.com.cn", "aws"],
    ["my.redisenterprise.windows.net", "azure"],
    ["redis.internal", undefined],
    ["upstash.io.example.com", undefined],
    ["evil-upstash.io.example.com", undefined],
    ["evil-upstash.io", undefined],
    ["my.redis.cache.windows.net.example.com", undefined],
    ["USW2-Some-Name-30994.Upstash.IO", "upstash"],
    ["usw2-some-name-30994.upstash.io.", "upstash"],
    ["usw2-some-name-30994.upstash.io..", undefined],
  ])("finds %s to be %s, as the advice of errors does", (host, name) => {
    expect(presetFor(undefined, { host })?.name).toBe(name);
    expect(providerOf(host) !== undefined).toBe(name !== undefined);
  });

  it("can be named and switched off, in code and in the environment", () => {
    const host = "x.redis.cache.windows.net";
    const handshake = (options: Options, env: Record<string, string> = {}): number =>
      explainPolicy(options, env).policy.reconnect.handshakeTimeout;
    expect(handshake({ host })).toBe(15_000);
    expect(handshake({ host, resilience: { provider: false } })).toBe(3000);
    expect(handshake({ host }, { IOREDOUBT_PROVIDER: "off" })).toBe(3000);
    expect(handshake({ host: "10.0.0.1", resilience: { provider: "azure" } })).toBe(15_000);
    expect(handshake({ host: "10.0.0.1" }, { IOREDOUBT_PROVIDER: "azure" })).toBe(15_000);
  });

  it("bring TLS only where nothing else is accepted, and never over the caller's own", () => {
    const host = "a-1.upstash.io";
    expect(explainPolicy({ host }, {}).policy.connection).toEqual({ tls: true });
    expect(explainPolicy({ host, tls: { servername: "x" } }, {}).policy.connection).toEqual({});
    expect(PROVIDERS.filter((p) => p.connection.tls === true).every((p) => p.tls === "always")).toBe(true);
  });

  it("each cite the documentation they come from", () => {
    for (const provider of PROVIDERS) {
      expect(provider.sources.length).toBeGreaterThan(0);
      expect(provider.sources.every((url) => url.startsWith("https://"))).toBe(true);
    }
  });
});

describe("warnings", () => {
  const rows: readonly (readonly [string, Options, string])[] = [
    [
      "seconds meant, milliseconds written",
      { resilience: { deadline: 5 } },
      "deadline 5 ms is shorter than one attempt",
    ],
    [
      "one value of a pair against a profile's",
      { resilience: { deadline: 40 } },
      "retry.minTimeout 50 (base) is above deadline 40 (option)",
    ],
    [
      "retries that cannot fit",
      { resilience: { deadline: 300, retry: { retries: 9 } } },
      "retry.retries cannot all happen",
    ],
    ["replay", { autoResendUnfulfilledCommands: true }, 'retry.ambiguous is "replay"'],
    [
      "a deadline beside commandTimeout",
      { commandTimeout: 5, resilience: { deadline: 100 } },
      "deadline is given beside",
    ],
    ["retry layers on retry layers", { maxRetriesPerRequest: 20 }, "maxRetriesPerRequest 20 adds no second layer"],
    [
      "a job queue with maxRetriesPerRequest",
      { maxRetriesPerRequest: 3, resilience: { profile: "worker" } },
      "must be null for job queues",
    ],
    [
      "a circuit faster than its window",
      { resilience: { breaker: { resetTimeout: 200 } } },
      "breaker.resetTimeout 200 ms is shorter than the window",
    ],
    [
      "patience beyond the deadline",
      { resilience: { pool: { acquireTimeout: 9000 } } },
      "pool.acquireTimeout 9 s is longer than the deadline",
    ],
    [
      "no heartbeat at a provider that closes idle connections",
      { host: "x.redis.cache.windows.net", tls: {}, resilience: { heartbeat: false } },
      "heartbeat is off, and Azure",
    ],
    [
      "a heartbeat that comes too late",
      { host: "x.redis.cache.windows.net", tls: {}, resilience: { heartbeat: { interval: 700_000 } } },
      "comes too late",
    ],
    ["two watchers of silence", { socketTimeout: 5 } as Options, "heartbeat and ioredis's socketTimeout"],
    ["plain text to a provider with TLS", { host: "x.redis.cache.windows.net", port: 6380 }, "tls is off, and Azure"],
    ["TLS to the plain port", { host: "x.redis.cache.windows.net", port: 6379, tls: {} }, "tls is on, and port 6379"],
    ["a host that is undefined", { host: undefined }, "host is given as undefined"],
    ["the options of another client", { socket: { host: "h" } } as Options, "socket is an option of another client"],
    ["the database of another client", { database: 3 } as Options, "does nothing here: write db"],
    ["a user without a password", { username: "u" } as Options, "username is given without a password"],
    [
      "a user beside a function that gives it",
      { username: "u", credentials: () => ({ password: "p" }) } as Options,
      "username is not used beside credentials",
    ],
    [
      "a Sentinel's user beside a function that gives it",
      { sentinels: [{ host: "h" }], name: "m", sentinelUsername: "u", sentinelCredentials: () => ({ password: "p" }) } as Options, // prettier-ignore
      "sentinelUsername is not used beside sentinelCredentials",
    ],
    ["a password in quotes", { host: "h", password: '"p"' } as Options, "password is in quotes, which are part of it"],
    ["a key prefix in quotes", { keyPrefix: "'a:'" } as Options, "keyPrefix is in quotes, which are part of it"],
    [
      "other policy keys in the wrong place",
      { provider: false, summaryInterval: 5, doctor: false } as Options,
      "resilience is where summaryInterval, provider, doctor belong; beside the ioredis options they do nothing",
    ],
    ["policy keys in the wrong place", { deadline: 5 } as Options, "resilience is where deadline belongs"],
    [
      "an option in lower case",
      { keyprefix: "a:" } as Options,
      "keyprefix is not an option and does nothing; did you mean keyPrefix?",
    ],
    ["a slip in an option", { maxRetryPerRequest: 1 } as Options, "did you mean maxRetriesPerRequest?"],
    ["retries beside ioredis's options", { retries: 3 } as Options, "did you mean resilience.retry.retries?"],
    [
      "a value of the policy without its part",
      { resetTimeout: 3 } as Options,
      "did you mean resilience.breaker.resetTimeout?",
    ],
    [
      "lazy without waiting",
      { lazyConnect: true, enableOfflineQueue: false },
      "enableOfflineQueue is false with lazyConnect",
    ],
    [
      "a call that may never settle",
      { maxRetriesPerRequest: null, resilience: { deadline: false } },
      "a call may never settle",
    ],
  ];

  it.each(rows)("tell of %s", (_name, options, text) => {
    expect(warningsFor(options).join("\n")).toContain(text);
  });

  it("are silent about keys that frameworks hand on", () => {
    const strangers = {
      namespace: "jobs",
      size: 4,
      ttl: 5,
      onClientCreated: () => undefined,
      config: {},
      role: "master",
    };
    expect(warningsFor(strangers as Options)).toEqual([]);
  });

  it("put a deadline that was meant in seconds before the rest, with what to write", () => {
    expect(warningsFor({ resilience: { deadline: 5 } })[0]).toMatch(
      /^deadline 5 ms .*write 5s in a variable or 5000 in code$/,
    );
  });

  it("are silent about plain text when the provider is switched off", () => {
    expect(warningsFor({ host: "x.redis.cache.windows.net", resilience: { provider: false } })).toEqual([]);
  });

  it("compare the pool with the server's maxclients", () => {
    const policy = resolvePolicy({ pool: { max: 30, blocking: 20 } }, {}, {});
    expect(lintAgainstServer(policy, 51)).toEqual([]);
    expect(lintAgainstServer(policy, 50)[0]?.says).toContain("lets this client open 51 connections");
  });
});

describe("NODE_ENV with another name of a profile", () => {
  it.each([
    ["dev", "development"],
    ["Development", "development"],
    ["local", "development"],
    ["ci", "test"],
  ])("is a warning that names it: %s", (written, meant) => {
    expect(warningsFor({}, { NODE_ENV: written })).toEqual([
      `profile is production, because NODE_ENV=${written} names none; for ${meant} set IOREDOUBT_PROFILE=${meant}`,
    ]);
  });

  it.each(["prod", "Production", "qa", "stage", "", "constructor"])(
    "is none for %j, which means these values",
    (written) => {
      expect(warningsFor({}, { NODE_ENV: written })).toEqual([]);
    },
  );

  it("is none where the profile was chosen", () => {
    expect(warningsFor({}, { NODE_ENV: "dev", IOREDOUBT_PROFILE: "cache" })).toEqual([]);
    expect(warningsFor({ resilience: { profile: "worker" } }, { NODE_ENV: "dev" })).toEqual([]);
  });
});

describe("values as text", () => {
  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1500, "1.5 s"],
    [60_000, "60 s"],
    [1_800_000, "30 min"],
    [7_200_000, "2 h"],
    [Infinity, "no limit"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("writes sizes, switches and counts", () => {
    expect([formatBytes(512), formatBytes(2048), formatBytes(16 * 1024 ** 2), formatBytes(Infinity)]).toEqual([
      "512 B",
      "2 KiB",
      "16 MiB",
      "no limit",
    ]);
    expect(formatValue("breaker", false)).toBe("off");
    expect(formatValue("breaker.errorThresholdPercentage", 50)).toBe("50 %");
    expect(formatValue("queue.maxCommands", Infinity)).toBe("no limit");
    expect(formatValue("retry.ambiguous", "safe")).toBe("safe");
  });
});
