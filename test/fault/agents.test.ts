/**
 * Agents (APM, tracers) that wrap ioredis's `sendCommand`, as OpenTelemetry's instrumentation does: they see each command once, where it
 * was issued, and how it ended, whatever happened on the way.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Redis as Plain, type Command } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client, outcomeOf, proxyTo, ready } from "./core-harness.js";

interface Span {
  readonly name: string;
  readonly context: unknown;
  readonly ends: unknown[];
}

const requests = new AsyncLocalStorage<string>();
let spans: Span[] = [];

type Send = (this: unknown, command: Command, stream?: unknown) => unknown;
const prototype = Plain.prototype as unknown as { sendCommand: Send };
const original = prototype.sendCommand;

/** What shimmer makes of it. OpenTelemetry listens to a command once it is sent, others do before. */
function wrap(remembers: boolean, listensFirst = true): void {
  const wrapped: Send = function (command, stream) {
    const span: Span = { name: command.name, context: requests.getStore(), ends: [] };
    spans.push(span);
    const sent = listensFirst ? undefined : original.call(this, command, stream);
    const { resolve, reject } = command;
    command.resolve = (value: unknown) => {
      // The reply as it came.
      span.ends.push(String(value));
      resolve(value);
    };
    command.reject = (error: Error) => {
      span.ends.push(error);
      reject(error);
    };
    return sent ?? original.call(this, command, stream);
  };
  prototype.sendCommand = remembers ? Object.assign(wrapped, { __original: original }) : wrapped;
}

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  spans = [];
  wrap(true);
});
afterEach(() => {
  prototype.sendCommand = original;
});

const of = (name: string): Span[] => spans.filter((span) => span.name === name);

describe("an agent", () => {
  it("sees commands, batches and errors once each", async () => {
    const redis = await ready(server.port);
    await redis.set("k", "v");
    await redis.pipeline().get("k").incr("k").exec();
    expect(of("set")).toMatchObject([{ ends: ["OK"] }]);
    expect(of("get")).toHaveLength(1);
    expect(of("incr")).toMatchObject([{ ends: [expect.any(Error)] }]);
  });

  it("sees a command that waited for a connection where it was issued", async () => {
    const redis = client(server.port);
    await requests.run("request 7", () => redis.get("a"));
    expect(of("get")).toMatchObject([{ context: "request 7" }]);
    expect(of("get")[0]?.ends).toHaveLength(1);
  });

  it("sees a command that was lost and sent again once, with its end", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.dropReplies();
    const reply = requests.run("request 8", () => redis.set("k", "again"));
    await eventually(async () => expect(await server.cli("GET", "k")).toBe("again"));
    await proxy.pass();
    proxy.cutAll();
    expect(await reply).toBe("OK");
    expect(of("set")).toMatchObject([{ context: "request 8", ends: ["OK"] }]);
  });

  it("sees how a command ended that was lost for good", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.dropReplies();
    const lost = outcomeOf(redis.incr("lost"));
    await eventually(async () => expect(await server.cli("GET", "lost")).toBe("1"));
    await proxy.pass();
    proxy.cutAll();
    const { error } = await lost;
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(of("incr")).toMatchObject([{ ends: [error] }]);
  });

  it("sees how a command ended whose reply was late, and not the reply", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.dropReplies();
    const { error } = await outcomeOf(redis.withDeadline(60).incr("late"));
    expect(error).toMatchObject({ code: "DEADLINE" });
    expect(of("incr").map(({ ends }) => ends)).toEqual([[error]]);
  });

  it.each([true, false])(
    "sees what was refused unsent, with the error that the caller got (%s)",
    async (listensFirst) => {
      wrap(true, listensFirst);
      const proxy = await proxyTo(server);
      await proxy.refuse();
      const redis = client(proxy.port, { resilience: { queue: false } });
      const { error } = await requests.run("request 9", () => outcomeOf(redis.get("a")));
      expect(error).toMatchObject({ applied: "no" });
      expect(of("get")).toMatchObject([{ context: "request 9", ends: [error] }]);
      expect(redis.status).not.toBe("end");
    },
  );

  it("that hides what it wrapped sees each send, and all of them end", async () => {
    wrap(false);
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    proxy.dropReplies();
    const reply = redis.set("k", "hidden");
    await eventually(async () => expect(await server.cli("GET", "k")).toBe("hidden"));
    await proxy.pass();
    proxy.cutAll();
    expect(await reply).toBe("OK");
    expect(of("set").map(({ ends }) => ends)).toEqual([["OK"], ["OK"]]);
  });
});

describe("whoever listens to what ioredis publishes of each command", () => {
  it("is told in the context of its caller, also where it waited, was lost or is a member of a batch", async () => {
    prototype.sendCommand = original;
    const told: unknown[] = [];
    const start = (context: unknown): void => {
      const { command } = context as { readonly command: string };
      if (/^(?:get|set|incr)$/i.test(command)) told.push([command.toLowerCase(), requests.getStore()]);
    };
    subscribe("tracing:ioredis:command:start", start);
    try {
      const proxy = await proxyTo(server);
      const redis = client(proxy.port);
      const issued = [
        requests.run("request 1", () => redis.get("a")),
        requests.run("request 2", () => redis.pipeline().get("b").exec()),
      ];
      await Promise.all(issued);
      proxy.dropReplies();
      const again = requests.run("request 3", () => redis.set("k", "traced"));
      await eventually(async () => expect(await server.cli("GET", "k")).toBe("traced"));
      await proxy.pass();
      proxy.cutAll();
      await again;
      expect(told).toEqual([
        ["get", "request 1"],
        ["get", "request 2"],
        ["set", "request 3"],
      ]);
    } finally {
      unsubscribe("tracing:ioredis:command:start", start);
    }
  });
});
