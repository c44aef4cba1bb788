/** How a client finds its server through Sentinels: who is asked, who is believed, and what is said when nobody knows. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, outcomeOf } from "./core-harness.js";
import { portOf, sentinel, sentinels, through } from "./sentinel-harness.js";

let master: RedisServer;
let other: RedisServer;

beforeAll(async () => {
  [master, other] = await Promise.all([startRedis(), startRedis()]);
});
afterAll(async () => {
  await Promise.all([master.stop(), other.stop()]);
});

/** Where nobody listens. */
async function nowhere(): Promise<{ readonly address: { readonly host: string; readonly port: number } }> {
  return { address: { host: "127.0.0.1", port: await freePort() } };
}

describe("a Sentinel that does not answer", () => {
  it("is given up, and the next is asked, long before a connection would be", async () => {
    const [frozen, well] = await sentinels({ isFrozen: true }, { master });
    const redis = through([frozen, well]);
    const { value, after } = await outcomeOf(redis.ping());
    expect(value).toBe("PONG");
    expect(after).toBeLessThan(5_000);
    expect(frozen.accepted).toBe(1);
  });

  it("is asked after the others the next time", async () => {
    const [frozen, well] = await sentinels({ isFrozen: true }, { master });
    const redis = through([frozen, well], { resilience: { sentinel: { answerTimeout: 100 } } });
    await redis.ping();
    await eventually(() => expect(frozen.open).toBe(0));
    const before = well.asked;
    // An answer serves whoever dials within some milliseconds: until it has aged, nobody is asked.
    await eventually(async () => {
      redis.stream.destroy();
      expect(await redis.ping()).toBe("PONG");
      expect(well.asked).toBeGreaterThan(before);
    });
  });

  it("is waited for longer each time when all are slow", async () => {
    const slow = await sentinel({ master, delay: 300 });
    const redis = through([slow], { resilience: { deadline: 30_000, sentinel: { answerTimeout: 50 } } });
    expect(await redis.ping()).toBe("PONG");
  });

  it("has the time that sentinelCommandTimeout gives it, and no more", async () => {
    const slow = await sentinel({ master, delay: 400 });
    const redis = through([slow], { sentinelCommandTimeout: 60, resilience: { deadline: 2_000 } });
    const { error } = await outcomeOf(redis.ping());
    expect(String(error?.cause)).toContain("did not answer within 60 ms");
    expect(redis.policy.sentinel.answerTimeout).toBe(60);
  });
});

describe("Sentinels that disagree", () => {
  it("are believed by their epoch: the highest wins, whoever answers first", async () => {
    const watching = await sentinels({ master: other, epoch: 3 }, { master, epoch: 4 }, { master: other, epoch: 3 });
    const redis = through(watching);
    await redis.ping();
    expect(portOf(redis)).toBe(master.port);
  });

  it("never lead back to a master of an epoch before", async () => {
    const [stale, fresh] = await sentinels({ master, epoch: 4 }, { master, epoch: 4 });
    const redis = through([stale, fresh], { updateSentinels: false });
    await redis.ping();
    await fresh.stop();
    stale.script.master = other;
    stale.script.epoch = 3;
    await eventually(async () => {
      redis.stream.destroy();
      const { error } = await outcomeOf(redis.withDeadline(500).ping());
      expect(String(error?.cause)).toContain("No Sentinel that answers knows the present master");
    });
    stale.script.epoch = 5;
    expect(await redis.ping()).toBe("PONG");
    expect(portOf(redis)).toBe(other.port);
  });
});

describe("a node of another role", () => {
  it.each([
    ["without a ready check", { enableReadyCheck: false }],
    ["without the right to INFO", { username: "dumb", password: "pw" }],
  ])("is left %s, too", async (_, options) => {
    const config = [`replicaof 127.0.0.1 ${String(master.port)}`];
    await using replica = await startRedis({ config, acl: ["user dumb on >pw ~* &* +@all -info"] });
    const redis = through([await sentinel({ master: replica })], options);
    await eventually(() => {
      expect(redis.log.at("error")[0]?.fields).toMatchObject({ code: "SENTINEL_WRONG_ROLE" });
    });
    expect(redis.status).not.toBe("ready");
  });
});

describe("events", () => {
  it("tells each failing Sentinel as an event, as ioredis does, and the same error once a second", async () => {
    const since = performance.now();
    const redis = through([await nowhere()]);
    const failed: Error[] = [];
    const errors: Error[] = [];
    redis.on("sentinelError", (error: Error) => failed.push(error));
    redis.on("error", (error: Error) => errors.push(error));
    await eventually(() => expect(failed.length).toBeGreaterThanOrEqual(4));
    expect(failed[0]?.message).toContain("ECONNREFUSED");
    expect(errors.length).toBeLessThanOrEqual(1 + (performance.now() - since) / 1_000);
    expect(errors[0]?.message).toMatch(/^All sentinels are unreachable\./);
  });
});

describe("ioredis's options", () => {
  it("sentinelRetryStrategy: its delays are kept, and one that gives up ends the client with an error that says why", async () => {
    const delays: number[] = [];
    const redis = through([await nowhere()], {
      sentinelRetryStrategy: (times) => {
        delays.push(times);
        return times < 3 ? 5 : null;
      },
    });
    const { error } = await outcomeOf(redis.incr("n"));
    expect(error).toMatchObject({ code: "SENTINELS_UNREACHABLE", applied: "no" });
    expect(error?.message).toMatch(/^All sentinels are unreachable and retry is disabled\./);
    expect(delays).toEqual([1, 2, 3]);
    await eventually(() => expect(redis.status).toBe("end"));
    expect(redis.log.at("error", "fatal")).toHaveLength(1);
  });

  it("natMap: the address that is named leads to another one", async () => {
    const inside = { host: "10.255.0.1", port: 6379 };
    const outside = { host: "127.0.0.1", port: master.port };
    const watching = await sentinel({ master: inside });
    for (const natMap of [
      { "10.255.0.1:6379": outside },
      (key: string) => (key === "10.255.0.1:6379" ? outside : null),
    ]) {
      const redis = through([watching], { natMap });
      expect(await redis.ping()).toBe("PONG");
      redis.disconnect();
    }
  });

  it("sentinelUsername and sentinelPassword: who is let in is told", async () => {
    const watching = await sentinel({ master, password: "right" });
    const redis = through([watching], { sentinelUsername: "me", sentinelPassword: "right" });
    expect(await redis.ping()).toBe("PONG");
    const open = await sentinel({ master });
    expect(await through([open], { sentinelPassword: "needless" }).ping()).toBe("PONG");
  });

  it("updateSentinels: one that another names is remembered", async () => {
    const second = await sentinel({ master });
    const first = await sentinel({ master, peers: [{ port: second.port }] });
    const redis = through([first]);
    await redis.ping();
    await first.stop();
    await eventually(async () => {
      redis.stream.destroy();
      expect(await redis.ping()).toBe("PONG");
      expect(second.asked).toBeGreaterThan(0);
    });
  });

  it("role and preferredSlaves: a replica of choice, and another one while that cannot be reached", async () => {
    const config = [`replicaof 127.0.0.1 ${String(master.port)}`];
    await using one = await startRedis({ config });
    await using two = await startRedis({ config });
    const watching = await sentinel({ master, replicas: [{ port: one.port }, { port: two.port }] });
    const preferredSlaves = [{ ip: "127.0.0.1", port: String(two.port), prio: 1 }];
    const redis = through([watching], { role: "slave", preferredSlaves });
    await redis.ping();
    expect(portOf(redis)).toBe(two.port);
    await two.kill();
    await redis.ping();
    expect(portOf(redis)).toBe(one.port);
  });
});

describe("many clients", () => {
  it("share their questions, and one dials on behalf of all while the server is down", async () => {
    const port = await freePort();
    const watching = await sentinel({ master: { port } });
    const clients = Array.from({ length: 20 }, () => through([watching]));
    await eventually(() => {
      for (const { log } of clients) expect(log.at("error")).toHaveLength(1);
    });
    const [asked, accepted] = [watching.asked, watching.accepted];
    const dials: number[] = [];
    for (const redis of clients) redis.on("reconnecting", () => void dials.push(performance.now()));
    await eventually(() => expect(watching.asked).toBeGreaterThanOrEqual(asked + 8));
    // A machine that is busy takes longer for it, and may not do more.
    const seconds = ((dials.at(-1) ?? 0) - (dials[0] ?? 0)) / 1_000;
    expect(dials.length).toBeLessThanOrEqual(2 + 7 * seconds);
    // A link that was not used for two seconds, because this process stood still, is made anew.
    expect(watching.accepted).toBeLessThanOrEqual(accepted + seconds);
    const late = await startRedis({ port });
    atEnd(() => late.stop());
    await Promise.all(clients.map((redis) => redis.ping()));
  });
});

describe("the end of a client in the middle of a lookup", () => {
  it.each(["disconnect", "close", "quit"] as const)("%s: comes at once, and leaves no socket", async (how) => {
    for (const script of [{ isFrozen: true }, { master: null }]) {
      const watching = await sentinel(script);
      const redis = through([watching]);
      await eventually(() => expect(watching.accepted).toBeGreaterThan(0));
      const ended = new Promise((resolve) => redis.once("end", resolve));
      if (how === "close") await redis.close({ drain: 50 });
      else if (how === "quit") await outcomeOf(redis.quit());
      else redis.disconnect();
      await ended;
      await eventually(() => expect(watching.open).toBe(0));
    }
  });

  it("can be followed by a new beginning", async () => {
    const watching = await sentinel({ isFrozen: true });
    const redis = through([watching]);
    await eventually(() => expect(watching.accepted).toBe(1));
    redis.disconnect();
    watching.script.isFrozen = false;
    watching.script.master = master;
    await redis.connect();
    expect(await redis.ping()).toBe("PONG");
  });

  it("takes the connections to the Sentinels along, when they served before", async () => {
    const watching = await sentinel({ master });
    const [one, two] = [through([watching]), through([watching])];
    await Promise.all([one.ping(), two.ping()]);
    one.disconnect();
    await two.close();
    await eventually(() => expect(watching.open).toBe(0));
  });
});
