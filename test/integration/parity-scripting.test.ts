/** Lua: scripts that are defined, loaded, forgotten by the server, called in batches; and the scan streams. */
import { describe, expect, it } from "vitest";
import { expectParity, invoke, IS_V6, outcomeOf, useServers, type Client, type Side } from "./parity-harness.js";

useServers();

const ECHO = "return {KEYS[1], ARGV[1], #KEYS, #ARGV}";

function defined(side: Side, options: Parameters<Side["open"]>[0] = {}): Client {
  const client = side.open(options);
  client.defineCommand("echo2", { numberOfKeys: 1, lua: ECHO });
  client.defineCommand("anykeys", { lua: ECHO });
  client.defineCommand("failing", { numberOfKeys: 0, lua: "return redis.error_reply('MINE went wrong')" });
  client.defineCommand("broken", { numberOfKeys: 0, lua: "return redis.call('lpush', 'str', 1)" });
  return client;
}

const SCRIPTS: Readonly<Record<string, (side: Side) => unknown>> = {
  eval: ({ open }) => open().eval(ECHO, 1, "k", "a"),
  "eval with one array": ({ open }) => invoke(open(), ["eval", [ECHO, 1, "k", "a"]]),
  evalsha: async ({ open }) => {
    const client = open();
    const sha = (await client.script("LOAD", ECHO)) as string;
    return [sha, await client.evalsha(sha, 1, "k", "a"), await client.script("EXISTS", sha, "0".repeat(40))];
  },
  "evalsha of an unknown script": ({ open }) => outcomeOf(() => open().evalsha("0".repeat(40), 0)),
  "a script that does not compile": ({ open }) => outcomeOf(() => open().eval("return nonsense(", 0)),
  "a defined command": (side) => invoke(defined(side), ["echo2", "k", "a"]),
  "a defined command with an array": (side) => invoke(defined(side), ["echo2", ["k", "a"]]),
  "a defined command with the number of keys given": (side) => invoke(defined(side), ["anykeys", 1, "k", "a"]),
  "a defined command's buffer form": (side) => invoke(defined(side), ["echo2Buffer", "k", "a"]),
  "a defined command with a callback": (side) =>
    new Promise((resolve) => void invoke(defined(side), ["echo2", "k", "a", (...args: unknown[]) => resolve(args)])),
  "a defined command with a key prefix": (side) => invoke(defined(side, { keyPrefix: "p:" }), ["echo2", "k", "a"]),
  "an error that the script returns": (side) => outcomeOf(() => invoke(defined(side), ["failing"])),
  "an error inside the script": async (side) => {
    const client = defined(side);
    await client.set("str", "x");
    return outcomeOf(() => invoke(client, ["broken"]));
  },
  "the same command twice in one tick": (side) => {
    const client = defined(side);
    return Promise.all([invoke(client, ["echo2", "k", "1"]), invoke(client, ["echo2", "k", "2"])]);
  },
  "a script that the server has forgotten": async (side) => {
    const client = defined(side);
    await invoke(client, ["echo2", "k", "a"]);
    await side.server.call("SCRIPT", "FLUSH");
    return [await invoke(client, ["echo2", "k", "b"]), await invoke(client, ["echo2", "k", "c"])];
  },
  "defined commands in a pipeline": (side) => {
    const pipeline = defined(side).pipeline();
    invoke(pipeline, ["echo2", "k", "1"]);
    pipeline.set("str", "x");
    invoke(pipeline, ["broken"]);
    invoke(pipeline, ["echo2Buffer", "k", "2"]);
    return pipeline.exec();
  },
  "defined commands in a transaction": (side) => {
    const multi = defined(side).multi();
    invoke(multi, ["echo2", "k", "1"]);
    multi.set("a", 1);
    invoke(multi, ["anykeys", 1, "k", "2"]);
    return multi.exec();
  },
  "a pipeline after the server forgot its scripts": async (side) => {
    const client = defined(side);
    await invoke(client, ["echo2", "k", "a"]);
    await side.server.call("SCRIPT", "FLUSH");
    const pipeline = client.pipeline();
    invoke(pipeline, ["echo2", "k", "b"]);
    return pipeline.exec();
  },
  "defined commands with automatic pipelining": (side) => {
    const client = defined(side, { enableAutoPipelining: true });
    return Promise.all([invoke(client, ["echo2", "k", "1"]), client.set("a", 1), invoke(client, ["echo2", "k", "2"])]);
  },
  "the scripts option": ({ open }) =>
    invoke(open({ scripts: { twice: { numberOfKeys: 1, lua: "return redis.call('incrby', KEYS[1], 2)" } } }), [
      "twice",
      "n",
    ]),
  "scripts of a duplicate": ({ open, keep }) => {
    const client = open({ scripts: { twice: { numberOfKeys: 1, lua: "return redis.call('incrby', KEYS[1], 2)" } } });
    return invoke(keep(client.duplicate()), ["twice", "n"]);
  },
  "functions of the server": async ({ open }) => {
    const client = open();
    const library = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";
    await client.function("LOAD", "REPLACE", library);
    return [await client.fcall("answer", 0), await outcomeOf(() => client.fcall("nosuch", 0))];
  },
  "a double from the server": ({ open }) => open().eval("redis.setresp(3); return {double=1.5}", 0),
  "a set and a map from the server": ({ open }) =>
    open({ ...(IS_V6 ? { replyMapping: "resp3" } : {}) }).eval("redis.setresp(3); return {map={a=1}, double=2.25}", 0),
};

describe("scripts", () => {
  it.each(Object.entries(SCRIPTS))("gives the same for %s", async (_name, act) => {
    expect(await expectParity(act)).toBeDefined();
  });
});

const STREAMS: Readonly<Record<string, (client: Client) => AsyncIterable<unknown>>> = {
  scanStream: (client) => client.scanStream({ match: "k*", count: 5 }),
  scanBufferStream: (client) => client.scanBufferStream({ match: "k*" }),
  "scanStream by type": (client) => client.scanStream({ type: "hash" }),
  hscanStream: (client) => client.hscanStream("h", { count: 3 }),
  sscanStream: (client) => client.sscanStream("s"),
  zscanBufferStream: (client) => client.zscanBufferStream("z"),
};

describe("scan streams", () => {
  it.each(Object.entries(STREAMS))("yields the same items from %s", async (_name, stream) => {
    await expectParity(async ({ open }) => {
      const client = open();
      for (let i = 0; i < 30; i++) {
        const n = String(i);
        await Promise.all([
          client.set(`k${n}`, n),
          client.hset("h", n, n),
          client.sadd("s", n),
          client.zadd("z", i, n),
        ]);
      }
      const items: string[] = [];
      for await (const batch of stream(client)) items.push(...(batch as unknown[]).map(String));
      return items.sort();
    });
  });
});
