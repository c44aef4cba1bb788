/** What those who listen to ioredis's tracing channel of commands are told: the same events, contexts and stores. */
import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { eventually, expectParity, invoke, outcomeOf, useServers, type Step } from "./parity-harness.js";

useServers();

const channel = tracingChannel<string, Record<string, unknown>>("ioredis:command");

const COMMANDS: readonly Step[] = [
  ["set", "k", "secret"],
  "get k",
  "getBuffer k",
  ["hset", "h", "field", "secret", "other", "secret"],
  ["mset", "a", 1, "b", 2],
  ["zadd", "z", 1.5, Buffer.from("member")],
  "incr k",
  ["call", "set", "k2", "secret"],
  "call hget k secret",
  "select 3",
  "get k",
  ["eval", "return ARGV[1]", 1, "k", "secret"],
  "echo secret",
  "publish c secret",
];

describe("a listener to the tracing channel", () => {
  it("hears of each command as it would from ioredis, in the stores that it has bound", () =>
    expectParity(async ({ open, server }) => {
      const client = open();
      await client.ping();
      const heard: unknown[] = [];
      const store = new AsyncLocalStorage<string>();
      const note = (event: string) => (context: object) => {
        const { command, args, database, serverAddress, serverPort, result, error } = context as Record<
          string,
          unknown
        >;
        const told = error instanceof Error ? error.message : error;
        const where = [serverAddress, serverPort === server.port];
        heard.push([event, command, args, database, where, result, told, store.getStore()]);
      };
      const subscribers = {
        start: note("start"),
        end: note("end"),
        asyncStart: note("asyncStart"),
        asyncEnd: note("asyncEnd"),
        error: note("error"),
      };
      channel.subscribe(subscribers);
      channel.start.bindStore(store, (context) => `store of ${String(context["command"])}`);
      try {
        for (const step of COMMANDS) await outcomeOf(() => invoke(client, step));
        await Promise.all([client.set("x", 1), outcomeOf(() => client.lpush("x", 1)), client.get("x")]);
        const ended = (entry: unknown): boolean => (entry as readonly unknown[])[0] === "asyncEnd";
        await eventually(() => expect(heard.filter(ended)).toHaveLength(COMMANDS.length + 3));
        return heard;
      } finally {
        channel.start.unbindStore(store);
        channel.unsubscribe(subscribers);
      }
    }));
});
