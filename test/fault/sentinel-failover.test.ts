/** What happens when the Sentinels name another master: who hears of it, who moves, and what is left behind. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink, type LogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import type { ScriptedSentinel } from "../helpers/scripted-sentinel.js";
import { atEnd, outcomeOf } from "./core-harness.js";
import { NAME, portOf, sentinel, sentinels, through } from "./sentinel-harness.js";

let old: RedisServer;
let present: RedisServer;

beforeEach(async () => {
  [old, present] = await Promise.all([startRedis(), startRedis()]);
});
afterEach(async () => {
  await Promise.all([old.stop(), present.stop()]);
});

/** A client that is connected, and hears of failovers. */
async function listening(
  watching: readonly ScriptedSentinel[],
  options = {},
): Promise<Redis & { readonly log: LogSink }> {
  const redis = through(watching, options);
  await redis.ping();
  await eventually(() => expect(watching.some(({ subscribers }) => subscribers > 0)).toBe(true));
  return redis;
}

describe("an announced failover", () => {
  it("moves everybody at once: shared, leased, blocking, subscribed and idle connections", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = await listening([watching]);
    const idle = through([watching]);
    const subscriber = redis.duplicate();
    atEnd(() => subscriber.disconnect());
    const heard: string[] = [];
    subscriber.on("message", (_, message: string) => heard.push(message));
    const gaps: number[] = [];
    subscriber.on("resubscribed", ({ gap }: { readonly gap: number }) => gaps.push(gap));
    await Promise.all([idle.ping(), subscriber.subscribe("news"), redis.withConnection((lent) => lent.ping())]);
    const blocked = outcomeOf(redis.blpop("queue", 30));
    await eventually(async () => expect(await old.cli("client", "list")).toContain("cmd=blpop"));

    watching.announce(NAME, old, present);
    await eventually(async () => {
      // Nobody is left at the old one but the one who asks.
      expect((await old.cli("client", "list")).trim().split("\n")).toHaveLength(1);
      expect([redis, idle, subscriber].map(portOf)).toEqual([present.port, present.port, present.port]);
    });
    expect(await redis.set("k", "v")).toBe("OK");
    expect(await redis.withConnection((lent) => lent.get("k"))).toBe("v");
    await eventually(async () => {
      await redis.publish("news", "here");
      expect(heard).toContain("here");
    });
    // Messages of the time before anybody knew may have gone to the new one.
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeGreaterThanOrEqual(2_500);
    await redis.rpush("queue", "job");
    const { value, error } = await blocked;
    // It was in the queue of the old one, which may have answered: nobody knows, or it waits at the new one.
    if (error === undefined) expect(value).toEqual(["queue", "job"]);
    else expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await old.call("dbsize")).toBe(0);
  });

  it("loses no reply that comes in time, and what is never answered is not waited for", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = await listening([watching]);
    old.freeze();
    atEnd(() => old.thaw());
    const [read, write] = [outcomeOf(redis.get("k")), outcomeOf(redis.incr("n"))];
    watching.announce(NAME, old, present);
    expect((await read).value).toBeNull();
    expect((await write).error).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
    expect(await redis.incr("m")).toBe(1);
    expect(portOf(redis)).toBe(present.port);
    expect(await redis.incr("m")).toBe(2);
  });

  it("is acted on when the replica is promoted, before the Sentinel that conducts it announces it", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = await listening([watching]);
    watching.script.master = present;
    watching.script.epoch = 2;
    const replica = `127.0.0.1 ${String(present.port)}`;
    watching.tell(
      "+promoted-slave",
      `slave ${replica.replace(" ", ":")} ${replica} @ ${NAME} 127.0.0.1 ${String(old.port)}`,
    );
    await eventually(() => expect(portOf(redis)).toBe(present.port));
  });

  it("is none when it names the present master, or belongs to another set", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = await listening([watching]);
    const { stream } = redis;
    watching.announce("other", old, present);
    watching.announce(NAME, present, old);
    await eventually(() => expect(watching.subscribers).toBe(1));
    await redis.ping();
    expect(redis.stream).toBe(stream);
  });

  it("is one line in the log, and in the incident's end if there was one", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const logger = createLogSink();
    const redis = await listening([watching], { resilience: { logger } });
    const second = through([watching], { resilience: { logger } });
    // A block explains why its connection is silent.
    void outcomeOf(second.blpop("queue", 60));
    await eventually(async () => expect(await old.cli("client", "list")).toContain("cmd=blpop"));
    await eventually(async () => expect(await old.cli("client", "list")).toMatch(/idle=[1-9]\d* .*cmd=blpop/));
    const [from, to] = [old, present].map(({ port }) => `127.0.0.1:${String(port)}`);
    watching.announce(NAME, old, present);
    await eventually(() => expect(portOf(redis)).toBe(present.port));
    await eventually(() => expect(logger.text()).toContain("failover"));
    expect(logger.at("error")).toEqual([]);
    expect(
      logger.lines.filter(({ fields }) => fields["event"] === "failover").map(({ fields }) => fields),
    ).toMatchObject([{ from, to }]);
    logger.clear();
    await present.kill();
    await eventually(() => expect(logger.at("error")).toHaveLength(1));
    watching.announce(NAME, present, old);
    await eventually(() => {
      const closing = logger.lines.find(({ fields }) => fields["event"] === "incident.closed");
      expect(closing?.fields).toMatchObject({ ending: "recovered", from: to, to: from });
      expect(closing?.message).toContain(`${String(from)} took over from ${String(to)}.`);
    });
  });
});

describe("the subscription", () => {
  it("is one for a process and a set, begins with the first connection, and ends with the last client", async () => {
    const watching = await sentinel({ master: old });
    const lazy = through([watching], { lazyConnect: true });
    expect(watching.accepted).toBe(0);
    await Promise.all([listening([watching]), lazy.ping(), listening([watching])]);
    expect(watching.subscribers).toBe(1);
    const last = await listening([watching]);
    expect(watching.subscribers).toBe(1);
    expect(last.status).toBe("ready");
  });

  it("is off with failoverDetector: false", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = through([watching], { failoverDetector: false });
    await redis.ping();
    await redis.ping();
    expect(watching.subscribers).toBe(0);
  });

  it("moves to another Sentinel when its own is silent, and what was missed meanwhile is asked for", async () => {
    const watching = await sentinels({ master: old, epoch: 1 }, { master: old, epoch: 1 });
    const redis = await listening(watching);
    const [holder, next] = watching[0].subscribers > 0 ? watching : ([watching[1], watching[0]] as const);
    holder.script.isFrozen = true;
    next.script.master = present;
    next.script.epoch = 2;
    await eventually(() => expect(next.subscribers).toBe(1), { withinMs: 20_000 });
    await eventually(() => expect(portOf(redis)).toBe(present.port));
  });

  it("is done without where the Sentinels do not allow it, and that is said once", async () => {
    const watching = await sentinel({ master: old });
    const redis = through([watching]);
    await redis.ping();
    const limited = await sentinel({ master: old });
    limited.refuses = "NOPERM no channels for you";
    const other = through([limited]);
    await other.ping();
    await eventually(() => expect(other.log.text()).toContain("does not tell of failovers"));
    expect(other.log.lines.filter(({ message }) => message.includes("does not tell of failovers"))).toHaveLength(1);
    expect(await other.ping()).toBe("PONG");
  });
});

describe("a master that cannot serve", () => {
  it("is left when the Sentinels name another one, though it goes on answering", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = through([watching], { failoverDetector: false });
    await redis.set("k", "old");
    await old.call("config", "set", "min-replicas-to-write", "1");
    expect((await outcomeOf(redis.set("k", "new"))).error).toMatchObject({ code: "NOT_ENOUGH_REPLICAS" });
    watching.script.master = present;
    watching.script.epoch = 2;
    await eventually(async () => expect((await outcomeOf(redis.set("k", "new"))).value).toBe("OK"));
    expect(portOf(redis)).toBe(present.port);
    expect(await old.call("get", "k")).toBe("old");
  });

  it("is kept as long as they name it: reads go on over the same connection", async () => {
    const watching = await sentinel({ master: old, epoch: 1 });
    const redis = through([watching], { resilience: { retry: false } });
    await redis.ping();
    const { stream } = redis;
    await old.call("replicaof", "127.0.0.1", String(present.port));
    const asked = watching.asked;
    await eventually(async () => {
      expect((await outcomeOf(redis.set("k", "v"))).error).toBeDefined();
      expect(await redis.get("k")).toBeNull();
      expect(watching.asked).toBeGreaterThan(asked + 1);
    });
    expect(redis.stream).toBe(stream);
  });
});
