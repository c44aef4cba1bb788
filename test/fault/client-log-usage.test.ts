/** Commands that the server rejects for what they say: their caller gets the server's own words, the log one quiet line. */
import { ReplyError } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Code } from "../../src/failure/codes.js";
import type { Applied } from "../../src/failure/diagnosis.js";
import type { Level } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { CANARY, expectFailure, expectLine, opened, type Logged } from "./client-log-harness.js";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ password: CANARY });
  await server.call("SET", "text", "abc");
});

afterAll(async () => {
  await server.stop();
});

type Case = readonly [code: Code, applied: Applied, level: Level, run: (redis: Logged) => Promise<unknown>];

const CASES: readonly Case[] = [
  ["WRONG_TYPE", "no", "debug", (redis) => redis.lpush("text", CANARY)],
  ["SYNTAX", "no", "debug", (redis) => redis.call("SET", "k", "v", CANARY)],
  ["UNKNOWN_COMMAND", "no", "debug", (redis) => redis.call("NONSENSE", "k")],
  ["NOT_A_NUMBER", "no", "debug", (redis) => redis.incr("text")],
  ["NO_SCRIPT", "no", "debug", (redis) => redis.evalsha("0".repeat(40), 0)],
  ["SCRIPT_FAILED", "maybe", "debug", (redis) => redis.eval("redis.call('incr', 'ran') return nothing.here", 0)],
  ["EXEC_ABORTED", "no", "debug", (redis) => redis.multi().set("k", CANARY).call("SET").exec()],
  ["PRECONDITION_FAILED", "no", "debug", (redis) => redis.lset("nolist", 9, CANARY)],
  ["COMMAND_REFUSED", "maybe", "debug", (redis) => redis.call("ZADD", "z", "GT", "NX", "1", CANARY)],
  ["SCRIPT_FAILED", "maybe", "debug", (redis) => redis.eval("return redis.error_reply('LIMIT reached')", 0)],
  ["CLUSTER_DISABLED", "no", "debug", (redis) => redis.cluster("INFO")],
  ["DB_OUT_OF_RANGE", "no", "debug", (redis) => redis.move("text", 9999)],
  ["AUTH_WRONG", "no", "debug", (redis) => redis.call("AUTH", "somebody", "else")],
  ["PROTOCOL_UNSUPPORTED", "maybe", "warn", (redis) => redis.eval("return { err = 'NOPROTO no' }", 0)],
];

describe("a command that is rejected", () => {
  it.each(CASES)("%s: applied %s, one line at %s", async (code, applied, level, run) => {
    const redis = await opened({ port: server.port });
    const { error } = await expectFailure(run(redis), code, applied, false);
    expect(error).toBeInstanceOf(ReplyError);
    const line = await expectLine(redis, "command.refused", level, code);
    expect(line.fields["severity"]).not.toBe("fatal");
    for (let i = 0; i < 20; i++) await expectFailure(run(redis), code, applied, false);
    expect(redis.log.lines.filter(({ fields }) => fields["code"] === code)).toHaveLength(1);
    expect(redis.log.at("error", "fatal")).toEqual([]);
  });

  it("WRONG_TYPE inside a script that had already written is applied: maybe", async () => {
    const redis = await opened({ port: server.port });
    const script = "redis.call('incr', 'count') return redis.call('lpush', 'text', 'x')";
    await expectFailure(redis.eval(script, 0), "WRONG_TYPE", "maybe", false);
    await expectLine(redis, "command.refused", "debug", "WRONG_TYPE");
  });

  it("DB_OUT_OF_RANGE from a SELECT of the caller", async () => {
    const redis = await opened({ port: server.port });
    await expectFailure(redis.select(9999), "DB_OUT_OF_RANGE", "no", false);
    await expectLine(redis, "incident.open", "fatal", "DB_OUT_OF_RANGE");
  });

  it("SUBSCRIBER_MODE: refused before it is sent, and not logged as the server's failure", async () => {
    const redis = await opened({ port: server.port, protocol: 2 });
    await redis.subscribe("news");
    await expectFailure(redis.get("text"), "SUBSCRIBER_MODE", "no", false);
    expect(redis.log.at("warn", "error", "fatal")).toEqual([]);
  });
});
