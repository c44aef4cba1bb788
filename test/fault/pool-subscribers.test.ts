import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Redis, Resubscribed } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { callsOf, sleep } from "./core-harness.js";
import { client } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

function resubscribed(redis: Redis): Promise<Resubscribed> {
  return new Promise((resolve) => redis.once("resubscribed", resolve));
}

const FAST = { reconnect: { minTimeout: 5, maxTimeout: 30 }, breaker: false } as const;

describe.each([2, 3] as const)("a subscriber on RESP%i", (protocol) => {
  it("hears again after a cut, and says how long it did not", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, FAST, { protocol });
    await redis.subscribe("news", "sport");
    await redis.psubscribe("w:*");
    const heard: string[] = [];
    redis.on("message", (channel: string, message: string) => heard.push(`${channel}=${message}`));
    const event = resubscribed(redis);
    const closed = new Promise((resolve) => redis.once("close", resolve));
    await proxy.refuse();
    proxy.cutAll();
    await closed;
    await sleep(150);
    await proxy.pass();
    const { channels, patterns, shardChannels, gap } = await event;
    expect([channels.toSorted(), patterns, shardChannels]).toEqual([["news", "sport"], ["w:*"], []]);
    expect(gap).toBeGreaterThanOrEqual(150);
    expect(await server.call("PUBLISH", "news", "back")).toBe(1);
    await eventually(() => expect(heard).toEqual(["news=back"]));
  });

  it("leaves all channels while patterns remain, and all patterns while channels do", async () => {
    await using redis = client(server.port, FAST, { protocol });
    const heard: string[] = [];
    redis.on("message", (channel: string, message: string) => heard.push(`${channel}=${message}`));
    await redis.subscribe("news", "sport");
    await redis.psubscribe("w:*", "v:*");
    expect(await redis.unsubscribe()).toBe(2);
    expect(await redis.unsubscribe()).toBe(2);
    expect(await redis.subscribe("news")).toBe(3);
    expect(await redis.punsubscribe()).toBe(1);
    expect(redis.stats().inFlight).toBe(0);
    expect(await server.call("PUBLISH", "news", "still")).toBe(1);
    await eventually(() => expect(heard).toEqual(["news=still"]));
    expect(await redis.unsubscribe()).toBe(0);
    expect(await redis.get("nothing")).toBeNull();
  });

  it.each([
    ["text", "app:"],
    ["bytes", Buffer.from("app:")],
  ])("hears sharded channels with a key prefix after every cut: prefix as %s", async (_, keyPrefix) => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, FAST, { protocol, keyPrefix: keyPrefix as string });
    const heard: string[] = [];
    redis.on("smessage", (channel: string, message: string) => heard.push(`${channel}=${message}`));
    await redis.ssubscribe("h");
    for (const message of ["first", "second"]) {
      const event = resubscribed(redis);
      proxy.cutAll();
      expect((await event).shardChannels).toEqual(["app:h"]);
      expect(await server.call("SPUBLISH", "app:h", message)).toBe(1);
      await eventually(() => expect(heard.at(-1)).toBe(`app:h=${message}`));
    }
    expect(heard).toEqual(["app:h=first", "app:h=second"]);
  });

  it("keeps what is allowed when one channel no longer is, and reports the other", async () => {
    await using strict = await startRedis({ acl: ["user default on nopass ~* &* +@all"] });
    await using proxy = await startProxy({ target: strict });
    await using redis = client(proxy.port, FAST, { protocol });
    const errors: Error[] = [];
    redis.on("error", (error: Error) => errors.push(error));
    await redis.subscribe("open", "secret");
    const restored: string[] = [];
    redis.on("resubscribed", ({ channels }: Resubscribed) => restored.push(...channels));
    await strict.call("ACL", "SETUSER", "default", "resetchannels", "&open");
    proxy.cutAll();
    await eventually(() => expect(restored).toEqual(["open"]));
    await eventually(() => expect(redis.status).toBe("ready"));
    proxy.cutAll();
    await eventually(() => expect(restored).toEqual(["open", "open"]));
    await eventually(() => expect(errors.map(({ message }) => message).join()).toContain("NOPERM"));
    expect(await strict.call("PUBLISH", "open", "hi")).toBe(1);
    expect(restored).toEqual(["open", "open"]);
  });

  it("asks once for each channel after a cut, and reports it once", async () => {
    await using own = await startRedis();
    await using proxy = await startProxy({ target: own });
    await using redis = client(proxy.port, FAST, { protocol });
    await redis.subscribe("news", "sport");
    await redis.psubscribe("w:*");
    const events: Resubscribed[] = [];
    redis.on("resubscribed", (event: Resubscribed) => events.push(event));
    for (let n = 1; n <= 3; n++) {
      proxy.cutAll();
      await eventually(() => expect(events).toHaveLength(n));
      // What was asked twice would have been answered before this.
      await redis.subscribe(`later-${n}`);
    }
    expect(events).toHaveLength(3);
    expect(await callsOf(own)).toMatchObject({ subscribe: 7, psubscribe: 4 });
  });

  it("does not forget channels when the connection is lost again before they were confirmed", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, FAST, { protocol });
    await redis.subscribe("again");
    const event = resubscribed(redis);
    for (let n = 0; n < 5; n++) {
      const ready = new Promise((resolve) => redis.once("ready", resolve));
      proxy.cutAll();
      await ready;
      // The subscription is on its way in this very moment.
      proxy.cutAll();
      await eventually(() => expect(redis.status).not.toBe("ready"));
    }
    expect((await event).channels).toEqual(["again"]);
    await eventually(async () => expect(await server.call("PUBLISH", "again", "hi")).toBe(1));
  });
});
