/** CLIENT UNBLOCK, sent by somebody else, ends the block for its caller, however long it was to last. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { outcomeOf, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** The id of the only client that blocks. */
async function blocked(): Promise<string> {
  let id: string | undefined;
  await eventually(async () => {
    const list = (await server.cli("CLIENT", "LIST")).split("\n").filter((line) => line.includes(" flags=b "));
    expect(list).toHaveLength(1);
    id = /^id=(\d+)/.exec(list[0] ?? "")?.[1];
    expect(id).toBeDefined();
  });
  return id ?? "";
}

describe.each([
  ["on the client's own connection", 0],
  ["on a connection of its own", 12],
])("a block without end %s", (_, commandsBefore) => {
  it("ends with null", async () => {
    const redis = await ready(server.port);
    for (let n = 0; n < commandsBefore; n++) await redis.ping();
    const popped = redis.blpop("nobody-pushes", 0);
    await server.call("CLIENT", "UNBLOCK", await blocked());
    expect(await popped).toBeNull();
  });

  it("ends with the server's error", async () => {
    const redis = await ready(server.port);
    for (let n = 0; n < commandsBefore; n++) await redis.ping();
    const popped = outcomeOf(redis.blpop("nobody-pushes", 0));
    await server.call("CLIENT", "UNBLOCK", await blocked(), "ERROR");
    const { error } = await popped;
    expect(error?.message).toMatch(/^UNBLOCKED/);
  });
});
