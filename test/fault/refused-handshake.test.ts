/** Servers that refuse parts of the handshake, by ACL or because they do not offer them, are served as they are. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Redis, type RedisOptions } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd } from "./core-harness.js";

const ME = { username: "me", password: "secret-word" };
const NOPERM = "NOPERM this user has no permissions to run the 'hello' command";

let server: RedisServer;
let bare: RedisServer;
beforeAll(async () => {
  server = await startRedis({
    config: [`user me on >${ME.password} ~* &* +@all`, "user default on nopass ~* &* +@all"],
  });
  bare = await startRedis({ args: ["--rename-command", "HELLO", "", "--rename-command", "INFO", ""] });
});
afterAll(() => Promise.all([server.stop(), bare.stop()]));

/** A way to the server on which these commands are refused in these words: a script says them in their place. */
async function refusing(refusals: Readonly<Record<string, string>>): Promise<number> {
  const relay = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy()).on("data", (chunk) => near.write(chunk));
    near.on("data", (chunk) => {
      const asked = chunk.toString("latin1").replace(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g, (command) => {
        const words = refusals[/\$\d+\r\n([a-z]+)/i.exec(command)?.[1]?.toLowerCase() ?? ""];
        if (words === undefined) return command;
        const parts = ["EVAL", `return redis.error_reply(${JSON.stringify(words)})`, "0"];
        return `*3\r\n${parts.map((part) => `$${String(part.length)}\r\n${part}\r\n`).join("")}`;
      });
      far.write(asked, "latin1");
    });
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  atEnd(() => relay.close());
  return (relay.address() as AddressInfo).port;
}

function open(port: number, options: RedisOptions) {
  const log = createLogSink();
  const resilience = { logger: log, doctor: false, ...options.resilience };
  const redis = new Redis(port, "127.0.0.1", { ...options, resilience });
  redis.on("error", () => undefined);
  atEnd(() => redis.disconnect());
  return { redis, log };
}

it("speaks RESP2 where HELLO is forbidden, also with a password, and says so once", async () => {
  const { redis, log } = open(await refusing({ hello: NOPERM }), ME);
  expect(await redis.acl("WHOAMI")).toBe("me");
  await redis.hset("h", "f", "v");
  expect(await redis.hgetall("h")).toEqual({ f: "v" });
  const twin = redis.duplicate();
  atEnd(() => twin.disconnect());
  expect(await twin.ping()).toBe("PONG");
  const lines = log.lines.filter(({ fields }) => fields["event"] === "client.resp2");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "info", message: expect.stringMatching(/RESP2.*NOPERM.*\+hello/) as string });
  expect(log.at("warn", "error", "fatal")).toEqual([]);
});

it("subscribes and blocks there", async () => {
  const port = await refusing({ hello: "ERR command not supported", info: "ERR command not supported" });
  const { redis } = open(port, ME);
  const { redis: other, log } = open(port, ME);
  const heard = new Promise((resolve) => redis.once("message", (...message) => resolve(message)));
  await redis.subscribe("news");
  await other.publish("news", "hello");
  expect(await heard).toEqual(["news", "hello"]);
  expect(await other.blpop("nobody", 0.05)).toBeNull();
  expect(log.at("warn", "error", "fatal")).toEqual([]);
});

it.each(["NOPERM no permissions to run the 'ping' command", "ERR unknown command 'ping'", "ERR command not supported"])(
  "blocks and lends connections where PING is answered with %s",
  async (words) => {
    const port = await refusing({ ping: words });
    const { redis, log } = open(port, { ...ME, resilience: { heartbeat: { interval: 1_000 } } });
    for (let n = 0; n < 12; n++) await redis.echo("x");
    // Other work comes while it blocks: it moves to a connection of its own.
    const popped = redis.blpop("popped", 10);
    await redis.rpush("popped", "element");
    expect(await popped).toEqual(["popped", "element"]);
    expect(redis.stats().pool?.blocking).toMatchObject({ created: 1, destroyed: {} });
    for (let n = 0; n < 2; n++) expect(await redis.withConnection((lent) => lent.echo("lent"))).toBe("lent");
    // Not awaited: it is asked for an answer when it is given back.
    await redis.withConnection((lent) => void lent.echo("late"));
    await eventually(() => expect(redis.stats().pool).toMatchObject({ created: 1, idle: 1, destroyed: {} }));
    // That PING is forbidden may be said once.
    expect(log.at("error", "fatal")).toEqual([]);
  },
);

it("says +hello to whoever asks for protocol 3", async () => {
  const { redis } = open(await refusing({ hello: NOPERM }), { ...ME, protocol: 3 });
  const error = await redis.ping().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "PROTOCOL_UNSUPPORTED", applied: "no" });
  expect(String(error)).toContain("+hello");
  expect(String(error)).not.toContain(ME.password);
});

it("does not take a wrong password for a refusal of HELLO", async () => {
  const { redis, log } = open(server.port, { ...ME, password: "wrong" });
  await expect(redis.ping()).rejects.toMatchObject({ code: "AUTH_WRONG" });
  expect(log.text()).not.toContain("client.resp2");
});

it("serves where INFO and HELLO do not exist", async () => {
  const { redis, log } = open(bare.port, {});
  expect(await redis.set("k", "v")).toBe("OK");
  expect(log.at("warn", "error", "fatal")).toEqual([]);
});
