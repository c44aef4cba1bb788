/** A connection that was given back is out of its borrower's reach, and the next borrower finds it as new. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/index.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => server.call("FLUSHALL"));

/** One connection for all borrowers, lent once and given back. */
async function kept(redis: Redis, use: (conn: Redis) => unknown = (conn) => conn.ping()): Promise<Redis> {
  let connection: Redis | undefined;
  await redis.withConnection(async (conn) => {
    connection = conn;
    await use(conn);
  });
  if (connection === undefined) throw new Error("nothing was lent");
  return connection;
}

describe("a connection that was given back", () => {
  it.each<[string, (conn: Redis) => unknown]>([
    ["disconnect()", (conn) => conn.disconnect()],
    ["disconnect(true)", (conn) => conn.disconnect(true)],
    ["end()", (conn) => (conn as { end(): void }).end()],
    ["close()", (conn) => conn.close()],
    ["await using", (conn) => conn[Symbol.asyncDispose]()],
    ["quit()", (conn) => conn.quit().catch(String)],
    ["connect()", (conn) => conn.connect().catch(String)],
    ["disconnect() of a view", (conn) => conn.with({ deadline: 5_000 }).disconnect()],
    ["its socket", (conn) => (conn as unknown as { stream?: { destroy(): void } }).stream?.destroy()],
    ["removeAllListeners()", (conn) => conn.removeAllListeners()],
    ["emit()", (conn) => conn.emit("close")],
    ["a field of its own", (conn) => Object.assign(conn, { status: "end" })],
    ["its options", (conn) => (conn.options.keyPrefix = "other:")],
  ])("is not reached by %s under the next borrower", async (_, act) => {
    await using redis = client(server.port, { pool: { max: 1 } });
    const connection = await kept(redis);
    const seen = await redis.withConnection(async (conn) => {
      let heard = 0;
      conn.on("probe", () => heard++);
      const first = conn.incr("n");
      await act(connection);
      const second = await conn.incr("n");
      conn.emit("probe");
      return { replies: [await first, second], heard };
    });
    expect(seen).toEqual({ replies: [1, 2], heard: 1 });
    expect(redis.stats().pool).toMatchObject({ created: 1, destroyed: {} });
  });

  it("is not reached by a method that was taken from it before", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    let end: (() => void) | undefined;
    await kept(redis, (conn) => (end = conn.disconnect.bind(conn)));
    const reply = redis.withConnection(async (conn) => {
      const first = conn.incr("n");
      end?.();
      return [await first, await conn.incr("n")];
    });
    expect(await reply).toEqual([1, 2]);
  });

  it("rejects the members of a batch that was prepared before", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    let batch: ReturnType<Redis["pipeline"]> | undefined;
    await kept(redis, (conn) => (batch = conn.pipeline().incr("n")));
    expect(await batch?.exec()).toMatchObject([[{ code: "CLIENT_CLOSED" }]]);
    expect(await server.call("EXISTS", "n")).toBe(0);
  });
});

describe("what a borrower leaves on a connection", () => {
  it.each<[string, (conn: Redis) => unknown]>([
    ["keyPrefix", (conn) => (conn.options.keyPrefix = "other:")],
    ["other options", (conn) => (conn.options = { ...conn.options, keyPrefix: "other:" })],
    ["automatic pipelining", (conn) => (conn.options.enableAutoPipelining = true)],
  ])("is no %s for the next one", async (_, change) => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await kept(redis, change);
    await redis.withConnection((conn) => conn.set("k", "v"));
    expect(await server.call("GET", "k")).toBe("v");
    expect(redis.stats().pool?.created).toBe(1);
  });

  it("works for the borrower itself, in its views and batches", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await redis.withConnection(async (conn) => {
      conn.options.keyPrefix = "mine:";
      await conn.set("a", "1");
      await conn.with({ deadline: 5_000 }).set("b", "1");
      await conn.pipeline().set("c", "1").exec();
    });
    const keys = (await server.call("KEYS", "*")) as string[];
    expect(keys.toSorted()).toEqual(["mine:a", "mine:b", "mine:c"]);
  });

  it("is no script and no field for the next one", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await kept(redis, async (conn) => {
      conn.defineCommand("double", { numberOfKeys: 0, lua: "return ARGV[1] * 2" });
      Object.assign(conn, { tenant: "one" });
      expect(await (conn as unknown as { double(n: number): Promise<number> }).double(21)).toBe(42);
      expect((conn as unknown as { tenant: string }).tenant).toBe("one");
    });
    await redis.withConnection(async (conn) => {
      expect(conn).not.toHaveProperty("double");
      expect((conn as unknown as { tenant?: string }).tenant).toBeUndefined();
      expect(await conn.pipeline().ping().exec()).toEqual([[null, "PONG"]]);
    });
  });
});
