/** Every documented variable does what it says, alone and with a prefix. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { POLICY_VARIABLES } from "../../src/policy/environment/policy-variables.js";
import { readTarget } from "../../src/policy/environment/target.js";
import { FIELDS, variableOf, type Field } from "../../src/policy/fields.js";
import { createRedis } from "../../src/create-redis.js";
import { clusterFromEnvironment } from "../../src/cluster/from-environment.js";
import { resolveFromEnvironment } from "../../src/policy/environment/from-environment.js";
import { parseDuration, parseSize, parseSwitch } from "../../src/policy/environment/parse.js";
import { resolveSources } from "../../src/policy/resolve.js";
import { makeCertificates } from "../helpers/tls.js";
import { CONNECTION_VARIABLES } from "../../src/policy/environment/variables.js";

const folder = mkdtempSync(join(tmpdir(), "env-"));
afterAll(() => rmSync(folder, { recursive: true }));
const certificates = await makeCertificates();
afterAll(() => certificates.remove());
const pem = {
  CA: certificates.caPem,
  C: readFileSync(certificates.client.cert, "utf8"),
  K: readFileSync(certificates.client.key, "utf8"),
};

const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** A variable, what else must be set with it, and the arguments that come out. */
const CONNECTION: readonly (readonly [string, Record<string, string>, unknown])[] = [
  ["REDIS_URL", { REDIS_URL: "rediss://u:p@h:1/2" }, ["rediss://u:p@h:1/2", {}]],
  ["REDIS_URL_FILE", { REDIS_URL_FILE: file("url", "redis://h\n") }, ["redis://h", {}]],
  ["REDIS_HOST", { REDIS_HOST: "h" }, [{ host: "h" }]],
  ["REDIS_PORT", { REDIS_HOST: "h", REDIS_PORT: "6380" }, [{ host: "h", port: 6380 }]],
  ["REDIS_PATH", { REDIS_PATH: "/run/r.sock" }, [{ path: "/run/r.sock" }]],
  ["REDIS_USERNAME", { REDIS_HOST: "h", REDIS_USERNAME: "u" }, [{ host: "h", username: "u" }]],
  ["REDIS_PASSWORD", { REDIS_HOST: "h", REDIS_PASSWORD: " p " }, [{ host: "h", password: " p " }]],
  [
    "REDIS_PASSWORD_FILE",
    { REDIS_HOST: "h", REDIS_PASSWORD_FILE: file("pw", "p q\n") },
    // Read anew with each connection.
    [{ host: "h", password: "p q", credentials: expect.any(Function) as unknown }],
  ],
  ["REDIS_DB", { REDIS_HOST: "h", REDIS_DB: "3" }, [{ host: "h", db: 3 }]],
  ["REDIS_FAMILY", { REDIS_HOST: "h", REDIS_FAMILY: "4" }, [{ host: "h", family: 4 }]],
  ["REDIS_KEY_PREFIX", { REDIS_HOST: "h", REDIS_KEY_PREFIX: "a:" }, [{ host: "h", keyPrefix: "a:" }]],
  ["REDIS_CONNECTION_NAME", { REDIS_HOST: "h", REDIS_CONNECTION_NAME: "n" }, [{ host: "h", connectionName: "n" }]],
  ["REDIS_CONNECT_TIMEOUT", { REDIS_HOST: "h", REDIS_CONNECT_TIMEOUT: "3s" }, [{ host: "h", connectTimeout: 3000 }]],
  ["REDIS_KEEP_ALIVE", { REDIS_HOST: "h", REDIS_KEEP_ALIVE: "1m" }, [{ host: "h", keepAlive: 60_000 }]],
  ["REDIS_LAZY_CONNECT", { REDIS_HOST: "h", REDIS_LAZY_CONNECT: "on" }, [{ host: "h", lazyConnect: true }]],
  ["REDIS_TLS", { REDIS_HOST: "h", REDIS_TLS: "true" }, [{ host: "h", tls: {} }]],
  [
    "REDIS_TLS_CA_FILE",
    { REDIS_HOST: "h", REDIS_TLS_CA_FILE: file("ca", pem.CA) },
    [{ host: "h", tls: { ca: pem.CA } }],
  ],
  [
    "REDIS_TLS_CERT_FILE",
    { REDIS_HOST: "h", REDIS_TLS_CERT_FILE: file("c", pem.C), REDIS_TLS_KEY_FILE: file("k", pem.K) },
    [{ host: "h", tls: { cert: pem.C, key: pem.K } }],
  ],
  [
    "REDIS_TLS_KEY_FILE",
    { REDIS_URL: "rediss://h", REDIS_TLS_CERT_FILE: file("c", pem.C), REDIS_TLS_KEY_FILE: file("k", pem.K) },
    ["rediss://h", { tls: { cert: pem.C, key: pem.K } }],
  ],
  ["REDIS_TLS_SERVERNAME", { REDIS_HOST: "h", REDIS_TLS_SERVERNAME: "s" }, [{ host: "h", tls: { servername: "s" } }]],
  [
    "REDIS_TLS_REJECT_UNAUTHORIZED",
    { REDIS_HOST: "h", REDIS_TLS_REJECT_UNAUTHORIZED: "off" },
    [{ host: "h", tls: { rejectUnauthorized: false } }],
  ],
  [
    "REDIS_SENTINELS",
    { REDIS_SENTINELS: "a:1, [::1]:2,c", REDIS_SENTINEL_NAME: "m" },
    [
      {
        sentinels: [
          { host: "a", port: 1 },
          { host: "::1", port: 2 },
          { host: "c", port: 26379 },
        ],
        name: "m",
      },
    ],
  ],
  [
    "REDIS_SENTINEL_NAME",
    { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m" },
    [{ sentinels: [{ host: "a", port: 1 }], name: "m" }],
  ],
  [
    "REDIS_SENTINEL_USERNAME",
    { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m", REDIS_SENTINEL_USERNAME: "u" },
    [{ sentinels: [{ host: "a", port: 1 }], name: "m", sentinelUsername: "u" }],
  ],
  [
    "REDIS_SENTINEL_PASSWORD",
    { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m", REDIS_SENTINEL_PASSWORD: "p" },
    [{ sentinels: [{ host: "a", port: 1 }], name: "m", sentinelPassword: "p" }],
  ],
  [
    "REDIS_SENTINEL_PASSWORD_FILE",
    { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m", REDIS_SENTINEL_PASSWORD_FILE: file("sp", "p\n") },
    [
      {
        sentinels: [{ host: "a", port: 1 }],
        name: "m",
        sentinelPassword: "p",
        sentinelCredentials: expect.any(Function) as unknown,
      },
    ],
  ],
  ...sentinelTls(),
];

/** The variables of TLS to the Sentinels make `sentinelTLS`, and leave the way to the master alone. */
function sentinelTls(): [string, Record<string, string>, unknown][] {
  const [ca, cert, key] = [file("sca", pem.CA), file("sc", pem.C), file("sk", pem.K)];
  const rows: [string, Record<string, string>, unknown][] = [
    ["", { REDIS_SENTINEL_TLS: "on" }, {}],
    ["_CA_FILE", { REDIS_SENTINEL_TLS_CA_FILE: ca }, { ca: pem.CA }],
    [
      "_CERT_FILE",
      { REDIS_SENTINEL_TLS_CERT_FILE: cert, REDIS_SENTINEL_TLS_KEY_FILE: key },
      { cert: pem.C, key: pem.K },
    ],
    [
      "_KEY_FILE",
      { REDIS_SENTINEL_TLS_CERT_FILE: cert, REDIS_SENTINEL_TLS_KEY_FILE: key },
      { cert: pem.C, key: pem.K },
    ],
    ["_SERVERNAME", { REDIS_SENTINEL_TLS_SERVERNAME: "s" }, { servername: "s" }],
    ["_REJECT_UNAUTHORIZED", { REDIS_SENTINEL_TLS_REJECT_UNAUTHORIZED: "off" }, { rejectUnauthorized: false }],
  ];
  return rows.map(([end, env, sentinelTLS]) => [
    `REDIS_SENTINEL_TLS${end}`,
    { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m", ...env },
    [{ sentinels: [{ host: "a", port: 1 }], name: "m", sentinelTLS }],
  ]);
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}

describe("connection variables", () => {
  it("are all in this table, but for the one that is refused", () => {
    const names = [...CONNECTION.map(([name]) => name), "REDIS_CLUSTER_NODES"];
    expect(names.sort()).toEqual(Object.keys(CONNECTION_VARIABLES).sort());
  });

  it("REDIS_CLUSTER_NODES is refused in words where a client of one server is wanted, with and without a prefix", () => {
    const nodes = "a,b:7001";
    expect(() => resolveFromEnvironment({ REDIS_CLUSTER_NODES: nodes })).toThrow(/^REDIS_CLUSTER_NODES: .* Cluster/m);
    expect(() => resolveFromEnvironment({ CACHE_REDIS_CLUSTER_NODES: nodes }, { prefix: "CACHE" })).toThrow(
      /^CACHE_REDIS_CLUSTER_NODES: .*createCluster\.fromEnv\(env\)/m,
    );
    expect(readTarget({ REDIS_CLUSTER_NODES: nodes })).toMatchObject({
      mode: "cluster",
      nodes: [
        { host: "a", port: 6379 },
        { host: "b", port: 7001 },
      ],
      problems: [],
    });
  });

  it("REDIS_CLUSTER_NODES makes a Cluster, with what its nodes and the Cluster itself are to have", () => {
    const env = {
      REDIS_CLUSTER_NODES: "a,b:7001",
      REDIS_PORT: "5",
      REDIS_USERNAME: "u",
      REDIS_PASSWORD: "p",
      REDIS_KEY_PREFIX: "k:",
      REDIS_LAZY_CONNECT: "on",
      REDIS_TLS_SERVERNAME: "s",
      IOREDOUBT_DEADLINE: "9s",
    };
    const { startNodes, options, resolved } = clusterFromEnvironment(env, {
      redis: { username: "code", connectionName: "c" },
      cluster: { scaleReads: "all", enableOfflineQueue: false },
    });
    expect(startNodes).toEqual([
      { host: "a", port: 6379 },
      { host: "b", port: 7001 },
    ]);
    expect(options).toEqual({
      keyPrefix: "k:",
      lazyConnect: true,
      scaleReads: "all",
      enableOfflineQueue: false,
      redisOptions: { username: "code", password: "p", connectionName: "c", tls: { servername: "s" } },
    });
    expect(resolved.policy).toMatchObject({ deadline: 9_000, queue: false });
    expect(clusterFromEnvironment({ REDIS_CLUSTER_NODES: "a", REDIS_TLS: "on" }, {}).options.dnsLookup).toBeTypeOf(
      "function",
    );
  });

  it.each([
    [{}, /^REDIS_CLUSTER_NODES: is not set.*createRedis\.fromEnv/m],
    [{ CACHE_REDIS_CLUSTER_NODES: "a" }, /^REDIS_CLUSTER_NODES: .*prefix: "CACHE"/m],
    [{ REDIS_CLUSTER_NODES: "a", REDIS_DB: "3" }, /^REDIS_DB: .*database 0 only/m],
    [{ REDIS_CLUSTER_NODES: "a", REDIS_HOST: "h" }, /^REDIS_HOST: .*keep the one/m],
    [{ REDIS_CLUSTER_NODES: "a", IOREDOUBT_DEADLINE: "nonsense" }, /^IOREDOUBT_DEADLINE: /m],
  ])("makes no Cluster of %j", (env, says) => {
    expect(() => clusterFromEnvironment(env, {})).toThrow(says);
  });

  it("REDIS_CLUSTER_NODES is refused where the caller says that it wants no Cluster", () => {
    const env = { REDIS_CLUSTER_NODES: "a" };
    expect(() => createRedis.fromEnv(env, { cluster: false } as never)).toThrow(/^REDIS_CLUSTER_NODES: .* Cluster/m);
    expect(() => createRedis.fromEnv(env, {})).toThrow(/^REDIS_CLUSTER_NODES: .* Cluster/m);
  });

  it.each(CONNECTION)("%s reaches the client", (_name, env, args) => {
    expect(resolveFromEnvironment(env).args).toEqual(args);
  });

  it.each(CONNECTION)("%s works with a prefix, and only with it", (_name, env, args) => {
    const prefixed = Object.fromEntries(Object.entries(env).map(([key, value]) => [`CACHE_${key}`, value]));
    expect(resolveFromEnvironment(prefixed, { prefix: "CACHE" }).args).toEqual(args);
    expect(() => resolveFromEnvironment(prefixed)).toThrow("REDIS_URL");
  });

  it("say which kind of client it is", () => {
    expect(readTarget({ REDIS_HOST: "h" }).mode).toBe("standalone");
    expect(readTarget({ REDIS_SENTINELS: "a", REDIS_SENTINEL_NAME: "m" }).mode).toBe("sentinel");
    expect(readTarget({ REDIS_CLUSTER_NODES: "a" }).mode).toBe("cluster");
  });

  it("keep the origin of each option, by name", () => {
    const target = readTarget({ A_REDIS_HOST: "h", A_REDIS_PASSWORD: "p" }, "A_");
    expect([...target.origins]).toEqual([
      ["host", "A_REDIS_HOST"],
      ["password", "A_REDIS_PASSWORD"],
    ]);
  });

  it("let code win over the URL, and the URL over single variables", () => {
    const { args } = resolveFromEnvironment(
      { REDIS_URL: "redis://h/1", REDIS_DB: "2" },
      { redis: { connectTimeout: 5 } },
    );
    expect(args).toEqual([{ connectTimeout: 5 }, "redis://h/1", { db: 2 }]);
  });

  it("ignore what Kubernetes sets for a Service named redis", () => {
    const kubernetes = {
      REDIS_PORT: "tcp://10.0.0.7:6379",
      REDIS_PORT_6379_TCP: "tcp://10.0.0.7:6379",
      REDIS_PORT_6379_TCP_ADDR: "10.0.0.7",
      REDIS_PORT_6379_TCP_PORT: "6379",
      REDIS_PORT_6379_TCP_PROTO: "tcp",
      REDIS_SERVICE_HOST: "10.0.0.7",
      REDIS_SERVICE_PORT: "6379",
    };
    expect(resolveFromEnvironment({ ...kubernetes, REDIS_HOST: "redis" }).args).toEqual([{ host: "redis" }]);
  });

  it("leave other spellings of the address alone when there is a URL", () => {
    const env = { REDIS_URL: "redis://h", REDIS_HOSTNAME: "h", REDIS_URI: "redis://h" };
    expect(resolveFromEnvironment(env).args).toEqual(["redis://h", {}]);
    expect(() => resolveFromEnvironment({ REDIS_HOSTNAME: "h" })).toThrow("did you mean REDIS_HOST?");
  });

  it("let the query of the URL set the policy, as it does in createRedis", () => {
    const { resolved } = resolveFromEnvironment({ REDIS_URL: "redis://h?commandTimeout=700&maxRetriesPerRequest=1" });
    expect(resolved.policy).toMatchObject({ deadline: 700, retry: { retries: 1 } });
  });

  it("may be without an address when code says it", () => {
    expect(resolveFromEnvironment({ REDIS_DB: "2" }, { redis: { host: "h" } }).args).toEqual([{ host: "h", db: 2 }]);
  });

  it("drop a byte order mark and the line end of another system from files", () => {
    const env = { REDIS_HOST: "h", REDIS_PASSWORD_FILE: file("bom", "\uFEFFp q\r\n") };
    expect(resolveFromEnvironment(env).args).toMatchObject([{ host: "h", password: "p q" }]);
    const policy = { REDIS_HOST: "h", IOREDOUBT_CONFIG: file("bom.json", '\uFEFF{ "deadline": "7s" }') };
    expect(resolveFromEnvironment(policy).resolved.policy.deadline).toBe(7000);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["host", { REDIS_URL: "redis://h", REDIS_HOST: "other" }, ["REDIS_HOST is ignored: REDIS_URL says something else"]],
    ["socket", { REDIS_URL: "redis://h", REDIS_PATH: "/r" }, ["REDIS_PATH is ignored: REDIS_URL says something else"]],
    ["not a socket that is the same", { REDIS_URL: "/r", REDIS_PATH: "/r" }, []],
    ["database", { REDIS_URL: "redis://h/1", REDIS_DB: "2" }, ["REDIS_DB is ignored: REDIS_URL says something else"]],
    ["nothing that is the same", { REDIS_URL: "redis://h/2", REDIS_HOST: "h", REDIS_DB: "2" }, []],
    ["no database that the URL leaves open", { REDIS_URL: "redis://h", REDIS_DB: "2" }, []],
  ])("warn of what the URL takes precedence over: %s", (_name, env, says) => {
    const { warnings } = resolveFromEnvironment(env);
    expect(warnings.map((w) => `${w.path} ${w.says}`.replace(" and takes precedence over it", ""))).toEqual(says);
  });

  it.each([
    [
      "that has an address",
      { STORE_REDIS_URL: "redis://h", STOVE_REDIS_URL: "redis://g", STOVE_IOREDOUBT_DEADLINE: "1s" },
    ],
    ["that has another number", { STORE_REDIS_URL: "redis://h", STORE2_IOREDOUBT_DEADLINE: "1s" }],
  ])("leave the policy of a similar prefix alone %s", (_name, env) => {
    expect(resolveFromEnvironment(env, { prefix: "STORE" }).resolved.policy.deadline).toBe(5000);
  });

  it("leave another spelling of TLS alone that says what is the case", () => {
    const off = { REDIS_HOST: "h", REDIS_TLS_ENABLED: "no", REDIS_SSL: "false" };
    expect(resolveFromEnvironment(off).args).toEqual([{ host: "h" }]);
    const on = { REDIS_URL: "rediss://h", REDIS_TLS_ENABLED: "yes" };
    expect(resolveFromEnvironment(on).args).toEqual(["rediss://h", {}]);
  });

  it("take no password for a mistake that only holds what a mistake would", () => {
    for (const password of ["a # b", "${x", "pa$SWORD", "$Ab1", "'", 'a"']) {
      expect(resolveFromEnvironment({ REDIS_HOST: "h", REDIS_PASSWORD: password })).toMatchObject({
        args: [{ host: "h", password }],
        warnings: [],
      });
    }
  });

  it("leave an empty password unset", () => {
    expect(resolveFromEnvironment({ REDIS_HOST: "h", REDIS_PASSWORD: "" }).args).toEqual([{ host: "h" }]);
  });
});

/** Text to write and the value it must become. */
function sampleOf(field: Field): readonly [string, unknown] {
  switch (field.kind) {
    case "part":
      return ["off", false];
    case "choice":
      return [field.choices?.at(-1) ?? "", field.choices?.at(-1)];
    case "duration":
      return ["2.5s", 2500];
    case "bytes":
      return ["3MB", 3 * 1024 * 1024];
    case "percentage":
      return ["35%", 35];
    case "count":
      return ["7", 7];
    case "number":
      return ["1.5", 1.5];
  }
}

describe("an address under another prefix", () => {
  it.each<[string, Record<string, string>, string | undefined, string]>([
    [
      "in other letters",
      { CACHE_REDIS_URL: "redis://:hunter2@h" },
      "cache",
      'CACHE_REDIS_URL is set: if that is meant, pass { prefix: "CACHE" }',
    ],
    ["before others", { A_REDIS_HOST: "a", CACHE_REDIS_HOST: "h" }, "cache_", 'pass { prefix: "CACHE" }'],
    [
      "where none was asked for",
      { CACHE_REDIS_URL_FILE: "/x" },
      undefined,
      'CACHE_REDIS_URL_FILE is set: if that is meant, pass { prefix: "CACHE" }',
    ],
    [
      "without one",
      { REDIS_URL: "redis://:hunter2@h" },
      "CACHE",
      "REDIS_URL is set: if that is meant, leave the prefix out",
    ],
  ])("is named by the error: %s", (_, env, prefix, says) => {
    const thrown = errorOf(() => resolveFromEnvironment(env, { prefix }));
    expect(thrown.message).toContain("REDIS_URL: is not set; must say where Redis is");
    expect(thrown.message).toContain(says);
    expect(thrown.message).not.toContain("hunter2");
  });

  it("is not named when it is empty, or when there is none", () => {
    for (const env of [{ CACHE_REDIS_URL: "" }, {}, { MY_REDIS_PORT: "1" }]) {
      expect(errorOf(() => resolveFromEnvironment(env)).message).not.toContain("is set:");
    }
  });
});

describe("policy variables", () => {
  const fields = FIELDS.filter((f) => POLICY_VARIABLES.includes(variableOf(f.path)));

  it("exist for every field but the parts that cannot be switched off", () => {
    const parts = FIELDS.filter((f) => !fields.includes(f)).map((f) => f.path);
    expect(parts).toEqual(["inFlight", "reconnect", "sentinel", "pool"]);
    expect(POLICY_VARIABLES).toHaveLength(fields.length + 4);
  });

  it.each(fields.map((f) => [variableOf(f.path), f] as const))("%s sets its value", (variable, field) => {
    const [text, value] = sampleOf(field);
    const resolved = resolveSources({ env: { [variable]: text } });
    expect(resolved.values.get(field.path)).toEqual({ value, origin: variable, explicit: true });
  });

  it.each(fields.map((f) => [variableOf(f.path), f] as const))(
    "%s goes under the same name with a prefix",
    (variable, field) => {
      const [text, value] = sampleOf(field);
      const env = { [`CACHE_${variable}`]: text };
      expect(resolveSources({ env, prefix: "CACHE_" }).values.get(field.path)).toMatchObject({
        value,
        origin: `CACHE_${variable}`,
      });
      expect(resolveSources({ env }).values.get(field.path)?.origin).not.toBe(`CACHE_${variable}`);
    },
  );

  it("set on brings a part back with the base's values", () => {
    expect(resolveSources({ env: { NODE_ENV: "test", IOREDOUBT_BREAKER: "on" } }).policy.breaker).toMatchObject({
      downAfter: 1000,
    });
  });

  it("that set a value bring its part back", () => {
    const env = { NODE_ENV: "test", IOREDOUBT_BREAKER_DOWN_AFTER: "3s" };
    expect(resolveSources({ env }).policy.breaker).toMatchObject({ downAfter: 3000, resetTimeout: 5000 });
  });

  it("with a prefix take precedence over those without", () => {
    const env = { IOREDOUBT_DEADLINE: "2s", CACHE_IOREDOUBT_DEADLINE: "100ms" };
    expect(resolveSources({ env, prefix: "CACHE_" }).policy.deadline).toBe(100);
    expect(resolveSources({ env }).policy.deadline).toBe(2000);
  });

  it("with a prefix bring back a part that is off for all, and switch one off that all others have", () => {
    const policyOf = (env: Record<string, string>) => resolveSources({ env, prefix: "CACHE_" }).policy;
    expect(policyOf({ IOREDOUBT_RETRY: "off", CACHE_IOREDOUBT_RETRY_RETRIES: "4" }).retry).toMatchObject({
      retries: 4,
    });
    expect(policyOf({ CACHE_IOREDOUBT_RETRY: "off", IOREDOUBT_RETRY_RETRIES: "4" }).retry).toBe(false);
  });

  it("switch the deadline off", () => {
    expect(resolveSources({ env: { IOREDOUBT_DEADLINE: "off" } }).policy.deadline).toBe(false);
  });

  it.each(["IOREDOUBT_XYZZY", "IOREDOUBT_HEARTBEAT_RATE", "CACHE_IOREDOUBT_XYZZY"])(
    "%s, which resembles none, is a warning: after a rollback the service must start",
    (variable) => {
      const env = { CACHE_REDIS_HOST: "h", [variable]: "a value" };
      const { warnings } = resolveFromEnvironment(env, { prefix: "CACHE" });
      expect(warnings).toMatchObject([{ path: variable, says: expect.stringMatching(/^is not a variable/) as string }]);
      expect(JSON.stringify(warnings)).not.toContain("a value");
    },
  );

  it("have one level for the default logger, whatever its case, and none with a prefix", () => {
    expect(resolveSources({ env: { IOREDOUBT_LOG_LEVEL: "Warn" } }).warnings).toEqual([]);
    expect(
      errorOf(() => resolveSources({ env: { CACHE_IOREDOUBT_LOG_LEVEL: "warn" }, prefix: "CACHE_" })).message,
    ).toContain("must be IOREDOUBT_LOG_LEVEL, without the prefix");
  });

  it("take unlimited for a queue", () => {
    expect(resolveSources({ env: { IOREDOUBT_QUEUE_MAX_COMMANDS: "unlimited" } }).policy.queue).toMatchObject({
      maxCommands: Infinity,
    });
  });
});

describe("units", () => {
  it.each([
    ["250", 250],
    ["250ms", 250],
    ["5s", 5000],
    ["5 s", 5000],
    ["1.5S", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["5x", undefined],
    ["s", undefined],
    ["", undefined],
    ["5s5s", undefined],
  ])("%j is %s milliseconds", (text, value) => {
    expect(parseDuration(text)).toBe(value);
  });

  it.each([
    ["64", 64],
    ["1KB", 1024],
    ["64mb", 64 * 1024 ** 2],
    ["1GiB", 1024 ** 3],
    ["1TB", undefined],
  ])("%j is %s bytes", (text, value) => {
    expect(parseSize(text)).toBe(value);
  });

  it.each([
    ["on", true],
    ["TRUE", true],
    ["1", true],
    ["off", false],
    ["no", false],
    ["maybe", undefined],
  ])("%j is the switch %s", (text, value) => {
    expect(parseSwitch(text)).toBe(value);
  });
});
