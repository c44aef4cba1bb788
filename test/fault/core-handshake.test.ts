/** What the caller sends while a connection is set up is the caller's, and nothing is served in a database that was not asked for. */
import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { internalsOf } from "../../src/ioredis/internals.js";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, clean, client, outcomeOf, outcomesOf, ready } from "./core-harness.js";

let server: RedisServer;
/** Does not know HELLO, as servers before Redis 6. */
let old: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  old = await startRedis({ args: ["--rename-command", "HELLO", ""] });
});
afterAll(() => Promise.all([server.stop(), old.stop()]));
beforeEach(() => Promise.all([clean(server), clean(old)]));

interface Turnstile {
  readonly port: number;
  /** Replies are kept back from here on. */
  hold(): void;
  /** Hands over what was kept back, and lets the rest through. */
  release(): void;
  /** Ends all connections; what was kept back is lost. */
  cut(): void;
  /** Ends the next connection whose client sends this, before the reply. Resolves then. */
  cutAt(text: string): Promise<void>;
  readonly sent: string;
}

async function turnstile(target: number): Promise<Turnstile> {
  const pairs = new Set<[Socket, Socket]>();
  let held: (() => void)[] | undefined;
  let trap: { readonly text: string; readonly sprung: () => void } | undefined;
  let sent = "";
  const drop = (pair: [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  const relay = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair) socket.on("error", () => drop(pair)).on("close", () => drop(pair));
    near.on("data", (chunk) => {
      sent += chunk.toString("latin1");
      if (trap !== undefined && chunk.toString("latin1").includes(trap.text)) {
        trap.sprung();
        trap = undefined;
        drop(pair);
      } else far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (held === undefined) near.write(chunk);
      else
        held.push(() => {
          if (!near.destroyed) near.write(chunk);
        });
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    held = undefined;
    for (const pair of [...pairs]) drop(pair);
  };
  atEnd(() => {
    cut();
    relay.close();
  });
  const address = relay.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    hold: () => (held ??= []),
    release: () => {
      const kept = held ?? [];
      held = undefined;
      for (const pass of kept) pass();
    },
    cut,
    cutAt: (text) => new Promise((resolve) => (trap = { text, sprung: resolve })),
    get sent() {
      return sent;
    },
  };
}

function emitted(redis: Redis, event: string): Promise<void> {
  return new Promise((resolve) => void redis.once(event, () => resolve()));
}

/** The keys of a database, sorted. */
async function keysOf(at: RedisServer, database: number): Promise<unknown> {
  const redis = await ready(at.port, { db: database });
  return (await redis.keys("*")).sort();
}

/** A write, a SELECT and a write, issued in this order; numbered so that several of them can be told apart. */
function step(redis: Redis, n: number | string): Promise<unknown>[] {
  return [redis.set(`zero ${n}`, 1), redis.select(1), redis.set(`one ${n}`, 1), redis.select(0)];
}

async function expectSteps(at: RedisServer, names: readonly (number | string)[]): Promise<void> {
  expect(await keysOf(at, 0)).toEqual(names.map((n) => `zero ${n}`).sort());
  expect(await keysOf(at, 1)).toEqual(names.map((n) => `one ${n}`).sort());
}

it("is done whatever `maxReplyBytes` says: the server's INFO may be longer", async () => {
  const redis = await ready(server.port, { resilience: { maxReplyBytes: 1024 } });
  await redis.set("long", "x".repeat(1025));
  await expect(redis.get("long")).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  await expect(redis.strlen("long")).resolves.toBe(1025);
});

describe("a caller's command while a connection is set up", () => {
  it("keeps its place at status connect", async () => {
    const gate = await turnstile(server.port);
    gate.hold();
    const redis = client(gate.port);
    await emitted(redis, "connect");
    const steps = step(redis, 0);
    const others = [redis.client("SETNAME", "mine"), redis.call("client", "getname")];
    gate.release();
    await Promise.all(steps);
    expect(await Promise.all(others)).toEqual(["OK", "mine"]);
    await expectSteps(server, [0]);
  });

  it("keeps its place wherever it is issued: in the same turn, in listeners, in ticks and microtasks in between", async () => {
    const redis = client(server.port, { connectionName: "given" });
    const names: string[] = [];
    const pending: Promise<unknown>[] = [];
    const issue = (name: string): void => {
      names.push(name);
      pending.push(...step(redis, name));
    };
    issue("at once");
    for (const event of ["connecting", "connect", "ready"] as const) redis.once(event, () => issue(event));
    await emitted(redis, "connecting");
    // ioredis has the socket a few ticks later, and long before it is connected.
    const socket = (): Socket | undefined => internalsOf(redis).stream;
    while (socket() === undefined) await new Promise<void>((resolve) => process.nextTick(resolve));
    const { stream } = redis;
    stream.once("connect", () => {
      issue("on the socket");
      queueMicrotask(() => issue("microtask"));
      process.nextTick(() => issue("tick"));
    });
    stream.prependOnceListener("connect", () => {
      issue("before ioredis");
      queueMicrotask(() => issue("earlier microtask"));
      process.nextTick(() => issue("earlier tick"));
    });
    await emitted(redis, "ready");
    await Promise.all(pending);
    await expectSteps(server, names);
    expect(names).toHaveLength(10);
  });

  it("keeps its place while ioredis finds that the server does not know RESP3", async () => {
    const gate = await turnstile(old.port);
    gate.hold();
    const redis = client(gate.port, { connectionName: "given", password: "" });
    await emitted(redis, "connect");
    const pending: Promise<unknown>[] = [];
    let issued = 0;
    let isOver = false;
    // One in every microtask of the turn in which ioredis sends its handshake again.
    redis.stream.prependListener("data", () => {
      if (isOver) return;
      const again = (left: number): void => {
        pending.push(...step(redis, issued++));
        if (left > 0) queueMicrotask(() => again(left - 1));
      };
      queueMicrotask(() => again(12));
    });
    gate.release();
    await emitted(redis, "ready");
    isOver = true;
    await Promise.all(pending);
    expect(issued).toBeGreaterThan(12);
    await expectSteps(
      old,
      Array.from({ length: issued }, (_, n) => n),
    );
  });

  it("settles when the handshake is lost", async () => {
    const gate = await turnstile(server.port);
    gate.hold();
    const redis = client(gate.port);
    await emitted(redis, "connect");
    const outcomes = outcomesOf([
      ...step(redis, 0),
      redis.client("SETINFO", "LIB-VER", "1"),
      redis.readonly(),
      redis.client("ID"),
      redis.auth("wrong"),
    ]);
    gate.cut();
    const [first, , second, , , notCluster, id, auth] = await outcomes;
    expect([first?.value, second?.value, typeof id?.value]).toEqual(["OK", "OK", "number"]);
    expect(notCluster?.error?.message).toContain("cluster support disabled");
    expect(auth?.error?.message).toContain("AUTH");
    await expectSteps(server, [0]);
  });
});

describe("the selected database after a reconnect", () => {
  it("is selected before anything is served, and a refusal serves nobody", async () => {
    await using guarded = await startRedis({ acl: ["user u on >p ~* &* +@all"] });
    const redis = await ready(guarded.port, { username: "u", password: "p", retryStrategy: () => 20 });
    await redis.select(2);
    await redis.set("before", 1);
    await guarded.call("ACL", "SETUSER", "u", "-select");
    const gone = emitted(redis, "close");
    await guarded.call("CLIENT", "KILL", "USER", "u");
    await gone;
    const outcome = await outcomeOf(redis.set("refused", 1));
    expect(outcome.error?.message).toContain("NOPERM");
    await eventually(() =>
      expect(redis.log.lines.some(({ level }) => level === "warn" || level === "error")).toBe(true),
    );
    expect(await keysOf(guarded, 0)).toEqual([]);
    await guarded.call("ACL", "SETUSER", "u", "+select");
    await eventually(async () => expect(await redis.set("after", 1)).toBe("OK"));
    expect(await keysOf(guarded, 2)).toEqual(["after", "before"]);
    expect(await keysOf(guarded, 0)).toEqual([]);
  });

  it("is waited for, also when the connection is lost between SELECT and its reply", async () => {
    const gate = await turnstile(server.port);
    const redis = await ready(gate.port);
    await redis.select(2);
    const lost = gate.cutAt("select");
    gate.cut();
    const writes = [redis.set("a", 1), redis.set("b", 1)];
    await lost;
    await Promise.all(writes);
    expect(await keysOf(server, 2)).toEqual(["a", "b"]);
    expect(await keysOf(server, 0)).toEqual([]);
  });

  it.each([
    ["a SELECT that the server refused", (redis: Redis) => outcomeOf(redis.select(99)), 0],
    [
      "a SELECT in a MULTI that was discarded",
      async (redis: Redis) => {
        await redis.multi({ pipeline: false });
        await redis.select(3);
        await redis.discard();
      },
      0,
    ],
    [
      "a SELECT in a batch that the server aborted",
      (redis: Redis) => outcomeOf(redis.multi().select(3).call("no-such-command").exec()),
      0,
    ],
    ["a SELECT in a batch that was executed", (redis: Redis) => redis.multi().select(3).exec(), 3],
    ["a SELECT in a pipeline", (redis: Redis) => redis.pipeline().select(99).select(3).select(98).exec(), 3],
    ["RESET", (redis: Redis) => redis.select(3).then(() => redis.reset()), 0],
  ])("is what the server was on: %s", async (_, act, expected) => {
    const redis = await ready(server.port);
    await act(redis);
    await redis.set("first", 1);
    const gone = emitted(redis, "close");
    await server.call("CLIENT", "KILL", "TYPE", "normal");
    await gone;
    await redis.set("second", 1);
    expect(await keysOf(server, expected)).toEqual(["first", "second"]);
  });

  it("is each command's own when those of several wait", async () => {
    const gate = await turnstile(server.port);
    const redis = await ready(gate.port);
    await redis.select(1);
    gate.hold();
    const sent = [redis.set("one", 1), redis.select(2), redis.set("two", 1), redis.select(3)];
    await eventually(() => expect(gate.sent).toContain("two"));
    gate.cut();
    const waiting = [redis.set("three", 1), redis.select(0), redis.set("zero", 1)];
    await Promise.all([...sent, ...waiting]);
    for (const [database, key] of ["zero", "one", "two", "three"].entries()) {
      expect(await keysOf(server, database)).toEqual([key]);
    }
  });

  it("is no other's when the server refuses it to some of those that wait", async () => {
    await using guarded = await startRedis({ acl: ["user u on >p ~* &* +@all"] });
    const gate = await turnstile(guarded.port);
    const redis = await ready(gate.port, { username: "u", password: "p" });
    await redis.select(1);
    gate.hold();
    const sent = outcomesOf([redis.get("one"), redis.set("one", 1), redis.select(0), redis.set("zero", 1)]);
    await eventually(() => expect(gate.sent).toContain("zero"));
    await eventually(async () => expect(await keysOf(guarded, 0)).toEqual(["zero"]));
    await guarded.call("FLUSHALL");
    await guarded.call("ACL", "SETUSER", "u", "-select");
    gate.cut();
    await sent;
    expect(await keysOf(guarded, 0)).not.toContain("one");
    expect(await keysOf(guarded, 1)).toEqual([]);
    await eventually(async () => expect(await redis.set("later", 1)).toBe("OK"));
  });
});
