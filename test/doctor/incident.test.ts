/** The doctor inside the client: when an incident opens, what it sees from outside joins the incident's lines. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createRedis, type Redis, type RedisOptions } from "../../src/index.js";
import { atMost } from "../helpers/at-most.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink, type LogLine, type LogSink } from "../helpers/log-sink.js";
import { startRedis } from "../helpers/redis-server.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Logged = Redis & { readonly log: LogSink };

function open(port: number, resilience: RedisOptions["resilience"] = {}, log: LogSink = createLogSink()): Logged {
  const redis = createRedis({
    host: "127.0.0.1",
    port,
    password: "incident-secret",
    resilience: { profile: "production", reconnect: { minTimeout: 5, maxTimeout: 50 }, logger: log, ...resilience },
  });
  redis.on("error", () => undefined);
  cleanups.push(() => {
    redis.disconnect();
    expect(log.text()).not.toContain("incident-secret");
  });
  return Object.assign(redis, { log });
}

function lines({ log }: { readonly log: LogSink }, event: string): readonly LogLine[] {
  return log.lines.filter(({ fields }) => fields["event"] === event);
}

const PATIENTLY = { withinMs: 20_000 };
const server = () => startRedis({ password: "incident-secret" });

describe("doctor in the client", () => {
  it("says within 2 s what is wrong, in a line of the same incident, once for all clients and repetitions", async () => {
    await using redisServer = await server();
    const log = createLogSink();
    const clients = [open(redisServer.port, {}, log), open(redisServer.port, {}, log)];
    for (const client of clients) await client.ping();
    await redisServer.kill();
    const all = (event: string): readonly LogLine[] => lines({ log }, event);
    await eventually(() => expect(all("incident.open")).toHaveLength(1), PATIENTLY);
    const opened = performance.now();
    await eventually(() => expect(all("incident.examined")).toHaveLength(1), PATIENTLY);
    expect(performance.now() - opened).toBeLessThan(atMost(2000));
    const [first] = all("incident.open");
    const [seen] = all("incident.examined");
    expect(seen).toMatchObject({ level: "warn", fields: { code: "CONNECTION_REFUSED" } });
    expect(seen?.fields["incident"]).toBe(first?.fields["incident"]);
    // Which of them depends on the Redis servers of whoever else uses this machine, one of which may just be starting, and on
    // whether there was time to look for them.
    expect(seen?.message).toMatch(
      /seen from outside: (?:Redis is not running|Nothing listens|A Redis process runs here, but nothing listens|\S+ refused)/,
    );
    await redisServer.restart();
    for (const client of clients) await eventually(() => client.ping(), PATIENTLY);
    await redisServer.kill();
    await eventually(() => expect(clients.every((client) => client.status !== "ready")).toBe(true), PATIENTLY);
    await redisServer.restart();
    for (const client of clients) await eventually(() => client.ping(), PATIENTLY);
    expect(all("incident.examined")).toHaveLength(1);
  });

  it("never calls the port wrong on which it was served until a moment ago, whatever else listens", async () => {
    await using other = await server();
    await using redisServer = await server();
    const redis = open(redisServer.port);
    await redis.ping();
    await redisServer.kill();
    await eventually(() => expect(lines(redis, "incident.examined")).toHaveLength(1));
    const [seen] = lines(redis, "incident.examined");
    // Unless one of the machine's other servers is just starting, or may not be looked into.
    expect(seen?.message).toMatch(/Nothing listens on \d+ any more|A Redis process runs here, but nothing listens/);
    for (const { message, fields } of redis.log.lines) {
      expect(`${message}${JSON.stringify(fields)}`).not.toContain("port is wrong");
    }
    expect(await other.cli("PING")).toBe("PONG");
  });

  it("names a frozen server as stopped, which the client alone cannot know", async () => {
    await using redisServer = await server();
    const redis = open(redisServer.port, { heartbeat: { interval: 50, timeout: 100 }, deadline: 300 });
    await redis.ping();
    redisServer.freeze();
    try {
      await expect(redis.get("k")).rejects.toThrow();
      await eventually(() => expect(lines(redis, "incident.examined")).toHaveLength(1), PATIENTLY);
      expect(lines(redis, "incident.examined")[0]?.message).toContain("is stopped (state T)");
    } finally {
      redisServer.thaw();
    }
  });

  it("does not look with doctor: false", async () => {
    let connections = 0;
    const peer = createServer((socket: Socket) => {
      connections++;
      socket.on("error", () => undefined).destroy();
    });
    await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => peer.close(resolve)));
    const { port } = peer.address() as AddressInfo;
    const redis = open(port, { doctor: false, deadline: 200, reconnect: { minTimeout: 60_000, maxTimeout: 60_000 } });
    await expect(redis.get("k")).rejects.toThrow();
    await eventually(() => expect(lines(redis, "incident.open")).toHaveLength(1), PATIENTLY);
    expect(connections).toBeLessThanOrEqual(redis.stats().reconnects.attempts + 1);
    expect(lines(redis, "incident.examined")).toEqual([]);
  });
});
