/** Time in which this process stood still says nothing of a server, and a server that is merely slow is reached. */
import { connect, createServer, type Socket } from "node:net";
import dns from "node:dns";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { IoredoubtError } from "../../src/failure/errors.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, expectError, gist, outcomeOf, proxyTo, ready, scriptedServer } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(() => void vi.restoreAllMocks());

/** The event loop stands still. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Lets what was issued reach the socket. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A way to the server on which the first reply of each connection takes so long. */
async function slowToGreet(delay: number): Promise<{ readonly port: number; readonly dials: () => number }> {
  let dials = 0;
  const relay = createServer((near) => {
    dials++;
    const far = connect(server.port, "127.0.0.1");
    near.pipe(far);
    const opening = setTimeout(() => far.pipe(near), delay);
    const end = (socket: Socket): void => {
      clearTimeout(opening);
      socket.destroy();
    };
    const endBoth = (): void => {
      end(near);
      end(far);
    };
    for (const socket of [near, far]) socket.on("error", endBoth).on("close", endBoth);
    atEnd(() => end(near));
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  atEnd(() => void relay.close());
  const address = relay.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, dials: () => dials };
}

/** Looking up `slow.test` takes so long. */
function slowNames(delay: number): void {
  const real = dns.lookup;
  vi.spyOn(dns, "lookup").mockImplementation(((name: string, options: { all?: boolean }, done: never) => {
    if (name !== "slow.test") {
      real(name, options, done);
      return;
    }
    const answer = done as (error: null, address: unknown, family?: number) => void;
    setTimeout(() => {
      if (options.all === true) answer(null, [{ address: "127.0.0.1", family: 4 }]);
      else answer(null, "127.0.0.1", 4);
    }, delay);
  }) as never);
}

describe("an event loop that is blocked", () => {
  it("right after the client was made costs no connection and no command, however short the limits", async () => {
    const resilience = { deadline: 500, breaker: { downAfter: 300 }, reconnect: { handshakeTimeout: 300 } } as const;
    const redis = client(server.port, { resilience, connectTimeout: 400 });
    const closes = vi.fn();
    redis.on("close", closes);
    await turn();
    const value = outcomeOf(redis.set("k", 1));
    block(1500);
    expect(gist(await value)).toBe("ok");
    expect(closes).not.toHaveBeenCalled();
    expect(redis.log.lines.filter(({ level }) => level !== "info")).toEqual([]);
  });

  it("during a reconnect does so neither", async () => {
    const proxy = await proxyTo(server);
    const resilience = { deadline: 800, breaker: { downAfter: 400 }, reconnect: { handshakeTimeout: 400 } } as const;
    const redis = await ready(proxy.port, { resilience });
    const reconnecting = new Promise((resolve) => redis.once("reconnecting", resolve));
    proxy.cutAll();
    await reconnecting;
    const value = outcomeOf(redis.set("k", 1));
    block(1500);
    expect(gist(await value)).toBe("ok");
    expect(proxy.counters.connections).toBe(2);
    expect(redis.stats().breaker.readWrite.trips).toBe(0);
  });

  it("for longer than `pool.acquireTimeout` refuses no lease whose connection has answered", async () => {
    const redis = await ready(server.port, { resilience: { pool: { acquireTimeout: 300 } } });
    const lease = outcomeOf(redis.withConnection((one) => one.ping()));
    const transaction = outcomeOf(redis.transaction(["k"], ({ multi }) => void multi.get("k")));
    await turn();
    block(900);
    expect([gist(await lease), gist(await transaction)]).toEqual(["ok", "ok"]);
  });
});

describe("a server that is slow to let a client in", () => {
  it("is reached: each attempt given up doubles what the next is allowed", async () => {
    const way = await slowToGreet(1200);
    const redis = client(way.port, { resilience: { reconnect: { handshakeTimeout: 400, minTimeout: 5 } } });
    expect(await redis.ping()).toBe("PONG");
    // 400 and 800 ms were too short.
    expect(way.dials()).toBe(3);
  });

  it("is not blamed for a name that took long to be looked up", async () => {
    slowNames(1000);
    const resilience = { reconnect: { handshakeTimeout: 400 } } as const;
    const redis = client(server.port, { host: "slow.test", connectTimeout: 300, resilience });
    const errors = vi.fn();
    redis.on("error", errors);
    expect(gist(await outcomeOf(redis.withDeadline(300).ping()))).toBe("DeadlineError no");
    expect(await redis.ping()).toBe("PONG");
    expect(errors).not.toHaveBeenCalled();
  }, 20_000);

  it("says what it waits for while the name is looked up", async () => {
    slowNames(60_000);
    const resilience = { reconnect: { handshakeTimeout: 1000 } } as const;
    const redis = client(server.port, { host: "slow.test", connectTimeout: 1000, resilience });
    const error = expectError(await outcomeOf(redis.withDeadline(700).ping()), "DeadlineError", "no");
    expect(error.message).toContain("The name of the server has been looked up for");
    expect(error.diagnosis?.why.join(" ")).toContain("nothing was sent to the server yet");
  });
});

describe("one clock a call", () => {
  it("a blocking command spends one deadline on all that it waits for", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1000, breaker: false, heartbeat: false } });
    for (let i = 0; i < 15; i++) await redis.get("k");
    proxy.blackhole();
    const read = outcomeOf(redis.withDeadline(5000).get("k"));
    const popped = await outcomeOf(redis.blpop("list", 0.2));
    const { elapsed } = expectError(popped, "DeadlineError", "no");
    expect(elapsed).toBeLessThan(1900);
    redis.disconnect();
    await read;
  });

  it("monitor() ends at the deadline when the server does not answer it", async () => {
    const silent = await scriptedServer((name) => (name === "monitor" ? "" : "+OK\r\n"));
    const redis = await ready(silent.port, { protocol: 2, resilience: { deadline: 300 } });
    const error = expectError(await outcomeOf(redis.monitor()), "DeadlineError", "maybe");
    expect(error.message).toContain("MONITOR");
  });
});

describe("a client whose connection does not come back while another of the process has one", () => {
  it("fails fast, and state, statistics, log and errors say so", async () => {
    const proxy = await proxyTo(server);
    const resilience = { deadline: 400, breaker: { downAfter: 400 }, reconnect: { handshakeTimeout: 300 } } as const;
    const idle = await ready(proxy.port, { resilience });
    const redis = client(proxy.port, { resilience: { ...resilience, logger: idle.log } });
    await redis.ping();
    proxy.blackhole();
    redis.disconnect(true);
    let error: unknown;
    await eventually(async () => {
      ({ error } = await outcomeOf(redis.get("k")));
      expect(IoredoubtError.is(error) && error.code).toBe("CIRCUIT_OPEN");
    });
    expect(idle.status).toBe("ready");
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "open", cause: expect.any(String) as string });
    expect(redis.health()).toMatchObject({ status: "down", code: expect.any(String) as string });
    expect(idle.stats().breaker.readWrite.state).toBe("closed");
    const lines = idle.log.lines.filter(({ fields }) => fields["circuit"] === "client");
    expect(lines).toHaveLength(1);
    await proxy.pass();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("closed"));
  });
});
