/** A client's life: its statuses and events in order, how it ends, its copies, its databases and what it looks like. */
import { describe, expect, it } from "vitest";
import { internalsOf } from "../../src/ioredis/internals.js";
import { freePort } from "../helpers/free-port.js";
import {
  eventually,
  expectParity,
  invoke,
  next,
  Ours,
  outcomeOf,
  Plain,
  record,
  useServers,
  type Client,
  type Side,
} from "./parity-harness.js";

useServers();

const EVENTS = [
  "wait",
  "connecting",
  "connect",
  "ready",
  "close",
  "reconnecting",
  "end",
  "select",
  "error",
  "monitoring",
];

type Act = (side: Side) => unknown;

const LIVES: Readonly<Record<string, Act>> = {
  "connect and quit": async ({ open }) => {
    const client = open();
    const seen = record(client, EVENTS);
    const before = client.status;
    await client.ping();
    const reply = await client.quit();
    if (client.status !== "end") await next(client, "end");
    return [before, reply, seen];
  },
  "connect and disconnect": async ({ open }) => {
    const client = open();
    const seen = record(client, EVENTS);
    await next(client, "ready");
    client.disconnect();
    await next(client, "end");
    return seen;
  },
  "lazyConnect until the first command": async ({ open }) => {
    const client = open({ lazyConnect: true });
    const seen = record(client, EVENTS);
    const before = client.status;
    return [before, await client.ping(), client.status, seen];
  },
  "lazyConnect and connect": async ({ open }) => {
    const client = open({ lazyConnect: true });
    const seen = record(client, EVENTS);
    await client.connect();
    return [client.status, await outcomeOf(() => client.connect()), seen];
  },
  "connect with a callback": ({ open }) =>
    new Promise((resolve) => {
      const client = open({ lazyConnect: true });
      invoke(client, ["connect", (...args: unknown[]) => resolve([client.status, args])]);
    }),
  "disconnect before connecting": async ({ open }) => {
    const client = open({ lazyConnect: true });
    const ended = next(client, "end");
    client.disconnect();
    await ended;
    return [client.status, await outcomeOf(() => client.get("a"))];
  },
  "quit before connecting": ({ open }) => outcomeOf(() => open().quit()),
  "quit of a lazy client": ({ open }) => outcomeOf(() => open({ lazyConnect: true }).quit()),
  "commands after quit": async ({ open }) => {
    const client = open();
    await client.quit();
    if (client.status !== "end") await next(client, "end");
    return [await outcomeOf(() => client.get("a")), await outcomeOf(() => client.pipeline().get("a").exec())];
  },
  "quit again before the end": async ({ open }) => {
    const client = open();
    await client.quit();
    return [await outcomeOf(() => client.quit()), await next(client, "end"), await outcomeOf(() => client.quit())];
  },
  "quit after disconnect": async ({ open }) => {
    const client = open();
    await client.ping();
    client.disconnect();
    return outcomeOf(() => client.quit());
  },
  "a callback that is no function": async ({ open }) => {
    const client = open({ lazyConnect: true });
    // What comes of `.then(client.connect.bind(client))`.
    await invoke(client, ["connect", "OK"]);
    const monitor = (await invoke(client, ["monitor", "OK"])) as Client;
    monitor.disconnect();
    return client.status;
  },
  "how many commands wait": async ({ open }) => {
    const client = open();
    const { commandQueue, offlineQueue } = internalsOf(client);
    const replies = [client.set("a", 1), client.get("a")];
    const before = [offlineQueue.length, commandQueue.length];
    await Promise.all(replies);
    const pending = client.get("a");
    const after = [internalsOf(client).offlineQueue.length, internalsOf(client).commandQueue.length];
    return [before, after, await pending];
  },
  "a second life": async ({ open }) => {
    const client = open();
    await client.set("a", 1);
    client.disconnect();
    await next(client, "end");
    const seen = record(client, EVENTS);
    await client.connect();
    return [await client.get("a"), seen];
  },
  "a lost connection": async ({ open }) => {
    const client = open({ retryStrategy: () => 5 });
    await client.ping();
    const seen = record(client, EVENTS);
    const back = next(client, "ready");
    client.stream.destroy();
    await back;
    return [await client.ping(), seen];
  },
  "a connection that the server kills": async (side) => {
    const client = side.open({ retryStrategy: () => 5 });
    await client.ping();
    const seen = record(client, EVENTS);
    const back = next(client, "ready");
    await side.server.call("CLIENT", "KILL", "TYPE", "normal");
    await back;
    return [await client.ping(), seen];
  },
  "disconnect with a reconnect": async ({ open }) => {
    const client = open({ retryStrategy: () => 5 });
    await client.ping();
    const seen = record(client, EVENTS);
    const back = next(client, "ready");
    client.disconnect(true);
    await back;
    return seen;
  },
  "a strategy that gives up": async ({ open }) => {
    const client = open({ retryStrategy: () => null });
    await client.ping();
    const seen = record(client, EVENTS);
    const ended = next(client, "end");
    client.stream.destroy();
    await ended;
    return [await outcomeOf(() => client.get("a")), seen];
  },
  "what a strategy is given": async ({ open }) => {
    const port = await freePort();
    const times: number[] = [];
    const client = open({
      port,
      retryStrategy: (n) => {
        times.push(n);
        return n < 4 ? 1 : null;
      },
    });
    await next(client, "end");
    return times;
  },
  "connect to nobody": async ({ open }) => {
    const client = open({ port: 1, lazyConnect: true, retryStrategy: () => null });
    const seen = record(client, EVENTS);
    return [await outcomeOf(() => client.connect()), seen];
  },
  "an unreachable server without waiting": async ({ open }) => {
    const client = open({ enableOfflineQueue: false });
    const refused = (await outcomeOf(() => client.get("a"))) as { readonly rejected: { readonly message: string } };
    await next(client, "ready");
    return [refused.rejected.message, await client.get("a")];
  },
};

const COPIES: Readonly<Record<string, Act>> = {
  duplicate: async ({ open, keep }) => {
    const client = open({ db: 2, keyPrefix: "p:", connectionName: "one" });
    await client.set("a", 1);
    const copy = keep(client.duplicate());
    return [await copy.get("a"), copy.options.db, copy.options.keyPrefix, await copy.client("GETNAME")];
  },
  "duplicate with other options": async ({ open, keep }) => {
    const client = open({ db: 2, keyPrefix: "p:" });
    await client.set("a", 1);
    const copy = keep(client.duplicate({ keyPrefix: "", lazyConnect: true }));
    return [copy.status, await copy.get("p:a"), copy.options.lazyConnect];
  },
  createClient: async ({ Class, server, keep }) => {
    const client = keep(invoke(Class, ["createClient", { host: "127.0.0.1", port: server.port, db: 1 }]) as Client);
    return [await client.set("a", 1), client.options.db];
  },
  "a URL": async ({ Class, server, keep }) => {
    const client = keep(new Class(`redis://127.0.0.1:${String(server.port)}/4?keyPrefix=u:&connectionName=named`));
    return [await client.set("a", 1), client.options.db, client.options.keyPrefix, await client.client("GETNAME")];
  },
  "a socket path": ({ Class, server, keep }) => keep(new Class(server.path)).set("a", 1),
  "port, host and options": ({ Class, server, keep }) =>
    keep(new Class(server.port, "127.0.0.1", { db: 5 }))
      .client("INFO")
      .then(String)
      .then((info) => /db=5/.test(info)),
};

const DATABASES: Readonly<Record<string, Act>> = {
  "select and its event": async ({ open }) => {
    const client = open();
    await client.ping();
    const seen = record(client, ["select"]);
    return [await client.select(2), await client.set("a", 2), await client.select("2"), await client.select(0), seen];
  },
  "select in one tick with others": async ({ open }) => {
    const client = open();
    return Promise.all([client.set("a", 0), client.select(3), client.set("a", 3), client.select(0), client.get("a")]);
  },
  "select across a lost connection": async ({ open }) => {
    const client = open({ retryStrategy: () => 5 });
    await client.select(4);
    await client.set("a", 4);
    const back = next(client, "ready");
    client.stream.destroy();
    const reply = client.get("a");
    await back;
    return [await reply, client.status];
  },
  "select in a pipeline": ({ open }) => open().pipeline().select(2).set("a", 1).select(0).get("a").exec(),
  "a database that does not exist": ({ open }) => outcomeOf(() => open().select(9999)),
};

for (const [title, table] of Object.entries({ LIVES, COPIES, DATABASES })) {
  describe(title.toLowerCase(), () => {
    it.each(Object.entries(table))("are the same for %s", async (_name, act) => {
      expect(await expectParity(act)).toBeDefined();
    });
  });
}

describe("monitor", () => {
  it("shows the commands of others as ioredis does, on a client of this class", async () => {
    await expectParity(async (side) => {
      const watched = side.open();
      await watched.ping();
      const monitor = side.keep(await watched.monitor());
      expect(monitor).toBeInstanceOf(side.Class);
      const seen: unknown[] = [];
      monitor.on("monitor", (_time: string, args: string[]) => seen.push(args));
      await watched.set("a", 1);
      await eventually(() => expect(seen.length).toBeGreaterThan(0));
      return [seen, monitor.status, await outcomeOf(() => monitor.get("a"))];
    });
  });
});

describe("the object", () => {
  it("is an ioredis Redis whose duplicates are of this class", async () => {
    await expectParity(({ open, Class, keep }) => {
      const client = open({ lazyConnect: true });
      const copy = keep(client.duplicate());
      return [
        client instanceof Plain,
        client instanceof Class,
        copy instanceof Class,
        client.isCluster,
        "then" in client,
      ];
    });
    expect(Ours.prototype).toBeInstanceOf(Plain);
  });

  it("has every method of ioredis's prototype", () => {
    const missing = Object.getOwnPropertyNames(Plain.prototype).filter((name) => !(name in (Ours.prototype as Client)));
    expect(missing).toEqual([]);
  });

  it("shows the same options, but for those that this package took over", async () => {
    const OURS = new Set(["port", "resilience", "keepAlive"]);
    await expectParity(({ open }) => {
      const { options } = open({ lazyConnect: true, keyPrefix: "p:", maxRetriesPerRequest: null, db: 1 });
      return Object.fromEntries(
        Object.entries(options)
          .filter(([key]) => !OURS.has(key))
          .map(([key, value]) => [key, typeof value === "function" ? "function" : value] as const),
      );
    });
  });
});

describe("socketTimeout", () => {
  it("of a closed connection does not reach the next one", async () => {
    await expectParity(async (side) => {
      if (!side.isOurs) return "cleared";
      const client = side.open({ socketTimeout: 60_000, retryStrategy: () => 5 });
      await client.ping();
      const pending = outcomeOf(() => client.get("a"));
      expect(internalsOf(client).socketTimeoutTimer).toBeDefined();
      const closed = next(client, "close");
      client.stream.destroy();
      await closed;
      const left = internalsOf(client).socketTimeoutTimer;
      client.disconnect();
      await pending;
      return left === undefined ? "cleared" : "running";
    });
  });
});
