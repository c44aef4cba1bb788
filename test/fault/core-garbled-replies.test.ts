/** Replies that nobody asked for, or that fit no request: the connection is replaced, and the process lives. */
import { createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import { eventually } from "../helpers/eventually.js";
import { atEnd, gist, nextUncaught, outcomeOf, ready, scriptedServer, type TestOptions } from "./core-harness.js";

const SECRET = "CANARYreply";
const bulk = (text: string): string => `$${String(text.length)}\r\n${text}\r\n`;

/** A server that answers `answers[name]` on its first connection, and well on every later one. */
async function garbling(
  answers: Readonly<Record<string, string>>,
): Promise<{ port: number; connections: () => number }> {
  let spoilt = false;
  const { port, seen } = await scriptedServer((name) => {
    const garbled = spoilt ? undefined : answers[name];
    if (garbled !== undefined) spoilt = true;
    return garbled ?? (name === "subscribe" ? `*3\r\n${bulk("subscribe")}${bulk("c")}:1\r\n` : bulk(name));
  });
  return { port, connections: () => seen.length };
}

const OPTIONS: TestOptions = { resilience: { deadline: 5000, retry: false } };

const SCENES: Readonly<Record<string, readonly ["get" | "subscribe", string]>> = {
  "a reply sent twice": ["get", bulk(SECRET) + bulk(SECRET)],
  "a null sent twice": ["get", "$-1\r\n$-1\r\n"],
  "an error sent twice": ["get", `-ERR no\r\n-ERR ${SECRET}\r\n`],
  "SUBSCRIBE answered by a number": ["subscribe", ":1\r\n"],
  "SUBSCRIBE answered by null": ["subscribe", "$-1\r\n"],
  "SUBSCRIBE answered by an empty list": ["subscribe", "*0\r\n"],
  "a line without an end": ["get", `+${SECRET.repeat(10_000)}`],
  "a length beyond every limit": ["get", `$999999999999\r\n${SECRET}`],
  "a list beyond every limit": ["get", `*999999999999\r\n`],
  "a message without a channel": ["subscribe", `*3\r\n${bulk("subscribe")}${bulk("c")}:1\r\n*1\r\n${bulk("message")}`],
};

describe("replies out of step", () => {
  it.each(Object.entries(SCENES))("%s", async (_, [name, reply]) => {
    const { port } = await garbling({ [name]: reply });
    const redis = await ready(port, OPTIONS);
    const errors: unknown[] = [];
    redis.on("error", (error) => errors.push(error));
    redis.on("message", () => undefined);
    const closed = new Promise((resolve) => redis.once("close", resolve));
    const first = outcomeOf(name === "get" ? redis.get("k") : redis.subscribe("c"));
    await closed;
    await first;
    // A replaced connection answers again.
    await eventually(() => expect(redis.status).toBe("ready"));
    if (name === "get") expect(await redis.get("k")).toBe("get");
    // A short cut is told of once no other has followed.
    await eventually(() => expect(redis.log.text()).toMatch(/PROTOCOL_ERROR|REPLY_TOO_LONG/));
    expect(redis.log.text() + inspect(errors, { depth: 9 })).not.toContain(SECRET);
  });

  it("are as long as `maxReplyBytes` lets them be", async () => {
    const lengths = { get: 2048, getdel: 2049 };
    const { port } = await scriptedServer((name) => bulk("x".repeat(lengths[name as keyof typeof lengths])));
    const redis = await ready(port, { resilience: { ...OPTIONS.resilience, maxReplyBytes: 2048 } });
    expect(await redis.get("k")).toHaveLength(2048);
    const message: unknown = expect.stringMatching(
      /announced a value of 2 KiB \(2049 bytes\), more than the 2 KiB \(2048 bytes\) that the option `maxReplyBytes` allows/,
    );
    const cause: unknown = expect.objectContaining({ code: "REPLY_TOO_LONG", message });
    const { error } = await outcomeOf(redis.getdel("k"));
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", cause });
    // What is offered first is a cause of this fault, and the option is the caller's own.
    const { why, next } = (error as { diagnosis?: Diagnosis }).diagnosis ?? {};
    expect(why?.join(" ")).toContain("A value or a collection has grown beyond the limit");
    expect(JSON.stringify(next)).toContain("raise `maxReplyBytes`");
    await eventually(() =>
      expect(redis.log.text()).toContain("reply longer than allowed (REPLY_TOO_LONG), back after"),
    );
    await eventually(() => expect(redis.status).toBe("ready"));
    expect(await redis.get("k")).toHaveLength(2048);
  });

  it("that trickle are silence: the connection is replaced", async () => {
    const timers: NodeJS.Timeout[] = [];
    atEnd(() => timers.forEach((timer) => clearInterval(timer)));
    let isSpoilt = false;
    const { port, sockets } = await trickling(() => {
      const first = !isSpoilt;
      isSpoilt = true;
      return first;
    }, timers);
    const heartbeat = { interval: 200, timeout: 300 };
    const redis = await ready(port, { resilience: { deadline: 5_000, heartbeat } });
    await outcomeOf(redis.get("k"));
    await eventually(() => expect(redis.status).toBe("ready"));
    expect(await redis.get("k")).toBe("get");
    expect(sockets()).toBe(2);
    expect(redis.log.text()).toContain("RESPONSE_TIMEOUT");
  });

  it("end what is in flight, and give none of it a reply of another", async () => {
    // SUBSCRIBE's answer makes no sense, and what stands behind it in the same packet is not believed either.
    const { port } = await pushed(`:1\r\n${bulk("of alice")}${bulk("of bob")}`, 3);
    const redis = await ready(port, OPTIONS);
    const subscribed = outcomeOf(redis.subscribe("c"));
    const alice = outcomeOf(redis.get("alice"));
    const bob = outcomeOf(redis.get("bob"));
    expect(gist(await subscribed)).not.toBe("ok");
    expect(gist(await alice)).toBe("OutcomeUnknownError maybe");
    expect(gist(await bob)).toBe("OutcomeUnknownError maybe");
  });

  it("a listener that throws is not the server's fault: the connection stays", async () => {
    const message = `*3\r\n${bulk("message")}${bulk("c")}${bulk("news")}`;
    const { port } = await garbling({ subscribe: `*3\r\n${bulk("subscribe")}${bulk("c")}:1\r\n${message}` });
    const redis = await ready(port, OPTIONS);
    const thrown = nextUncaught();
    const { stream } = redis;
    redis.on("message", () => {
      throw new Error("the listener's own");
    });
    await redis.subscribe("c");
    expect(await thrown).toEqual(new Error("the listener's own"));
    expect(await redis.subscribe("c")).toBe(1);
    expect(redis.stream).toBe(stream);
    expect(redis.log.text()).not.toContain("PROTOCOL_ERROR");
  });
});

/** A server that says `reply` once, when `count` commands beside the handshake's have come. */
async function pushed(reply: string, count: number): Promise<{ port: number }> {
  let seen = 0;
  const server = createServer((socket: Socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      for (const [, name] of chunk.toString("latin1").matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (name === "hello") socket.write("-ERR unknown command 'HELLO'\r\n");
        else if (name === "info") socket.write(bulk("loading:0"));
        else if (name === "client") socket.write("+OK\r\n");
        else if (name === "ping") socket.write("+PONG\r\n");
        else if (++seen === count) socket.write(reply);
      }
    });
    atEnd(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port };
}

/** Answers the first GET by a large value, of which a byte comes now and then; everything else well. */
async function trickling(
  isFirst: () => boolean,
  timers: NodeJS.Timeout[],
): Promise<{ port: number; sockets: () => number }> {
  let sockets = 0;
  const server = createServer((socket) => {
    sockets++;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      for (const [, name = ""] of bytes.toString("latin1").matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (name.toLowerCase() !== "get" || !isFirst()) socket.write(bulk(name.toLowerCase()));
        else {
          socket.write("$1000000\r\n");
          timers.push(setInterval(() => socket.write("a"), 50));
        }
      }
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  atEnd(() => server.close());
  return { port: (server.address() as { port: number }).port, sockets: () => sockets };
}
