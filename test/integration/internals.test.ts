/**
 * The contract with ioredis's private parts, as `src/ioredis/internals.ts` declares them: plain ioredis is driven and
 * watched through its own hooks. A release that moves one of them fails here, by name, before anything breaks in a fault.
 */
import { Command, Pipeline, Redis as IORedis, type RedisOptions } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { CLOSED_MESSAGE, NOT_WRITABLE_MESSAGE } from "../../src/engine/client-errors.js";
import {
  base,
  internalsOf,
  overrideInternals,
  replyHandler,
  type BatchMember,
  type PipelineInternals,
  type RedisInternals,
  type ReplyHandler,
} from "../../src/ioredis/internals.js";
import { allowsQuickWrites, quickWrite } from "../../src/ioredis/quick-write.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** What ioredis called, in order; shared, because the constructor calls hooks before fields exist. */
let calls: { readonly hook: string; readonly args: readonly unknown[]; readonly status: string }[] = [];
const probes: Probe[] = [];

/** Clients of earlier tests, whose ends come late. */
const past = new WeakSet<IORedis>();

afterEach(() => {
  for (const probe of probes.splice(0)) {
    past.add(probe);
    probe.disconnect();
  }
  calls = [];
});

class Probe extends IORedis {
  override sendCommand(command: Command, stream?: never): unknown {
    note("sendCommand", this, command, stream);
    return super.sendCommand(command, stream);
  }
  override connect(): Promise<void> {
    note("connect", this);
    return super.connect();
  }
  override defineCommand(...args: Parameters<IORedis["defineCommand"]>): void {
    note("defineCommand", this, ...args);
    super.defineCommand(...args);
  }
}

function note(hook: string, probe: IORedis, ...args: unknown[]): void {
  if (!past.has(probe)) calls.push({ hook, args, status: probe.status });
}

const HOOKS = [
  "parseOptions",
  "setStatus",
  "resetOfflineQueue",
  "flushQueue",
  "recoverFromFatalError",
  "handleReconnection",
  "silentEmit",
  "_readyCheck",
] as const;

overrideInternals(
  Probe.prototype,
  Object.fromEntries(
    HOOKS.map((hook) => [
      hook,
      function (this: Probe, ...args: never[]) {
        note(hook, this, ...args);
        base[hook].apply(internalsOf(this), args);
      },
    ]),
  ),
);

function open(options: Omit<RedisOptions, "replyMapping"> = {}): Probe {
  const probe = new Probe({ host: "127.0.0.1", port: server.port, retryStrategy: () => 5, ...options });
  probe.on("error", () => undefined);
  probes.push(probe);
  return probe;
}

function hooksCalled(...hooks: string[]): string[] {
  return calls.filter(({ hook }) => hooks.includes(hook)).map(({ hook }) => hook);
}

/** Statuses in the order in which `setStatus` was told of them. */
function statuses(): unknown[] {
  return calls.filter(({ hook }) => hook === "setStatus").map(({ args }) => args[0]);
}

function sent(): Command[] {
  return calls.filter(({ hook }) => hook === "sendCommand").map(({ args }) => args[0] as Command);
}

describe("ioredis's constructor", () => {
  it("calls parseOptions before every other hook, then prepares queues, scripts and the connection", () => {
    open({ scripts: { twice: { lua: "return 2", numberOfKeys: 0 } } });
    const order = calls.map(({ hook }) => hook);
    expect(order[0]).toBe("parseOptions");
    expect(order.indexOf("resetOfflineQueue")).toBeGreaterThan(0);
    expect(order.indexOf("defineCommand")).toBeGreaterThan(order.indexOf("resetOfflineQueue"));
    expect(order.indexOf("connect")).toBeGreaterThan(order.indexOf("defineCommand"));
  });

  it("ends in status wait when it is lazy, without connecting", () => {
    open({ lazyConnect: true });
    expect(statuses()).toEqual(["wait"]);
    expect(hooksCalled("connect")).toEqual([]);
  });

  it("fills options from parseOptions' arguments and from defaultOptions", () => {
    const { options } = open({ lazyConnect: true, db: 3 });
    const { defaultOptions } = IORedis as unknown as { readonly defaultOptions: Record<string, unknown> };
    expect(options.db).toBe(3);
    expect(options.sentinelReconnectStrategy).toBe(defaultOptions["sentinelReconnectStrategy"]);
    expect(calls[0]?.args[0]).toMatchObject({ db: 3 });
    const scratch = Object.create(null) as RedisInternals;
    base.parseOptions.call(scratch, "redis://h:1/2");
    expect(scratch.options).toMatchObject({ host: "h", port: 1, db: 2 });
  });
});

describe("a connection of ioredis", () => {
  it("goes through its statuses in this order", async () => {
    const probe = open();
    await probe.ping();
    internalsOf(probe).stream?.destroy();
    await eventually(() => expect(statuses().filter((status) => status === "ready")).toHaveLength(2));
    probe.disconnect();
    await eventually(() => expect(probe.status).toBe("end"));
    const life = ["connecting", "connect", "ready", "close"];
    expect(statuses()).toEqual([...life, "reconnecting", ...life, "end"]);
  });

  it("shakes hands at status connect, with commands known here and no batch, and then checks that it is ready", async () => {
    const probe = open({ db: 2, password: "", connectionName: "probe" });
    await probe.ping();
    const early = calls.filter(({ hook, status }) => hook === "sendCommand" && status === "connect");
    const names = early.map(({ args }) => (args[0] as Command).name);
    expect(names).toContain("select");
    const known = ["auth", "hello", "select", "client", "readonly", "himport", "info"];
    for (const name of names) expect(known).toContain(name);
    expect(early.every(({ args }) => args[1] === undefined)).toBe(true);
    expect(hooksCalled("_readyCheck")).toHaveLength(1);
  });

  it("takes its socket from connector.connect, once for each connection", async () => {
    const probe = open({ lazyConnect: true });
    const { connector } = internalsOf(probe);
    const connect = connector.connect.bind(connector);
    const sockets: unknown[] = [];
    connector.connect = async (emit) => {
      const socket = await connect(emit);
      expect([typeof socket.write, typeof socket.end, typeof socket.destroy]).toEqual(Array(3).fill("function"));
      sockets.push(socket);
      return socket;
    };
    await probe.connect();
    expect(internalsOf(probe).stream).toBe(sockets[0]);
    internalsOf(probe).stream?.destroy();
    await eventually(() => expect(statuses().filter((status) => status === "ready")).toHaveLength(2));
    expect(sockets).toHaveLength(2);
  });

  it("reads before any listener that was there: the parser prepends itself", async () => {
    const probe = open({ lazyConnect: true });
    const { connector } = internalsOf(probe);
    const connect = connector.connect.bind(connector);
    const order: string[] = [];
    connector.connect = async (emit) => {
      const socket = await connect(emit);
      socket.on("data", () => order.push("listener"));
      return socket;
    };
    await probe.connect();
    order.length = 0;
    const command = new Command("ping");
    const { resolve } = command;
    command.resolve = (value) => {
      order.push("reply");
      resolve(value);
    };
    probe.sendCommand(command);
    await command.promise;
    expect(order).toEqual(["reply", "listener"]);
  });

  it("still holds what is unanswered when it sets status close, and gives it up afterwards", async () => {
    const probe = open({ autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 });
    await probe.ping();
    const pending = probe.blpop("never", 0).catch((error: unknown) => error);
    const held: unknown[] = [];
    const { setStatus } = Probe.prototype as unknown as RedisInternals;
    internalsOf(probe).setStatus = function (this: RedisInternals, status, arg) {
      if (status === "close") held.push(...this.commandQueue.toArray().map(({ command }) => command.name));
      setStatus.call(this, status, arg);
    };
    internalsOf(probe).stream?.destroy();
    await pending;
    expect(held).toEqual(["blpop"]);
  });

  it("asks options.retryStrategy and passes the delay on with status reconnecting", async () => {
    const times: number[] = [];
    const probe = open({ retryStrategy: (n) => (times.push(n), 7) });
    await probe.ping();
    internalsOf(probe).stream?.destroy();
    await eventually(() => expect(statuses()).toContain("reconnecting"));
    expect(times).toEqual([1]);
    expect(calls.find(({ args }) => args[0] === "reconnecting")?.args[1]).toBe(7);
    expect(internalsOf(probe)).toMatchObject({ retryAttempts: 1, manuallyClosing: false });
  });

  it("marks a deliberate end, and flushes with its well-known text", async () => {
    const probe = open();
    await probe.ping();
    probe.disconnect();
    expect(internalsOf(probe).manuallyClosing).toBe(true);
    await eventually(() => expect(probe.status).toBe("end"));
    const flush = calls.find(({ hook }) => hook === "flushQueue");
    expect((flush?.args[0] as Error).message).toBe(CLOSED_MESSAGE);
    await expect(probe.get("a")).rejects.toThrow(CLOSED_MESSAGE);
  });

  it("flushes with an error of this name when maxRetriesPerRequest is reached", async () => {
    const probe = open({ port: 1, maxRetriesPerRequest: 1, retryStrategy: () => 1 });
    await expect(probe.get("a")).rejects.toMatchObject({ name: "MaxRetriesPerRequestError" });
    expect(calls.find(({ hook }) => hook === "flushQueue")?.args[0]).toMatchObject({
      name: "MaxRetriesPerRequestError",
    });
  });

  it("treats a failed ready check as fatal, and one without facts as passed", async () => {
    const probe = open({ lazyConnect: true });
    let checks = 0;
    Object.assign(probe, {
      _readyCheck(callback: (error: Error | null, info?: object) => void) {
        if (checks++ === 0) callback(new Error("not yet"));
        else callback(null, {});
      },
    });
    await probe.connect().catch(() => undefined);
    await eventually(() => expect(probe.status).toBe("ready"));
    const fatal = calls.find(({ hook }) => hook === "recoverFromFatalError");
    expect((fatal?.args[1] as Error).message).toBe("not yet");
    expect(hooksCalled("silentEmit").length).toBeGreaterThan(0);
  });

  it("hears of each error reply before its command does, and reconnects by its own `disconnect` if it is told to", async () => {
    const probe = open({ reconnectOnError: (error) => error.message.includes("unknown command") });
    const reconnects: unknown[] = [];
    const { disconnect } = probe;
    probe.disconnect = (reconnect) => {
      reconnects.push(reconnect);
      disconnect.call(probe, reconnect);
    };
    await expect(probe.call("nonsense")).rejects.toThrow("unknown command");
    const heard = calls.filter(({ hook }) => hook === "handleReconnection").at(-1);
    expect((heard?.args[0] as Error).message).toContain("unknown command");
    expect((heard?.args[1] as { command: Command }).command.name).toBe("nonsense");
    expect(reconnects).toEqual([true]);
  });

  it("restores the database at status ready, before anything that was queued", async () => {
    const probe = open();
    await probe.select(5);
    expect(internalsOf(probe).condition?.select).toBe(5);
    calls = [];
    internalsOf(probe).stream?.destroy();
    await expect(probe.get("a")).resolves.toBeNull();
    const restored = calls.filter(({ hook, status }) => hook === "sendCommand" && status === "ready");
    const names = restored.map(({ args }) => (args[0] as Command).name);
    // The first is the caller's own call, which found a dead socket.
    expect(names).toEqual(["get", "select", "get"]);
  });
});

describe("ioredis's queues", () => {
  it("keep written commands in a deque with these methods and this shape of item", async () => {
    const probe = open();
    await probe.ping();
    const replies = [probe.get("a"), probe.get("b"), probe.get("c")];
    const { commandQueue } = internalsOf(probe);
    for (const method of ["push", "shift", "peekAt", "remove", "clear", "toArray"] as const) {
      expect(typeof commandQueue[method]).toBe("function");
    }
    expect(commandQueue.length).toBe(3);
    expect(commandQueue.toArray().map(({ command, select }) => [command.args, select])).toEqual([
      [["a"], 0],
      [["b"], 0],
      [["c"], 0],
    ]);
    expect(commandQueue.peekAt(1)?.command.args).toEqual(["b"]);
    await Promise.all(replies);
    expect(internalsOf(probe).commandQueue.length).toBe(0);
  });

  it("push what cannot be written onto offlineQueue, also at status ready on a dead socket", async () => {
    const probe = open();
    await probe.ping();
    const pushed: string[] = [];
    internalsOf(probe).offlineQueue.push = ({ command }) => pushed.push(command.name);
    internalsOf(probe).stream?.destroy();
    expect(probe.status).toBe("ready");
    void probe.get("a");
    expect(pushed).toEqual(["get"]);
    expect(internalsOf(probe).commandQueue.length).toBe(0);
  });

  it("refuse with their well-known text when they may not queue", async () => {
    const probe = open({ enableOfflineQueue: false });
    await expect(probe.get("a")).rejects.toThrow(NOT_WRITABLE_MESSAGE);
  });
});

describe("ioredis's Command", () => {
  it("has its own promise, resolve and reject, and flat arguments; replacing them redirects the reply", async () => {
    const command = new Command("set", ["k", ["v", "NX"]]);
    for (const own of ["promise", "resolve", "reject", "args", "name"]) expect(Object.hasOwn(command, own)).toBe(true);
    expect(command.args).toEqual(["k", "v", "NX"]);
    const probe = open();
    const ping = new Command("ping");
    const replies: unknown[] = [];
    const { resolve } = ping;
    ping.resolve = (value) => {
      replies.push(String(value));
      resolve(value);
    };
    probe.sendCommand(ping);
    await ping.promise;
    expect(replies).toEqual(["PONG"]);
  });

  it("gets error replies through reject, with the command's name on the error", async () => {
    const probe = open();
    const command = new Command("set", ["k"]);
    const rejected: Error[] = [];
    const { reject } = command;
    command.reject = (error) => {
      rejected.push(error);
      reject(error);
    };
    probe.sendCommand(command);
    await expect(command.promise).rejects.toMatchObject({ name: "ReplyError", command: { name: "set", args: ["k"] } });
    expect(rejected).toHaveLength(1);
  });

  it("knows its scripts by hash once they are defined", () => {
    const probe = open({ lazyConnect: true });
    probe.defineCommand("mine", { lua: "return 1", numberOfKeys: 0 });
    expect(internalsOf(probe).scriptsSet["mine"]?.sha).toMatch(/^[0-9a-f]{40}$/);
  });
});

describe("ioredis's pipelines and reconnects", () => {
  it("hand over all members in one turn, with one stream object that is theirs alone", async () => {
    const probe = open();
    await probe.ping();
    calls = [];
    const first = probe.pipeline().set("a", 1).get("a").exec();
    const handed = calls.filter(({ hook }) => hook === "sendCommand").map(({ args }) => args[1] as object);
    expect(handed).toHaveLength(2);
    expect(handed[0]).toBeTypeOf("object");
    expect(handed[0]).toBe(handed[1]);
    expect(handed[0]).toMatchObject({ isPipeline: true });
    void probe.multi().set("a", 1).exec();
    expect(sent().map(({ name }) => name)).toEqual(["set", "get", "multi", "set", "exec"]);
    expect(calls.at(-1)?.args[1]).not.toBe(handed[0]);
    await first;
  });

  it("collect their members, and end when each has handed in its outcome", async () => {
    const pipeline = open().multi();
    expect(pipeline).toBeInstanceOf(Pipeline);
    const internals = pipeline as unknown as PipelineInternals & { readonly promise: Promise<unknown> };
    const own = new Command("get", ["a"]) as unknown as BatchMember;
    expect(internals).toMatchObject({ _transactions: 1, _queue: [{ name: "multi", inTransaction: true }] });
    expect(Object.hasOwn(pipeline, "sendCommand")).toBe(false);
    expect(internals.sendCommand(own)).toBe(pipeline);
    expect(internals._queue[1]).toBe(own);
    expect(own).toMatchObject({ inTransaction: true, pipelineIndex: 1, isResolved: false });
    expect(own.transformReply(Buffer.from("v"))).toEqual(Buffer.from("v"));
    expect(Object.hasOwn(own, "callback")).toBe(true);
    expect(Object.hasOwn(own, "errorStack")).toBe(true);
    void pipeline.exec().catch(() => undefined);
    for (const [at, outcome] of [
      [null, "OK"],
      [null, "QUEUED"],
      [null, [1]],
    ].entries()) {
      internals.fillResult(outcome, at);
    }
    await expect(internals.promise).resolves.toHaveLength(3);
  });

  it("send a command again through sendCommand when reconnectOnError says 2", async () => {
    const probe = open({ reconnectOnError: () => 2 });
    await probe.set("s", "x");
    const pending = probe.call("LPUSH", "s", "y");
    await eventually(() => expect(sent().filter(({ name }) => name === "LPUSH")).toHaveLength(2));
    const [command, again] = sent().filter(({ name }) => name === "LPUSH");
    expect(again).toBe(command);
    expect(await probe.del("s").catch(() => 0)).toBe(1);
    await pending;
  });

  it("replace sendCommand on a monitoring client itself, and take it away again", async () => {
    const probe = open();
    await probe.ping();
    const monitor = await probe.monitor();
    expect(Object.hasOwn(monitor, "sendCommand")).toBe(true);
    expect(monitor.status).toBe("monitoring");
    const ended = new Promise((resolve) => monitor.once("end", resolve));
    monitor.disconnect();
    await ended;
    expect(Object.hasOwn(monitor, "sendCommand")).toBe(false);
  });
});

describe("a handler of replies", () => {
  function handlers(): ReplyHandler {
    if (replyHandler === undefined) throw new Error("ioredis keeps its handler of replies elsewhere");
    return replyHandler;
  }

  /** The handler of this client's connection. */
  async function handlerOf(probe: Probe): Promise<ReplyHandler> {
    const shift = vi.spyOn(handlers(), "shiftCommand");
    await probe.ping();
    const handler = (shift.mock.contexts as ReplyHandler[]).find(({ redis }) => redis === internalsOf(probe));
    shift.mockRestore();
    if (handler === undefined) throw new Error("no reply came through it");
    return handler;
  }

  it("takes the oldest entry of its client's queue for a reply", async () => {
    const probe = open();
    await probe.ping();
    const shift = vi.spyOn(handlers(), "shiftCommand");
    const [oldest, next] = [new Command("ping"), new Command("ping")];
    await Promise.all([probe.sendCommand(oldest), probe.sendCommand(next)]);
    expect(shift.mock.results.map(({ value }) => (value as { command: Command }).command)).toEqual([oldest, next]);
    shift.mockRestore();
  });

  it("has a method for each kind of reply, which the client's own may replace", async () => {
    const probe = open();
    const handler = await handlerOf(probe);
    for (const name of ["returnReply", "returnError", "returnFatalError"] as const) {
      expect(Object.hasOwn(handler, name)).toBe(false);
      handler[name] = vi.fn();
    }
    const { stream } = internalsOf(probe);
    stream?.emit("data", Buffer.from("+PONG\r\n"));
    expect(handler.returnReply).toHaveBeenCalledTimes(1);
    stream?.emit("data", Buffer.from("-ERR no\r\n"));
    expect(handler.returnError).toHaveBeenCalledTimes(1);
    stream?.emit("data", Buffer.from("?no RESP at all\r\n"));
    expect(handler.returnFatalError).toHaveBeenCalledTimes(1);
  });

  it("has one for pushes too, where ioredis speaks RESP3", async () => {
    const probe = open();
    const handler = await handlerOf(probe);
    expect(handler.returnPush !== undefined).toBe(internalsOf(probe).condition?.protocol !== undefined);
    if (handler.returnPush === undefined) return;
    handler.returnPush = vi.fn();
    internalsOf(probe).stream?.emit("data", Buffer.from(">1\r\n+news\r\n"));
    expect(handler.returnPush).toHaveBeenCalledTimes(1);
  });

  it("reports a reply that nothing asked for, and has no entry for it", async () => {
    const probe = open();
    const handler = await handlerOf(probe);
    const errors: unknown[] = [];
    probe.on("error", (error) => errors.push(error));
    expect(handler.shiftCommand("unasked")).toBeNull();
    expect(errors).toHaveLength(1);
  });
});

describe("a quick write", () => {
  const COMMANDS: Readonly<Record<string, () => Command>> = {
    "text arguments": () => new Command("set", ["k", "ключ", "EX", 10]),
    "a buffer": () => new Command("set", ["k", Buffer.from([0, 255, 13, 10])]),
    "no arguments": () => new Command("ping"),
    "a buffer reply": () => new Command("get", ["k"], { replyEncoding: null }),
  };

  it.each(Object.entries(COMMANDS))("does with %s what ioredis does", async (_name, make) => {
    const probe = open();
    await probe.set("k", "v");
    const internals = internalsOf(probe);
    const { stream } = internals;
    if (stream === undefined) throw new Error("not connected");
    const written: unknown[][] = [];
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => {
      written.push(args);
      return write(...args);
    };
    const look = async (send: (command: Command) => unknown): Promise<unknown> => {
      const command = make();
      written.length = 0;
      send(command);
      const item = internals.commandQueue.peekAt(internals.commandQueue.length - 1);
      expect(item?.command).toBe(command);
      const bytes = written.map((args) => args.map(String));
      const queued = { select: item?.select, stream: item?.stream, traced: command.isTraced };
      const reply: unknown = await command.promise;
      return { bytes, queued, reply };
    };
    const theirs = await look((command) => IORedis.prototype.sendCommand.call(probe, command));
    const ours = await look((command) => expect(quickWrite(internals, command, undefined)).toBeGreaterThan(0));
    expect(ours).toEqual(theirs);
    expect(written.length).toBeGreaterThan(0);
  });

  it("carries a pipeline as ioredis does", async () => {
    const probe = open();
    await probe.ping();
    probe.sendCommand = ((command: Command, stream?: object) => {
      expect(quickWrite(internalsOf(probe), command, stream)).toBeGreaterThan(0);
      return command.promise;
    }) as typeof probe.sendCommand;
    await expect(probe.pipeline().set("a", 1).get("a").exec()).resolves.toEqual([
      [null, "OK"],
      [null, "1"],
    ]);
  });

  it("leaves to ioredis what is not ready, subscribed, or on a dead socket", async () => {
    const waiting = open({ lazyConnect: true });
    expect(quickWrite(internalsOf(waiting), new Command("ping"), undefined)).toBe(0);
    const subscribed = open();
    await subscribed.subscribe("a");
    expect(quickWrite(internalsOf(subscribed), new Command("ping"), undefined)).toBe(0);
    const dead = open();
    await dead.ping();
    internalsOf(dead).stream?.destroy();
    expect(quickWrite(internalsOf(dead), new Command("ping"), undefined)).toBe(0);
    expect(allowsQuickWrites(internalsOf(dead))).toBe(true);
    expect(allowsQuickWrites(internalsOf(open({ lazyConnect: true, socketTimeout: 10 })))).toBe(false);
  });
});
