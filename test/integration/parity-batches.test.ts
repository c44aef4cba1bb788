/** Pipelines, transactions, automatic pipelines and callbacks: what comes back, in which shape and in which order. */
import { tracingChannel } from "node:diagnostics_channel";
import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import {
  eventually,
  expectParity,
  invoke,
  IS_V6,
  outcomeOf,
  useServers,
  type Client,
  type Side,
  type Step,
} from "./parity-harness.js";

useServers();

type Act = (side: Side) => unknown;

function ignore(): void {
  // Only the end of a command is looked at.
}

function pipelineOf(client: Client, steps: readonly Step[]): ReturnType<Client["pipeline"]> {
  const pipeline = client.pipeline();
  for (const step of steps) invoke(pipeline, step);
  return pipeline;
}

const PIPELINES: Readonly<Record<string, Act>> = {
  "an empty pipeline": ({ open }) => open().pipeline().exec(),
  "mixed results": ({ open }) => open().pipeline().set("a", 1).lpush("a", "x").incr("a").get("none").exec(),
  "an array of commands": ({ open }) =>
    open()
      .pipeline([
        ["set", "a", "1"],
        ["getBuffer", "a"],
        ["incr", "a"],
      ])
      .exec(),
  "its length": async ({ open }) => {
    const pipeline = open().pipeline().get("a").get("b");
    const before = pipeline.length;
    const results = pipeline.exec();
    return [before, pipeline.length, await results, pipeline.length];
  },
  addBatch: async ({ open }) => {
    const pipeline = open().pipeline().set("a", 1);
    const batch = [
      ["get", "a"],
      ["incr", "a"],
    ];
    return [invoke(pipeline, ["addBatch", batch]) === pipeline, await pipeline.exec()];
  },
  "an exec callback": ({ open }) =>
    new Promise((resolve) => {
      void open()
        .pipeline()
        .set("a", 1)
        .lpush("a", 1)
        .exec((error, results) => resolve([error, results]));
    }),
  "callbacks of its members, in order, before exec's": ({ open }) =>
    new Promise((resolve) => {
      const seen: unknown[] = [];
      void open()
        .pipeline()
        .set("a", 1, (...args) => seen.push(["set", ...args]))
        .lpush("a", 1, (...args) => seen.push(["lpush", ...args]))
        .get("a", (...args) => seen.push(["get", ...args]))
        .exec((...args) => resolve([...seen, ["exec", ...args]]));
    }),
  "a callback of only some of its members": ({ open }) =>
    new Promise((resolve) => {
      const seen: unknown[] = [];
      void open()
        .pipeline()
        .set("a", 1)
        .get("a", (...args) => seen.push(["get", ...args]))
        .lpush("a", 1)
        .exec((...args) => resolve([...seen, ["exec", ...args]]));
    }),
  "a reply transformer that throws": async ({ open }) => {
    Command.setReplyTransformer("get", () => {
      throw new TypeError("cannot be transformed");
    });
    try {
      return await open().pipeline().set("a", 1).get("a").strlen("a").exec();
    } finally {
      delete (Command as unknown as { _transformer: { reply: Record<string, unknown> } })._transformer.reply["get"];
    }
  },
  "friendly error stacks": async ({ open }) => {
    const results = await open({ showFriendlyErrorStack: true }).pipeline().set("a", "x").incr("a").exec();
    const [error] = results?.[1] ?? [];
    return [error, String(error?.stack).includes("parity-batches.test.ts")];
  },
  "a tracer that follows each member": async ({ open }) => {
    const ends: unknown[] = [];
    const channels = tracingChannel("ioredis:command");
    const note = (message: object): void => {
      const { command, error } = message as { readonly command?: unknown; readonly error?: unknown };
      ends.push([command, error instanceof Error]);
    };
    const subscribers = { start: ignore, end: ignore, asyncStart: ignore, asyncEnd: note, error: ignore };
    const client = open();
    await client.ping();
    channels.subscribe(subscribers);
    try {
      const results = await client.pipeline().set("a", "x").incr("a").exec();
      await eventually(() => expect(ends.length).toBeGreaterThanOrEqual(IS_V6 ? 2 : 0));
      return [results, ends];
    } finally {
      channels.unsubscribe(subscribers);
    }
  },
  "a hundred commands issued before the connection": ({ open }) => {
    const pipeline = open().pipeline();
    for (let i = 0; i < 100; i++) pipeline.set(`k${String(i % 7)}`, i).get(`k${String((i + 3) % 7)}`);
    return pipeline.exec();
  },
  "binary values": ({ open }) =>
    pipelineOf(open(), [["set", "b", Buffer.from([0, 255])], "getBuffer b", ["set", "c", "é"], "getBuffer c"]).exec(),
  "two pipelines and single commands in one tick": ({ open }) => {
    const client = open();
    return Promise.all([
      client.pipeline().incr("n").incr("n").exec(),
      client.incr("n"),
      client.pipeline().incr("n").exec(),
      client.get("n"),
    ]);
  },
  "a pipeline used again": async ({ open }) => {
    const pipeline = open().pipeline().incr("n");
    return [await pipeline.exec(), await outcomeOf(() => pipeline.exec())];
  },
  "a key prefix": ({ open }) =>
    open({ keyPrefix: "p:" }).pipeline().mset("a", 1, "b", 2).mget("a", "b").keys("p:a").exec(),
  "an unknown method": ({ open }) =>
    outcomeOf(() =>
      open()
        .pipeline([["nosuchcommand", "a"]])
        .exec(),
    ),
};

const TRANSACTIONS: Readonly<Record<string, Act>> = {
  "a chain": ({ open }) => open().multi().set("a", 1).incr("a").get("a").exec(),
  "an error at run time": ({ open }) => open().multi().set("a", "x").incr("a").get("a").exec(),
  "an error at queueing": ({ open }) => outcomeOf(() => open().multi().set("a", 1).call("set", "a").get("a").exec()),
  "an array of commands": ({ open }) =>
    open()
      .multi([
        ["set", "a", "1"],
        ["get", "a"],
      ])
      .exec(),
  "discard in a chain": ({ open }) => outcomeOf(() => open().multi().set("a", 1).discard().exec()),
  "without a pipeline": async ({ open }) => {
    const client = open();
    await client.multi({ pipeline: false });
    return [await client.set("a", 1), await client.get("a"), await client.exec()];
  },
  "without a pipeline, discarded": async ({ open }) => {
    const client = open();
    await client.multi({ pipeline: false });
    return [await client.set("a", 1), await client.discard(), await client.get("a")];
  },
  "exec without multi": ({ open }) => outcomeOf(() => open().exec()),
  "a watch that holds": async ({ open }) => {
    const client = open();
    await client.watch("a");
    return client.multi().set("a", 1).exec();
  },
  "a watch that is broken": async ({ open }) => {
    const client = open();
    await client.watch("a");
    await open().set("a", "other");
    return client.multi().set("a", 1).exec();
  },
  "an unwatch": async ({ open }) => {
    const client = open();
    await client.watch("a");
    await open().set("a", "other");
    await client.unwatch();
    return client.multi().get("a").exec();
  },
  "buffers and hashes": ({ open }) =>
    open().multi().hset("h", "f", "v").hgetall("h").getBuffer("none").hgetallBuffer("h").exec(),
  "a callback for each command and exec": ({ open }) =>
    new Promise((resolve) => {
      const seen: unknown[] = [];
      void open()
        .multi()
        .set("a", 1, (...args) => seen.push(["set", ...args]))
        .get("a", (...args) => seen.push(["get", ...args]))
        .exec((...args) => resolve([...seen, ["exec", ...args]]));
    }),
  "a multi inside a pipeline": ({ open }) => {
    const pipeline = open().pipeline().set("a", 1);
    for (const step of ["multi", "incr a", "exec", "get a"]) invoke(pipeline, step);
    return pipeline.exec();
  },
  "a failing transaction's previousErrors": async ({ open }) => {
    const error: unknown = await open()
      .multi()
      .call("set", "a")
      .call("get")
      .exec()
      .catch((thrown: unknown) => thrown);
    return [error, (error as { readonly previousErrors?: unknown }).previousErrors];
  },
};

const AUTOMATIC: Readonly<Record<string, Act>> = {
  "replies and errors in one tick": ({ open }) => {
    const client = open({ enableAutoPipelining: true });
    const calls = [
      client.set("a", 1),
      client.incr("a"),
      outcomeOf(() => client.lpush("a", "x")),
      client.get("a"),
      client.getBuffer("a"),
    ];
    return Promise.all(calls);
  },
  "ignored commands": ({ open }) => {
    const client = open({ enableAutoPipelining: true, autoPipeliningIgnoredCommands: ["ping"] });
    return Promise.all([client.set("a", 1), client.ping()]);
  },
  callbacks: ({ open }) =>
    new Promise((resolve) => {
      const client = open({ enableAutoPipelining: true });
      const seen: unknown[] = [];
      void client.set("a", 1, (...args) => seen.push(args));
      void client.lpush("a", 1, (...args) => seen.push(args)).catch(() => undefined);
      void client.get("a", (...args) => resolve([...seen, args]));
    }),
};

const CALLBACKS: Readonly<Record<string, Act>> = {
  "a value": ({ open }) => new Promise((resolve) => void open().set("a", 1, (...args) => resolve(args))),
  "an error": ({ open }) =>
    new Promise((resolve) => {
      const client = open();
      void client.set("a", 1);
      void client.lpush("a", 1, (...args) => resolve(args)).catch(() => undefined);
    }),
  "call and send_command": ({ open }) =>
    new Promise((resolve) => {
      const client = open();
      void client.call("SET", "a", "1", (...first: unknown[]) => {
        invoke(client, ["send_command", "GET", ["a"], (...second: unknown[]) => resolve([first, second])]);
      });
    }),
  "an error without a promise being caught": ({ open }) =>
    new Promise((resolve) => {
      // A callback alone must do: the promise that is returned beside it is nobody's to handle.
      invoke(open(), ["lpush", "a", (error: unknown) => resolve(error)]);
    }),
};

for (const [title, table] of Object.entries({ PIPELINES, TRANSACTIONS, AUTOMATIC, CALLBACKS })) {
  describe(title.toLowerCase(), () => {
    it.each(Object.entries(table))("gives the same for %s", async (_name, act) => {
      expect(await expectParity(act)).toBeDefined();
    });
  });
}
