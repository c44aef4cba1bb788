/** Real replies to wrong commands, and local errors of ioredis, opossum and Node. */
import { readFileSync } from "node:fs";
import CircuitBreaker from "opossum";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { expectDiagnosis, failureOf, plainRedis } from "./diagnosis-harness.js";

const CALLER = { applied: "no", retryable: false, breaker: "none" } as const;
const MAYBE = { ...CALLER, applied: "maybe" } as const;

let server: RedisServer;
let redis: ReturnType<typeof plainRedis>;

beforeAll(async () => {
  server = await startRedis();
  redis = plainRedis({ port: server.port });
  await redis.set("text", "abc");
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

describe("diagnosis of usage", () => {
  it("WRONG_TYPE: a list command on a string", async () => {
    const { title } = expectDiagnosis(
      await failureOf(redis.lpush("text", "x")),
      { command: "lpush" },
      "WRONG_TYPE",
      CALLER,
    );
    expect(title).toBe("LPUSH does not fit the type of the value at this key.");
  });

  it("WRONG_TYPE: inside a script that had already written", async () => {
    const script = "redis.call('incr', 'count') return redis.call('lpush', 'text', 'x')";
    expectDiagnosis(await failureOf(redis.eval(script, 0)), {}, "WRONG_TYPE", MAYBE);
    expect(await redis.get("count")).toBe("1");
  });

  it("SYNTAX: wrong and missing arguments", async () => {
    for (const args of [["set", "k", "v", "NONSENSE"], ["get"], ["set", "k", "v", "EX", "-1"]]) {
      expectDiagnosis(await failureOf(redis.call(args[0] ?? "", ...args.slice(1))), {}, "SYNTAX", CALLER);
    }
  });

  it("ARGUMENT_INVALID: an object without a prototype", async () => {
    const error = await failureOf(
      new Redis({ lazyConnect: true, resilience: { logger: false } }).get(Object.create(null) as never),
    );
    expectDiagnosis(error, {}, "ARGUMENT_INVALID", CALLER);
  });

  it("UNKNOWN_COMMAND: whose arguments the server repeats, and the diagnosis does not", async () => {
    const error = await failureOf(redis.call("nonsense", "CANARYs3cr3t"));
    expect(String(error)).toContain("CANARYs3cr3t");
    const diagnosis = expectDiagnosis(error, {}, "UNKNOWN_COMMAND", CALLER);
    expect(JSON.stringify(diagnosis)).not.toContain("CANARYs3cr3t");
    expectDiagnosis(await failureOf(redis.call("client", "nonsense")), {}, "UNKNOWN_COMMAND", CALLER);
  });

  it("NOT_A_NUMBER: counting text, and beyond 64 bits", async () => {
    expectDiagnosis(await failureOf(redis.incr("text")), {}, "NOT_A_NUMBER", CALLER);
    expectDiagnosis(await failureOf(redis.incrbyfloat("text", 1)), {}, "NOT_A_NUMBER", CALLER);
    await redis.set("big", "9223372036854775807");
    expectDiagnosis(await failureOf(redis.incr("big")), {}, "NOT_A_NUMBER", CALLER);
    await redis.hset("hash", "f", "x");
    expectDiagnosis(await failureOf(redis.hincrby("hash", "f", 1)), {}, "NOT_A_NUMBER", CALLER);
  });

  it("NO_SCRIPT: a digest the server does not know", async () => {
    expectDiagnosis(await failureOf(redis.evalsha("0".repeat(40), 0)), { script: true }, "NO_SCRIPT", CALLER);
  });

  it("SCRIPT_FAILED: at run time after a write, and when it does not compile", async () => {
    const running = await failureOf(redis.eval("redis.call('incr', 'ran') return nothing.here", 0));
    expectDiagnosis(running, {}, "SCRIPT_FAILED", MAYBE);
    expect(await redis.get("ran")).toBe("1");
    expectDiagnosis(await failureOf(redis.eval("this is not lua", 0)), { script: true }, "SCRIPT_FAILED", CALLER);
  });

  it("EXEC_ABORTED: a transaction with a command that was refused", async () => {
    const error = await failureOf(redis.multi().set("k", "v").call("nonsense", "secret").exec());
    const { why } = expectDiagnosis(error, {}, "EXEC_ABORTED", CALLER);
    expect(why[0]).toBe("Caused by: ERR unknown command 'nonsense'.");
    expectDiagnosis(await failureOf(redis.call("exec")), {}, "EXEC_ABORTED", CALLER);
  });

  it("EXEC_ABORTED: because of the state of the server, which is then the diagnosis", async () => {
    const holder = plainRedis({ port: server.port });
    const exec = async (change: readonly [string, string]): Promise<unknown> => {
      await holder.call("MULTI");
      await holder.call("SET", "k", "v");
      await redis.config("SET", ...change);
      return failureOf(holder.call("EXEC"));
    };
    const WRITES = { applied: "no", retryable: false, breaker: "write" } as const;
    const context = { command: "exec", script: true, written: true };
    const memory = await exec(["maxmemory", "1"]);
    expect(String(memory)).toContain("EXECABORT");
    await redis.config("SET", "maxmemory", "0");
    expectDiagnosis(memory, context, "OUT_OF_MEMORY", WRITES);
    const replicas = await exec(["min-replicas-to-write", "1"]);
    await redis.config("SET", "min-replicas-to-write", "0");
    expectDiagnosis(replicas, context, "NOT_ENOUGH_REPLICAS", WRITES);
    holder.disconnect();
  });

  it("COMMAND_REFUSED: rules of the server's own, and what a script answers with", async () => {
    await redis.call("MULTI");
    expectDiagnosis(await failureOf(redis.call("WATCH", "k")), { written: true }, "COMMAND_REFUSED", MAYBE);
    await redis.call("DISCARD");
    const both = await failureOf(redis.call("ZADD", "z", "GT", "NX", "1", "m"));
    expectDiagnosis(both, { command: "zadd" }, "COMMAND_REFUSED", MAYBE);
    const own = await failureOf(redis.eval("return redis.error_reply('LIMIT reached')", 0));
    expectDiagnosis(own, { command: "eval" }, "SCRIPT_FAILED", MAYBE);
  });

  it("DB_OUT_OF_RANGE: a database that does not exist", async () => {
    expectDiagnosis(await failureOf(redis.select(9999)), {}, "DB_OUT_OF_RANGE", CALLER);
  });

  it("PROTOCOL_UNSUPPORTED: a protocol of the future", async () => {
    expectDiagnosis(await failureOf(redis.call("hello", "9")), {}, "PROTOCOL_UNSUPPORTED", CALLER);
  });

  it("PRECONDITION_FAILED: a group that exists, one that does not, and an element that is not there", async () => {
    await redis.xgroup("CREATE", "stream", "g", "$", "MKSTREAM");
    expectDiagnosis(await failureOf(redis.xgroup("CREATE", "stream", "g", "$")), {}, "PRECONDITION_FAILED", CALLER);
    const missing = await failureOf(redis.xreadgroup("GROUP", "other", "me", "STREAMS", "stream", ">"));
    const { seen } = expectDiagnosis(missing, {}, "PRECONDITION_FAILED", CALLER);
    expect(seen).not.toContain("stream");
    await redis.rpush("list", "x");
    expectDiagnosis(await failureOf(redis.lset("list", 9, "y")), {}, "PRECONDITION_FAILED", CALLER);
  });

  it("SUBSCRIBER_MODE: an ordinary command on a subscribed connection", async () => {
    const listener = plainRedis({ port: server.port, protocol: 2 });
    await listener.subscribe("news");
    expectDiagnosis(await failureOf(listener.get("text")), {}, "SUBSCRIBER_MODE", CALLER);
    listener.disconnect();
  });
});

describe("diagnosis of what the client itself refuses", () => {
  it("UNAVAILABLE: no connection, and an order not to wait", async () => {
    const impatient = plainRedis({ port: server.port, enableOfflineQueue: false });
    const error = await failureOf(impatient.set("k", "v"));
    impatient.disconnect();
    expectDiagnosis(error, {}, "UNAVAILABLE", { applied: "no", retryable: true, breaker: "read-write" });
  });

  it("CLIENT_CLOSED: a command after disconnect", async () => {
    const closed = plainRedis({ port: server.port });
    await closed.ping();
    const ended = new Promise((resolve) => closed.once("end", resolve));
    closed.disconnect();
    await ended;
    expectDiagnosis(await failureOf(closed.get("k")), { written: false }, "CLIENT_CLOSED", CALLER);
  });

  it("DEADLINE, CIRCUIT_OPEN, QUEUE_FULL, CLIENT_CLOSED: in opossum's words", async () => {
    const never = new CircuitBreaker(() => new Promise(() => undefined), {
      timeout: 20,
      capacity: 1,
      volumeThreshold: 1,
    });
    const first = failureOf(never.fire());
    const local = { applied: "no", retryable: true, breaker: "none" } as const;
    expectDiagnosis(await failureOf(never.fire()), {}, "QUEUE_FULL", local);
    expectDiagnosis(await first, {}, "DEADLINE", { applied: "maybe", retryable: true, breaker: "read-write" });
    never.open();
    expectDiagnosis(await failureOf(never.fire()), {}, "CIRCUIT_OPEN", local);
    never.shutdown();
    expectDiagnosis(await failureOf(never.fire()), {}, "CLIENT_CLOSED", MAYBE);
  });

  it("ABORTED: a signal", () => {
    expectDiagnosis(AbortSignal.abort().reason, { written: false }, "ABORTED", CALLER);
  });

  it("CONFIG_INVALID: a URL that is none, a port that is none, a certificate file that is missing", async () => {
    const mistakes: (() => unknown)[] = [
      () => new URL("redis://:CANARYs3cr3t@host:port"),
      () => decodeURIComponent("%zz"),
      () => readFileSync("/no/such/ca.pem"),
    ];
    for (const wrong of mistakes) {
      const error = await failureOf(Promise.resolve().then(wrong));
      expectDiagnosis(error, {}, "CONFIG_INVALID", CALLER);
      expect(JSON.stringify(classify(error))).not.toContain("CANARYs3cr3t");
    }
    const port = await failureOf(plainRedis({ port: 99_999 }).connect());
    expectDiagnosis(port, {}, "CONFIG_INVALID", CALLER);
  });
});
