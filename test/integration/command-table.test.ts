/**
 * The contract of the command table: whatever ioredis 5.11, ioredis 6 and the server under test know has a row, and the row
 * agrees with what they say of the command. A command without a row counts as a script that may do anything.
 */
import { createRequire } from "node:module";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effectOf } from "../../src/command/effect.js";
import { COMMAND_TABLE } from "../../src/command/table.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

/** A command, or a subcommand, and the flags that the server gives it. */
interface Known {
  readonly flags: readonly string[];
  readonly subcommands?: Readonly<Record<string, Known>>;
}
type Commands = Readonly<Record<string, Known>>;

/** The commands of the `@ioredis/commands` that this package has. */
function commandsOf(ioredis: "ioredis" | "ioredis5"): Commands {
  const within = createRequire(createRequire(import.meta.url).resolve(ioredis));
  return within("@ioredis/commands/built/commands.json") as Commands;
}

type Info = [name: string, arity: number, flags: string[], ...rest: unknown[]];

/** The same shape, asked of a server. Servers before 7 know of no subcommands. */
async function commandsOfServer(server: RedisServer): Promise<Commands> {
  const redis = new Redis({ host: "127.0.0.1", port: server.port });
  try {
    return shaped((await redis.call("COMMAND")) as Info[]);
  } finally {
    redis.disconnect();
  }
}

function shaped(infos: readonly Info[]): Commands {
  const commands = infos.map(([name, , flags, , , , , , , subcommands = []]) => {
    // `config|get` as a subcommand of `config`.
    const word = name.slice(name.indexOf("|") + 1).toLowerCase();
    return [word, { flags, subcommands: shaped(subcommands as Info[]) }] as const;
  });
  return Object.fromEntries(commands);
}

let server: RedisServer;
/** `COMMAND LIST`, without the subcommands that some servers list too. */
let listed: readonly string[];
let ofServer: Commands;
beforeAll(async () => {
  server = await startRedis();
  ofServer = await commandsOfServer(server);
  const names = (await server.call("COMMAND", "LIST")) as string[];
  listed = names.filter((name) => !name.includes("|")).map((name) => name.toLowerCase());
});
afterAll(() => server.stop());

function withoutRow(names: readonly string[]): string[] {
  return names.filter((name) => !COMMAND_TABLE.has(name.toLowerCase()));
}

const SOURCES: readonly (readonly [name: string, commands: () => Commands])[] = [
  ["ioredis 5.11", () => commandsOf("ioredis5")],
  ["ioredis 6", () => commandsOf("ioredis")],
  ["the server under test", () => ofServer],
];

describe.each(SOURCES)("the command table and %s", (_name, commands) => {
  it("know the same commands", () => {
    const names = Object.keys(commands());
    expect(names.length).toBeGreaterThan(200);
    expect(withoutRow(names)).toEqual([]);
  });

  it("know the same subcommands", () => {
    for (const [name, { subcommands = {} }] of Object.entries(commands())) {
      for (const sub of Object.keys(subcommands)) {
        // The effect of an unlisted subcommand is one object for its container.
        expect(effectOf(name, [sub]), `${name} ${sub} is not listed`).not.toBe(effectOf(name, ["no-such-thing"]));
      }
    }
  });

  it("agree on what blocks", () => {
    // WAIT blocks, although servers before 7.2 do not say so.
    const known = Object.entries(commands()).filter(([name]) => name !== "wait");
    const flagged = known.filter(([, { flags }]) => flags.includes("blocking")).map(([name]) => name);
    const said = known.map(([name]) => name).filter((name) => COMMAND_TABLE.get(name)?.blocks !== undefined);
    expect(said.sort()).toEqual(flagged.sort());
    expect(COMMAND_TABLE.get("wait")?.blocks).toBeDefined();
  });

  it("agree on what needs a writable server, and on what changes nothing", () => {
    const check = (words: readonly string[], { flags, subcommands = {} }: Known): void => {
      const [name = "", ...args] = words;
      const { kind } = effectOf(name, args);
      if (flags.includes("write")) expect(kind, words.join(" ")).toBe("write");
      if (flags.includes("readonly")) expect(kind, words.join(" ")).toBe("read");
      for (const [sub, known] of Object.entries(subcommands)) check([...words, sub], known);
    };
    for (const [name, known] of Object.entries(commands())) check([name], known);
  });
});

describe("the command table and COMMAND LIST of the server under test", () => {
  it("know the same commands", () => {
    expect(listed.length).toBeGreaterThan(200);
    expect(withoutRow(listed)).toEqual([]);
    // `COMMAND`, which tells the flags, speaks of the same ones.
    expect(Object.keys(ofServer).sort()).toEqual([...listed].sort());
  });

  it("say which command starts a subscription, a transaction or another state of the connection", async () => {
    const rows: Readonly<Record<string, string>> = {
      ...{ watch: "watch", unwatch: "unwatch", multi: "multi", exec: "exec", discard: "discard", reset: "reset" },
      ...{ select: "select", auth: "login", hello: "login", quit: "quit", monitor: "mode", client: "client" },
      ...{ subscribe: "subscribe", psubscribe: "subscribe", ssubscribe: "subscribe" },
      ...{ unsubscribe: "unsubscribe", punsubscribe: "unsubscribe", sunsubscribe: "unsubscribe" },
    };
    for (const [name, session] of Object.entries(rows)) expect(COMMAND_TABLE.get(name)?.session, name).toBe(session);
    // What the server puts among the commands on connections changes one, but for these.
    const ofConnections = (await server.call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "connection")) as string[];
    const harmless = new Set(["ping", "echo", "command", "wait", "waitaof"]);
    const changing = ofConnections.filter((name) => !name.includes("|") && !harmless.has(name));
    expect(changing.length).toBeGreaterThan(5);
    expect(changing.filter((name) => COMMAND_TABLE.get(name)?.session === undefined)).toEqual([]);
    const ofMessages = (await server.call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "pubsub")) as string[];
    const listening = ofMessages.filter((name) => name.endsWith("subscribe"));
    expect(listening).toHaveLength(6);
    for (const name of listening) expect(COMMAND_TABLE.get(name)?.lane, name).toBe("first");
  });
});
