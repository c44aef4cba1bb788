import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { internalsOf } from "../../src/ioredis/internals.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

async function connectionsReceived(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(String(await server.call("INFO", "stats")))?.[1]);
}

describe("a connection that is given up before it is made", () => {
  it("is not made, by a loan that the client's end overtakes", async () => {
    const redis = client(server.port);
    await redis.ping();
    const first = await connectionsReceived();
    const perCall = (await connectionsReceived()) - first;
    const before = await connectionsReceived();
    const ended = new Promise<void>((resolve) => redis.once("end", resolve));
    const loan = redis.withConnection((conn) => conn.ping());
    redis.disconnect();
    await expect(loan).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await ended;
    // Whoever dialled in that turn has arrived before this one.
    expect(await connectionsReceived()).toBe(before + perCall);
  });
});

describe("a socket that is ended several times before it has closed", () => {
  it("is listened to once", async () => {
    await using redis = client(server.port);
    await redis.ping();
    const stream = internalsOf(redis).stream as unknown as Socket;
    redis.disconnect(true);
    const listeners = stream.listenerCount("close");
    for (let n = 0; n < 12; n++) redis.disconnect(true);
    expect(stream.listenerCount("close")).toBe(listeners);
    expect(await redis.ping()).toBe("PONG");
  });
});
