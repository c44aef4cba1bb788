/** Values that mean one thing are read as that, with a warning each; what may mean two is left to the checks. */
import { describe, expect, it } from "vitest";
import { explainPolicy } from "../../src/policy/explain-policy.js";
import { resolveFromEnvironment } from "../../src/policy/environment/from-environment.js";
import { checkRedisArguments } from "../../src/policy/input/arguments.js";
import { readLeniently, readOptions, socketPath } from "../../src/policy/input/lenient.js";
import { resolveTarget } from "../../src/doctor/target.js";

const SECRET = "hunter2-Tr0ub4dor";

describe("options", () => {
  it.each<[name: string, given: object, meant: object]>([
    ["a number as text", { maxRetriesPerRequest: "3" }, { maxRetriesPerRequest: 3 }],
    ["a time as text", { commandTimeout: "5000" }, { commandTimeout: 5000 }],
    ["a protocol as text", { protocol: "3" }, { protocol: 3 }],
    ["a switch as text", { lazyConnect: "true" }, { lazyConnect: true }],
    ["a switch as number", { enableReadyCheck: 0, noDelay: 1 }, { enableReadyCheck: false, noDelay: true }],
    ["TLS as text", { tls: "true" }, { tls: {} }],
    ["a password as number", { password: 12345 }, { password: "12345" }],
    ["a null host", { host: null }, {}],
    ["keepAlive true", { keepAlive: true }, {}],
    ["retryStrategy false", { retryStrategy: false }, { retryStrategy: null }],
    ["reconnectOnError false", { reconnectOnError: false }, { reconnectOnError: null }],
  ])("reads %s", (_, given, meant) => {
    const { value, warnings } = readOptions(given);
    expect(value).toEqual(meant);
    expect(warnings.map(({ path }) => path)).toEqual(Object.keys(given));
    expect(() => checkRedisArguments([given])).not.toThrow();
  });

  it("leaves what is right as it is, the same object", () => {
    const options = { host: "h", port: "6379", db: "2", password: "p", keepAlive: false, retryStrategy: () => 1 };
    expect(readOptions(options)).toEqual({ value: options, warnings: [] });
    expect(readOptions(options).value).toBe(options);
    expect(() => checkRedisArguments([options])).not.toThrow();
  });

  it("shows no value in a warning", () => {
    const { warnings } = readLeniently([`unix://:${SECRET}@/run/redis.sock`, { password: 987654321 }]);
    expect(warnings.map(({ path }) => path)).toEqual(["url", "password"]);
    expect(JSON.stringify(warnings)).not.toMatch(/987654321|hunter2/);
  });

  it("are read the same by explainPolicy and by fromEnv", () => {
    const explained = explainPolicy({ commandTimeout: "70" }, {});
    expect(explained.policy.deadline).toBe(70);
    expect(explained.warnings).toContainEqual(expect.objectContaining({ path: "commandTimeout" }));
    const redis = { commandTimeout: "70" } as never;
    expect(resolveFromEnvironment({ REDIS_HOST: "h" }, { redis }).resolved.policy.deadline).toBe(70);
  });
});

describe("the address of a socket", () => {
  it.each([
    ["unix:///run/redis.sock", "/run/redis.sock"],
    ["UNIX:///run/redis.sock?db=2", "/run/redis.sock?db=2"],
    ["redis+unix:///run/redis.sock", "/run/redis.sock"],
    ["redis-socket:///run/redis.sock", "/run/redis.sock"],
    ["redis:///run/redis.sock", "/run/redis.sock"],
    ["redis:///run/redis.sock?db=1", "/run/redis.sock?db=1"],
    ["unix://:p%40ss@/run/r.sock", "/run/r.sock?password=p%40ss"],
    ["unix://me:pa:ss@/run/r.sock?db=1", "/run/r.sock?db=1&username=me&password=pa%3Ass"],
    ["unix://run/redis.sock", undefined],
    ["redis:///2", undefined],
    ["redis://h/2", undefined],
    ["rediss:///run/redis.sock", undefined],
    ["/run/redis.sock", undefined],
  ])("%s is %s", (url, path) => {
    expect(socketPath(url)).toBe(path);
  });

  it("is known to the environment and to the doctor", () => {
    const url = `unix://me:${SECRET}@/run/redis.sock?db=3`;
    expect(() => resolveFromEnvironment({ REDIS_URL: url })).not.toThrow();
    expect(resolveTarget(url, { env: {} })).toMatchObject({
      endpoint: { path: "/run/redis.sock" },
      username: "me",
      password: SECRET,
      db: 3,
      problems: [],
    });
  });
});
