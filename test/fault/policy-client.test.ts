/** A policy at work in a client: made from the environment, announced at the start, questioned in the log, never changed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, expectTypeOf, it } from "vitest";
import { createRedis } from "../../src/create-redis.js";
import { ConfigError } from "../../src/failure/errors.js";
import { policyLine } from "../../src/policy/fingerprint.js";
import { Redis, type RedisOptions } from "../../src/redis.js";
import { runSource } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink } from "../helpers/log-sink.js";
import { startRedis } from "../helpers/redis-server.js";
import { atEnd } from "./core-harness.js";

const SECRET = "hunter2-Tr0ub4dor";
const DIST = new URL("../../dist/index.mjs", import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), "policy-client-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("createRedis.fromEnv", () => {
  it("connects with address, secret and policy from the environment of a prefix, and so do its duplicates", async () => {
    const server = await startRedis({ config: [`requirepass ${SECRET}`] });
    atEnd(() => server.stop());
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, `${SECRET}\r\n`);
    const env = {
      CACHE_REDIS_HOST: "127.0.0.1",
      CACHE_REDIS_PORT: String(server.port),
      CACHE_REDIS_PASSWORD_FILE: passwordFile,
      CACHE_REDIS_DB: "3",
      CACHE_IOREDOUBT_DEADLINE: "900ms",
      IOREDOUBT_PROFILE: "cache",
    };
    const log = createLogSink();
    const redis = createRedis.fromEnv(env, {
      prefix: "CACHE",
      redis: { keyPrefix: "p:" },
      resilience: { logger: log },
    });
    atEnd(() => redis.disconnect());
    await redis.set("k", "v");
    expect(await redis.duplicate({ db: 3, keyPrefix: "" }).get("p:k")).toBe("v");
    expect(redis.policy).toMatchObject({ profile: "cache", deadline: 900, retry: { retries: 1 } });
    const twin = redis.duplicate({ lazyConnect: true });
    expect(twin.policy).toEqual(redis.policy);
    expect(log.text()).toContain(policyLine(redis.policy));
    expect(log.text()).not.toContain(SECRET);
  });

  it("does not compile with a misspelt profile or option", () => {
    type Options = NonNullable<Parameters<typeof createRedis.fromEnv>[1]>;
    expectTypeOf<{ resilience: { profile: "cahce" } }>().not.toExtend<Options>();
    expectTypeOf<{ resilience: { profile: "cache" }; redis: { keyPrefix: "p:" } }>().toExtend<Options>();
    // @ts-expect-error a misspelt name
    expect(() => createRedis({ lazyConnect: true, resilience: { profile: "prodution" } })).toThrow(ConfigError);
  });
});

describe("a name", () => {
  it("tells two Redis of one service apart, in log lines and in errors", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const log = createLogSink();
    const [cache, sessions] = ["cache", "sessions"].map((name) => {
      const redis = createRedis(server.port, "127.0.0.1", { resilience: { profile: "test", name, logger: log } });
      atEnd(() => redis.disconnect());
      return redis;
    });
    await Promise.all([cache?.ping(), sessions?.ping()]);
    const address = `127.0.0.1:${String(server.port)}`;
    await eventually(() => {
      expect(log.text()).toContain(`redis cache (${address}): connected`);
      expect(log.text()).toContain(`redis sessions (${address}): connected`);
    });
    await server.kill();
    const failed = await cache?.get("k").catch((error: unknown) => error);
    expect(failed).toMatchObject({ endpoint: `cache (${address})` });
    expect(cache?.duplicate({ lazyConnect: true }).stats().endpoint).toBe(`cache (${address})`);
  });
});

describe("the log", () => {
  it("questions values that look wrong, once", () => {
    const log = createLogSink();
    const make = (): Redis =>
      new Redis(1, "looks-wrong.invalid", { lazyConnect: true, resilience: { deadline: 5, logger: log } });
    make();
    make();
    const warnings = log.lines.filter(
      ({ fields }) => fields["event"] === "policy.warning" && fields["option"] === "deadline",
    );
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).toContain("5 ms is shorter than one attempt");
  });

  it("says when the pool may open more connections than the server takes, as soon as it is known", async () => {
    const server = await startRedis({ config: ["maxclients 40"] });
    atEnd(() => server.stop());
    const log = createLogSink();
    const redis = new Redis(server.port, "127.0.0.1", { resilience: { logger: log, doctor: false } });
    atEnd(() => redis.disconnect());
    await redis.ping();
    await eventually(() => expect(log.text()).toContain("the server takes 40 of all clients together (`maxclients`)"));
  });
});

describe("a client that is made", () => {
  const redis = new Redis({
    lazyConnect: true,
    commandTimeout: 700,
    resilience: { retry: { retries: 1 }, logger: false },
  });
  /** An assignment that tells nobody when it fails, as outside strict mode. */
  const sloppy = (object: object, key: string): boolean => Reflect.set(object, key, 1);

  it.each([
    "resilience",
    "commandTimeout",
    "blockingTimeout",
    "maxRetriesPerRequest",
    "enableOfflineQueue",
    "autoResendUnfulfilledCommands",
  ])("refuses another %s in its options, in words, outside strict mode too", (key) => {
    expect(() => sloppy(redis.options, key)).toThrow(/does not change a running client/);
  });

  it("takes the options that it has", () => {
    expect(() => Object.assign(redis.options, { commandTimeout: 700, maxRetriesPerRequest: 20 })).not.toThrow();
  });

  it("refuses another policy, and changes inside of it", () => {
    expect(() => sloppy(redis, "policy")).toThrow(ConfigError);
    expect(() => Object.assign(redis.policy.retry, { retries: 9 })).toThrow(TypeError);
    expect(() => Object.assign(redis.options.resilience?.retry ?? {}, { retries: 9 })).toThrow(TypeError);
    expect(redis.policy).toMatchObject({ deadline: 700, retry: { retries: 1 } });
  });

  it("can still be duplicated with other values", () => {
    expect(redis.duplicate({ maxRetriesPerRequest: null }).policy.queue).toMatchObject({ wait: "forever" });
    expect(redis.duplicate({ resilience: { deadline: 90, logger: false } }).policy.deadline).toBe(90);
  });

  it("shows its options as they were written, and a client made of a copy has the same policy", () => {
    const written = { commandTimeout: 700, enableReadyCheck: false, retryStrategy: () => null, lazyConnect: true };
    const client = createRedis({ ...written, resilience: { logger: false } });
    expect(client.options).toMatchObject(written);
    const copy = createRedis({ ...client.options });
    expect(copy.options).toMatchObject(written);
    expect(copy.policy).toEqual(client.policy);
    const bare = createRedis({ lazyConnect: true, resilience: { logger: false } });
    expect(Object.keys(bare.options)).not.toEqual(expect.arrayContaining(["commandTimeout"]));
    expect(createRedis({ ...bare.options }).policy).toEqual(bare.policy);
  });

  it("takes another retryStrategy at run time, as ioredis does", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const client = createRedis(server.port, { resilience: { logger: false } });
    await client.ping();
    const seen: number[] = [];
    client.options.retryStrategy = (times) => (seen.push(times), times < 2 ? 1 : null);
    const ended = new Promise<void>((resolve) => client.once("end", resolve));
    await server.kill();
    await ended;
    expect(seen).toEqual([1, 2]);
    expect(client.options.retryStrategy).toBeTypeOf("function");
  });
});

describe("a duplicate", () => {
  // None of them connects.
  it.each<[string, string, RedisOptions]>([
    ["of a profile that sets options", "redis://h", { resilience: { profile: "serverless" } }],
    ["of a provider that wants TLS", "redis://x.upstash.io", { lazyConnect: true }],
    [
      "of a URL with numbers",
      "redis://h?commandTimeout=700&maxRetriesPerRequest=1&keepAlive=5000",
      { lazyConnect: true },
    ],
    ["of a URL with switches", "redis://h?lazyConnect=true&stringNumbers=true", {}],
  ])("has the same policy and options: %s", (_name, url, options) => {
    const redis = createRedis(url, options);
    const twin = redis.duplicate();
    expect(policyLine(twin.policy)).toBe(policyLine(redis.policy));
    expect(twin.policy).toEqual(redis.policy);
    expect(twin.options).toMatchObject({ ...redis.options });
  });

  it("serves transactions and blocking commands of a client whose URL has a query", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const redis = createRedis(`redis://127.0.0.1:${server.port}?commandTimeout=4000&keepAlive=5000&noDelay=true`, {
      resilience: { logger: false, doctor: false },
    });
    atEnd(() => redis.disconnect());
    expect(await redis.withConnection((connection) => connection.ping())).toBe("PONG");
    const popped = redis.blpop("list", 0);
    await redis.rpush("list", "v");
    expect(await popped).toEqual(["list", "v"]);
    expect(redis.policy.deadline).toBe(4000);
  });
});

describe("the serverless profile", () => {
  const script = (body: string): string => `
    import { Redis } from ${JSON.stringify(DIST)};
    const redis = new Redis(Number(process.env.PORT), "127.0.0.1", { resilience: { profile: "serverless", logger: false, doctor: false } });
    redis.on("error", () => {});
    ${body}`;

  it.each([
    ["after its last command", `console.log(await redis.set("k", "v"), await redis.get("k"));`, "OK v"],
    ["with a connection from the pool", `console.log(await redis.withConnection((c) => c.ping()));`, "PONG"],
    ["after close()", `await redis.ping(); await redis.close(); console.log("closed");`, "closed"],
    [
      "while its server is away",
      `await redis.ping(); await redis.call("SHUTDOWN", "NOSAVE").catch(() => {}); console.log("away");`,
      "away",
    ],
  ])("lets the process end %s", async (_name, body, out) => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const { code, stdout, stderr, timedOut } = await runSource(script(body), { env: { PORT: String(server.port) } });
    expect({ code, timedOut, stderr }).toEqual({ code: 0, timedOut: false, stderr: "" });
    expect(stdout.trim()).toBe(out);
  });
});
