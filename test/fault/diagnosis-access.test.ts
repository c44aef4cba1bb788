/** Real refusals of passwords, users, permissions and surplus clients. */
import { describe, expect, it } from "vitest";
import { sanitizeError } from "../../src/failure/redact.js";
import { serializeError } from "../../src/failure/serialize.js";
import { ownAddress, whyNoOwnAddress } from "../helpers/abilities.js";
import { startRedis } from "../helpers/redis-server.js";
import { connectFailure, dial, expectDiagnosis, failureOf, plainRedis, socketFailure } from "./diagnosis-harness.js";

const REFUSED = { applied: "no", retryable: false, breaker: "none" } as const;
const SECRET = "CANARYs3cr3t";

describe("diagnosis of access", () => {
  it.each([
    ["GET", ["get", "k"]],
    ["HELLO", ["hello", "3"]],
  ] as const)("AUTH_REQUIRED: no password given, in the words of %s", async (_name, [command, argument]) => {
    await using server = await startRedis({ password: SECRET });
    const redis = plainRedis({ port: server.port, protocol: 2 });
    const error = await failureOf(redis.call(command, argument));
    redis.disconnect();
    const { severity } = expectDiagnosis(error, { written: true }, "AUTH_REQUIRED", REFUSED);
    expect(severity).toBe("fatal");
  });

  it("AUTH_WRONG: a wrong password, which stays secret", async () => {
    await using server = await startRedis({ password: "right" });
    const error = await connectFailure({ port: server.port, username: "default", password: SECRET });
    expect(JSON.stringify(error)).toContain(SECRET);
    const endpoint = { host: "127.0.0.1", port: server.port, username: "default" };
    const diagnosis = expectDiagnosis(error, { endpoint }, "AUTH_WRONG", REFUSED);
    expect(diagnosis.next[0]?.run).toBe(`redis-cli -h 127.0.0.1 -p ${server.port} --user default --askpass acl whoami`);
    const shown = [sanitizeError(error), serializeError(error), diagnosis].map((value) => JSON.stringify(value)).join();
    expect(shown + String((error as Error).stack)).not.toContain(SECRET);
  });

  it("AUTH_WRONG: a user that is switched off", async () => {
    await using server = await startRedis({
      acl: ["user default on nopass ~* &* +@all", `user app off >${SECRET} ~* +@all`],
    });
    const error = await connectFailure({ port: server.port, username: "app", password: SECRET });
    expectDiagnosis(error, {}, "AUTH_WRONG", REFUSED);
  });

  it("AUTH_NOT_CONFIGURED: a password for an open server", async () => {
    await using server = await startRedis();
    const redis = plainRedis({ port: server.port });
    const error = await failureOf(redis.call("AUTH", SECRET));
    redis.disconnect();
    expectDiagnosis(error, { written: true }, "AUTH_NOT_CONFIGURED", REFUSED);
  });

  it("PERMISSION_DENIED: a command and a key outside the user's rules, also inside a script", async () => {
    await using server = await startRedis({
      acl: ["user default on nopass resetkeys ~mine:* -@all +get +set +eval +incr"],
    });
    const redis = plainRedis({ port: server.port, protocol: 2 });
    const command = await failureOf(redis.del("mine:k"));
    const { next } = expectDiagnosis(command, { command: "del" }, "PERMISSION_DENIED", REFUSED);
    expect(next[2]?.run).toBe("redis-cli acl log 5");
    expectDiagnosis(await failureOf(redis.get("other")), { command: "get" }, "PERMISSION_DENIED", REFUSED);
    const script = await failureOf(redis.eval("redis.call('incr', KEYS[1]) redis.call('del', KEYS[1])", 1, "mine:n"));
    expectDiagnosis(script, { command: "eval" }, "PERMISSION_DENIED", { ...REFUSED, applied: "maybe" });
    expect(await redis.get("mine:n")).toBe("1");
    redis.disconnect();
  });

  it("MAX_CLIENTS: the server's last words, which ioredis never shows", async () => {
    await using server = await startRedis({ config: ["maxclients 1"] });
    const first = dial(server.port);
    await new Promise((resolve) => first.once("connect", resolve).write("PING\r\n"));
    await new Promise((resolve) => first.once("data", resolve));
    const { words } = await socketFailure(() => dial(server.port));
    const opaque = await connectFailureOrClose(server.port);
    first.destroy();
    expect(words).toBe("-ERR max number of clients reached\r\n");
    const down = { applied: "no", retryable: true, breaker: "read-write" } as const;
    expectDiagnosis(new Error(words.trim()), {}, "MAX_CLIENTS", down);
    const context = { phase: "handshake", connection: { lastWords: words } } as const;
    const { why } = expectDiagnosis(opaque, context, "MAX_CLIENTS", down);
    expect(why[0]).toBe("The server's last words were: -ERR max number of clients reached.");
    // Without those words the diagnosis still lists it among the causes.
    expectDiagnosis(opaque, { phase: "handshake" }, "CONNECTION_CLOSED_EARLY", down);
  });

  it.skipIf(whyNoOwnAddress() !== undefined)("PROTECTED_MODE: an open server asked from outside", async () => {
    await using server = await startRedis({ config: ["bind 0.0.0.0", "protected-mode yes"] });
    const { words } = await socketFailure(() => dial(server.port, ownAddress()));
    expect(words).toMatch(/^-DENIED /);
    expectDiagnosis(words, {}, "PROTECTED_MODE", REFUSED);
    const context = { phase: "handshake", connection: { lastWords: words } } as const;
    expectDiagnosis(new Error("Connection is closed."), context, "PROTECTED_MODE", REFUSED);
  });
});

/** ioredis reports a refused client now as an error event, now only as a closed connection. */
async function connectFailureOrClose(port: number): Promise<unknown> {
  const redis = plainRedis({ port });
  const error = await failureOf(redis.connect());
  redis.disconnect();
  return error;
}
