/** Credentials of the servers behind Sentinel change as those of any server do. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CredentialsRequest } from "../../src/credentials/provider.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client } from "./core-harness.js";

let master: RedisServer;
let sentinel: RedisServer;
beforeAll(async () => {
  master = await startRedis({ acl: ["user app on >p0 ~* &* +@all"] });
  const config = [`sentinel monitor lab 127.0.0.1 ${master.port} 1`, "requirepass s0"];
  sentinel = await startRedis({ args: ["--sentinel"], config });
});
afterAll(async () => {
  await Promise.all([master.stop(), sentinel.stop()]);
});

it("are asked for by the name of the set, and once more where the server refuses", async () => {
  const asked: CredentialsRequest[] = [];
  const redis = client(0, {
    port: undefined as never,
    sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
    sentinelPassword: "s0",
    name: "lab",
    credentials: (request) => {
      asked.push(request);
      return { username: "app", password: asked.length === 1 ? "old" : "p0", expiresAt: Date.now() + 600_000 };
    },
  });
  expect(await redis.call("ACL", "WHOAMI")).toBe("app");
  expect(asked.map(({ reason, endpoint }) => [reason, endpoint])).toEqual([
    ["connect", { sentinelName: "lab", isSentinel: false }],
    ["rejected", { sentinelName: "lab", isSentinel: false }],
  ]);
  expect(redis.log.at("fatal")).toEqual([]);
  expect(await redis.withConnection((lease) => lease.call("ACL", "WHOAMI"))).toBe("app");
});
