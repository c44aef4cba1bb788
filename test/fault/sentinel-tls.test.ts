/** Nothing that was meant for TLS is dialled in plain text behind Sentinels, whichever way the options came. */
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { createRedis } from "../../src/index.js";
import { resolveTarget } from "../../src/doctor/target.js";
import { resolveFromEnvironment } from "../../src/policy/environment/from-environment.js";
import type { FromEnvironmentOptions } from "../../src/policy/environment/from-environment.js";
import { ConfigError } from "../../src/failure/errors.js";
import { createLogSink } from "../helpers/log-sink.js";
import { atEnd, scriptedServer } from "./core-harness.js";

const PASSWORD = "hush-hush-1";
const TLS_RECORD = 0x16;
type Env = Readonly<Record<string, string>>;

/** A master that only keeps the first bytes that somebody sends, and a Sentinel that names it. */
async function listeningMaster(): Promise<{ sentinel: number; firstBytes: Promise<Buffer> }> {
  let heard: ((bytes: Buffer) => void) | undefined;
  const firstBytes = new Promise<Buffer>((resolve) => (heard = resolve));
  const master = createServer((socket) => {
    atEnd(() => void socket.destroy());
    socket.on("error", () => undefined).once("data", (bytes) => heard?.(bytes));
  });
  await new Promise<void>((resolve) => master.listen(0, "127.0.0.1", resolve));
  atEnd(() => void master.close());
  const address = master.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const port = String(address.port);
  // One that lists no other Sentinels; the next question on the connection gets an empty list
  let asked = 0;
  const { port: sentinel } = await scriptedServer(() =>
    asked++ % 2 === 0 ? `*2\r\n$9\r\n127.0.0.1\r\n$${String(port.length)}\r\n${port}\r\n` : "*0\r\n",
  );
  return { sentinel, firstBytes };
}

const sentinelsAt = (port: number): Env => ({ REDIS_SENTINELS: `127.0.0.1:${String(port)}`, REDIS_SENTINEL_NAME: "m" });

describe("TLS behind Sentinels", () => {
  const ways: readonly (readonly [string, (port: number) => readonly [Env, FromEnvironmentOptions["redis"]]])[] = [
    ["REDIS_TLS and REDIS_SENTINELS", (port) => [{ ...sentinelsAt(port), REDIS_TLS: "on" }, {}]],
    [
      "REDIS_TLS, and Sentinels in code",
      (port) => [{ REDIS_TLS: "on" }, { sentinels: [{ host: "127.0.0.1", port }], name: "m" }],
    ],
    [
      "a rediss URL, and Sentinels in code",
      (port) => [{ REDIS_URL: "rediss://h" }, { sentinels: [{ host: "127.0.0.1", port }], name: "m" }],
    ],
    ["REDIS_SENTINELS, and TLS in code", (port) => [sentinelsAt(port), { tls: {}, enableTLSForSentinelMode: true }]],
  ];

  it.each(ways)("is spoken to the master from the first byte on: %s", async (_name, way) => {
    const { sentinel, firstBytes } = await listeningMaster();
    const [env, redis] = way(sentinel);
    const client = createRedis.fromEnv(
      { ...env, REDIS_PASSWORD: PASSWORD },
      { redis, resilience: { logger: createLogSink() } },
    );
    client.on("error", () => undefined);
    const first = await firstBytes;
    client.disconnect();
    expect(first[0]).toBe(TLS_RECORD);
    expect(first.includes(PASSWORD)).toBe(false);
  });

  const names = (env: Env, redis: FromEnvironmentOptions["redis"] = {}): string[] =>
    resolveFromEnvironment(env, { redis }).warnings.map(({ path }) => path);

  it("is warned of where ioredis would ignore it, in code and in the environment", () => {
    const code = { sentinels: [{ host: "s", port: 1 }], name: "m" };
    expect(names({}, { ...code, tls: {} })).toEqual(["tls"]);
    expect(names({}, { ...code, enableTLSForSentinelMode: true })).toEqual(["enableTLSForSentinelMode"]);
    expect(names({}, { ...code, sentinelTLS: {} })).toEqual(["sentinelTLS"]);
    expect(names({}, { ...code, sentinelUsername: "u" })).toEqual(["sentinelUsername"]);
    expect(names({ ...sentinelsAt(1), REDIS_SENTINEL_TLS: "on" })).toEqual(["sentinelTLS"]);
  });

  it("is not warned of where it is switched on, or off on purpose", () => {
    const code = { sentinels: [{ host: "s", port: 1 }], name: "m" };
    expect(names({}, { ...code, tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} })).toEqual([]);
    expect(names({}, { ...code, tls: {}, enableTLSForSentinelMode: false })).toEqual([]);
    expect(names({ ...sentinelsAt(1), REDIS_SENTINEL_TLS: "on", REDIS_TLS: "off" })).toEqual([]);
    expect(names({ ...sentinelsAt(1), REDIS_TLS: "on" })).toEqual([]);
    expect(names({}, { host: "h", tls: {} })).toEqual([]);
  });

  it("is refused for Sentinels that are not there, half a client certificate, and what is no certificate", () => {
    const problems = (env: Env, redis?: FromEnvironmentOptions["redis"]): string[] => {
      try {
        resolveFromEnvironment(env, { redis });
      } catch (error) {
        if (error instanceof ConfigError) return error.problems.map(({ path }) => path);
        throw error;
      }
      return [];
    };
    expect(problems({ REDIS_HOST: "h", REDIS_SENTINEL_TLS: "on" })).toEqual(["REDIS_SENTINEL_TLS"]);
    expect(problems({ ...sentinelsAt(1), REDIS_SENTINEL_TLS: "off", REDIS_SENTINEL_TLS_SERVERNAME: "s" })).toEqual([
      "REDIS_SENTINEL_TLS",
    ]);
    expect(problems({ ...sentinelsAt(1), REDIS_SENTINEL_SSL: "on" })).toEqual(["REDIS_SENTINEL_SSL"]);
    expect(problems({}, { sentinels: [{ host: "s" }], name: "m", sentinelTLS: { ca: "x" } })).toEqual([
      "redis.sentinelTLS.ca",
    ]);
  });

  it("is what the doctor speaks exactly where the client does", () => {
    const target = (env: Env) => resolveTarget(undefined, { env });
    const code = { sentinels: [{ host: "s", port: 1 }], name: "m" };
    expect(target({ ...sentinelsAt(1), REDIS_TLS: "on" })).toMatchObject({ tls: {}, sentinelTls: undefined });
    expect(target({ ...sentinelsAt(1), REDIS_SENTINEL_TLS: "on" })).toMatchObject({ tls: undefined, sentinelTls: {} });
    expect(resolveTarget({ ...code, tls: {} }, { env: {} })).toMatchObject({ tls: undefined, tlsIgnored: true });
    expect(resolveTarget({ ...code, sentinelTLS: true }, { env: {} })).toMatchObject({ sentinelTls: {} });
  });
});
