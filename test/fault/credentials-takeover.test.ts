/** Who looks for another primary behind a name logs in there as the client does: with what its provider gives, or as its caller chose. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { CredentialsReason } from "../../src/credentials/provider.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, ready, type TestOptions } from "./core-harness.js";

const acl = ["user default on nopass ~* &* -@all +@connection", "user app on >p0 ~* &* +@all"];

let old: RedisServer;
let next: RedisServer;
beforeAll(async () => {
  [old, next] = await Promise.all([startRedis({ acl }), startRedis({ acl })]);
});
afterAll(() => Promise.all([old.stop(), next.stop()]));

let proxy: FaultProxy;
/** Where a new connection is led; those that are open stay where they are. */
const target = { port: 0 };
beforeEach(async () => {
  await old.call("REPLICAOF", "NO", "ONE");
  await next.call("ACL", "SETUSER", "app", "resetpass", ">p0");
  target.port = old.port;
  proxy = await startProxy({ target });
  atEnd(() => proxy.stop());
});

/** The server turns into a replica under its clients, and the name leads elsewhere. */
async function failOver(): Promise<void> {
  await old.call("REPLICAOF", "127.0.0.1", String(next.port));
  target.port = next.port;
}

it.each<[string, TestOptions]>([
  ["its provider gives", { credentials: () => ({ username: "app", password: "p0" }) }],
  ["its caller chose", {}],
])("as the user that %s", async (_, options) => {
  const redis = await ready(proxy.port, options);
  if (options.credentials === undefined) await redis.auth("app", "p0");
  await redis.set("k", "1");
  await failOver();
  await redis.set("k", "2");
  expect(await next.cli("GET", "k")).toBe("2");
});

it("with another password where the new primary refuses the old one", async () => {
  const reasons: CredentialsReason[] = [];
  let password = "p0";
  const credentials = ({ reason }: { readonly reason: CredentialsReason }) => {
    reasons.push(reason);
    return { username: "app", password, expiresAt: Date.now() + 600_000 };
  };
  const redis = await ready(proxy.port, { credentials });
  await redis.set("k", "1");
  await next.call("ACL", "SETUSER", "app", "resetpass", ">p1");
  password = "p1";
  await failOver();
  await redis.set("k", "2");
  expect(await next.cli("GET", "k")).toBe("2");
  expect(reasons.slice(0, 2)).toEqual(["connect", "rejected"]);
});
