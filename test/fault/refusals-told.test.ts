/**
 * A command that waits in vain is told why: the server refuses, is silent, or was never reached. Meanwhile `health()` says so,
 * and the counts call "never sent" and "sent again" only what was.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis } from "../helpers/redis-server.js";
import {
  atEnd,
  client,
  expectError,
  outcomeOf,
  proxyTo,
  ready,
  scriptedServer,
  type TestOptions,
} from "./core-harness.js";
import type { Redis } from "../../src/redis.js";
import type { LogSink } from "../helpers/log-sink.js";

const READONLY = "-READONLY You can't write against a read only replica.\r\n";
const SLOWLY = { minTimeout: 80, maxTimeout: 160 };

/** Connected, without a command of its own that the server would count. */
async function silentlyReady(port: number, options: TestOptions): Promise<Redis & { readonly log: LogSink }> {
  const redis = client(port, options);
  await eventually(() => expect(redis.status).toBe("ready"));
  return redis;
}

/** Takes connections and says nothing. */
async function listener(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe("a server that refuses for a passing reason", () => {
  it.each(["read-write", "write"] as const)("is what the callers, health() and the log speak of: %s", async (kind) => {
    let refuses = true;
    const answer = kind === "write" ? READONLY : "-LOADING Redis is loading the dataset in memory\r\n";
    const code = kind === "write" ? "READ_ONLY_REPLICA" : "LOADING";
    const server = await scriptedServer(() => (refuses ? answer : "+OK\r\n"));
    const redis = await silentlyReady(server.port, { resilience: { deadline: 1_500, breaker: false, retry: SLOWLY } });
    const write = outcomeOf(redis.set("k", "1"));
    await eventually(() => expect(redis.health()).toMatchObject({ status: "degraded", code }));
    const { reason, nextAttemptMs, since } = redis.health();
    expect(reason).toContain(kind === "write" ? "Writes are refused: " : "Commands are refused: ");
    expect(nextAttemptMs).toBeGreaterThanOrEqual(0);
    expect(Date.now() - since).toBeGreaterThan(200);
    expect((await redis.readiness()).ready).toBe(false);
    // It waits behind the write, for the order of its key.
    const behind = expectError(await outcomeOf(redis.withDeadline(200).get("k")), "DeadlineError", "no");
    const words = answer.slice(1, -2).replace(/\.$/, "");
    const refused = `The server refuses ${kind === "write" ? "writes" : "commands"} for now: ${words}.`;
    expect(behind.message).toContain(`GET was never sent; it waited `);
    expect(behind.message).toContain(refused);
    expect(behind.cause).toMatchObject({ message: answer.slice(1, -2) });

    // It ends with the last refusal, or with its time: sent it was, and to be sent again is not to have been.
    const { error } = await write;
    expect(error?.message).toMatch(/was sent \d+ times and refused each time|^(?:READONLY|LOADING) /);
    const sent = server.seen.filter((name) => name === "set").length;
    expect(redis.stats()).toMatchObject({ failed: 2, rejected: 1, retried: sent - 1 });
    expect(server.seen).not.toContain("get");

    refuses = false;
    await redis.set("k", "2");
    expect(redis.health().status).toBe("ready");
  });
});

describe("a command that waited in vain", () => {
  it("is told that the handshake was not finished, and nothing of a first failure", async () => {
    const redis = client(await listener(), { resilience: { deadline: 300 } });
    const error = expectError(await outcomeOf(redis.get("k")), "DeadlineError", "no");
    expect(error.message).toContain("has not finished the handshake yet");
    expect(error.cause).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
    expect(redis.health().status).toBe("connecting");
  });

  it("is told that the connection it was held back from is silent", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, silenceHold: 200 } });
    proxy.blackhole();
    void outcomeOf(redis.get("k"));
    await eventually(async () => {
      const error = expectError(await outcomeOf(redis.withDeadline(300).get("k")), "DeadlineError", "no");
      expect(error.message).toMatch(
        /never sent.*No reply has come over the connection to \S+ for .* while replies are due/,
      );
    });
  });

  it("counts as sent again only when it was", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1_000 } });
    proxy.dropReplies();
    const lost = outcomeOf(redis.get("k"));
    await eventually(async () => expect(await server.cli("INFO", "commandstats")).toContain("cmdstat_get"));
    await proxy.refuse();
    proxy.cutAll();
    expect(expectError(await lost, "DeadlineError", "maybe").message).toContain("waited to be sent again");
    expect(redis.stats()).toMatchObject({ lost: 1, retried: 0, failed: 1, rejected: 0 });
  });
});

describe("a server that takes commands and says nothing", () => {
  it("is no healthy one for health() once the log says so", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000 } });
    proxy.blackhole();
    const late = outcomeOf(redis.get("k"));
    await eventually(() => expect(redis.health()).toMatchObject({ status: "degraded", code: "RESPONSE_TIMEOUT" }));
    expect(redis.health().reason).toMatch(
      /^No reply has come over the connection to 127\.0\.0\.1:\d+ for .* are due\.$/,
    );
    expect((await redis.readiness()).ready).toBe(false);
    await eventually(() => expect(redis.log.text()).toContain("does not answer: no reply in time (RESPONSE_TIMEOUT)"));
    await proxy.pass();
    await late;
    await eventually(() => expect(redis.health().status).toBe("ready"));
  });
});

describe("a first attempt that takes too long", () => {
  it("is an outage for health() once commands are refused because of it", async () => {
    const redis = client(await listener(), { resilience: { breaker: { downAfter: 300 }, deadline: 5_000 } });
    expect(redis.health().status).toBe("connecting");
    await eventually(() => expect(redis.stats().breaker.readWrite.state).not.toBe("closed"));
    await eventually(() => expect(redis.health()).toMatchObject({ status: "down", code: "HANDSHAKE_TIMEOUT" }));
    expect(redis.health().reason).toContain("Commands are refused: ");
    expect(expectError(await outcomeOf(redis.get("k")), "CircuitOpenError", "no").message).toContain(
      "HANDSHAKE_TIMEOUT",
    );
  });
});
