/**
 * The test ground itself: if a fault proxy or a server helper lies, every test above it lies too. Plain sockets and plain
 * ioredis stand at the other end, never the client under test.
 */
import { existsSync, readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runSource } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { createLogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { makeCertificates } from "../helpers/tls.js";
import { encode, FrameCounter } from "../../lab/resp.mjs";

/** A bare socket that remembers what came and how it ended. */
function dial(port: number): { socket: Socket; text(): string; ended(): string | undefined } {
  const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  let ended: string | undefined;
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("error", (error: NodeJS.ErrnoException) => (ended ??= error.code));
  socket.on("end", () => (ended ??= "FIN"));
  socket.on("close", () => (ended ??= "closed"));
  return { socket, text: () => text, ended: () => ended };
}

const clients: Redis[] = [];

/** A plain ioredis client that the running test does not have to close. */
function plainClient(options: Omit<RedisOptions, "replyMapping">): Redis {
  const client = new Redis(options);
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

describe(startRedis, () => {
  it("starts a server that answers, and leaves no process and no folder behind", async () => {
    const server = await startRedis();
    const { pid, dir } = server;
    expect(await server.cli("PING")).toBe("PONG");
    expect(server.port).not.toBe(6379);
    await server.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(existsSync(dir)).toBe(false);
  });

  it("forgets its data when it is killed, and keeps the port", async () => {
    await using server = await startRedis();
    const { port, pid } = server;
    await server.cli("SET", "k", "v");
    await server.kill();
    expect(server.running).toBe(false);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await server.cli("GET", "k")).toBe("");
  });

  it("keeps every acknowledged write across a kill with persistence aof", async () => {
    await using server = await startRedis({ persistence: "aof" });
    await server.cli("SET", "k", "v");
    await server.kill();
    await server.restart();
    expect(await server.cli("GET", "k")).toBe("v");
  });

  it("gives no answer while frozen and answers after the thaw", async () => {
    await using server = await startRedis();
    server.freeze();
    const asked = dial(server.port);
    asked.socket.write(encode(["PING"]));
    const settled = server.cli("PING").then(() => "answered");
    const look = new Promise((resolve) => setTimeout(resolve, 100, "silent"));
    expect(await Promise.race([settled, look])).toBe("silent");
    expect(asked.text()).toBe("");
    server.thaw();
    expect(await settled).toBe("answered");
    await eventually(() => expect(asked.text()).toBe("+PONG\r\n"));
    asked.socket.destroy();
  });

  it("asks clients for the password while cli still works", async () => {
    await using server = await startRedis({ password: "a b#c", acl: ["user bob on >pw ~* +get"] });
    const plain = dial(server.port);
    plain.socket.write(encode(["PING"]));
    await eventually(() => expect(plain.text()).toContain("NOAUTH"));
    plain.socket.destroy();
    expect(await server.cli("ACL", "WHOAMI")).toBe("lab");
    const bob = plainClient({ port: server.port, username: "bob", password: "pw" });
    expect(await bob.get("k")).toBeNull();
  });

  it("rejects with the server's own words when it does not start", async () => {
    await expect(startRedis({ config: ["nonsense yes"] })).rejects.toThrow("nonsense yes");
  });

  it("rejects error replies in cli and call", async () => {
    await using server = await startRedis();
    await expect(server.cli("NOPE")).rejects.toThrow("unknown command");
    expect(await server.call("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "no"]);
  });

  it("dies with the process that started it, even by SIGKILL", async () => {
    const child = await runSource(`
      const { startRedis } = await import("./lab/redis-server.mjs");
      const server = await startRedis();
      process.stdout.write(JSON.stringify({ pid: server.pid, port: server.port, dir: server.dir }), () => process.kill(process.pid, "SIGKILL"));
    `);
    expect(child.signal).toBe("SIGKILL");
    const seen = JSON.parse(child.stdout) as { pid: number; port: number; dir: string };
    await eventually(async () => {
      const probe = dial(seen.port);
      probe.socket.on("connect", () => probe.socket.destroy());
      await new Promise((resolve) => probe.socket.on("close", resolve));
      expect(probe.ended()).toBe("ECONNREFUSED");
    });
    await eventually(() => expect(existsSync(seen.dir)).toBe(false));
  });
});

describe(makeCertificates, () => {
  it("makes certificates that are accepted, expired, for another host, or from a stranger", async () => {
    await using certificates = await makeCertificates();
    const verdict = async (pair: typeof certificates.valid): Promise<string> => {
      await using server = await startRedis({ tls: pair });
      return await new Promise((resolve) => {
        const socket = connectTls({
          port: server.tlsPort ?? 0,
          host: "127.0.0.1",
          servername: "localhost",
          ca: certificates.caPem,
        });
        socket.on("secureConnect", () => {
          socket.destroy();
          resolve("accepted");
        });
        socket.on("error", (error: NodeJS.ErrnoException) => {
          socket.destroy();
          resolve(error.code ?? error.message);
        });
      });
    };
    expect(await verdict(certificates.valid)).toBe("accepted");
    expect(await verdict(certificates.expired)).toBe("CERT_HAS_EXPIRED");
    expect(await verdict(certificates.wrongHost)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await verdict(certificates.foreign)).toBe("SELF_SIGNED_CERT_IN_CHAIN");
  });

  it("makes a server that wants a client certificate, and one that satisfies it", async () => {
    await using certificates = await makeCertificates();
    await using server = await startRedis({ tls: { ...certificates.valid, clientAuth: true } });
    const pair = { cert: readFileSync(certificates.client.cert), key: readFileSync(certificates.client.key) };
    const tls = { ca: certificates.caPem, servername: "localhost" };
    const shown = plainClient({ port: server.tlsPort ?? 0, tls: { ...tls, ...pair } });
    expect(await shown.ping()).toBe("PONG");
    const hidden = plainClient({ port: server.tlsPort ?? 0, tls, retryStrategy: null, lazyConnect: true });
    const failure = new Promise<Error>((resolve) => hidden.once("error", resolve));
    await expect(hidden.connect()).rejects.toThrow();
    expect((await failure).message).toMatch(/certificate required|ECONNRESET|EPIPE/);
  });
});

describe(startProxy, () => {
  let server: RedisServer;
  let proxy: FaultProxy;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await proxy.stop();
    await server.cli("FLUSHALL");
  });

  /** A connection through the proxy that has already been answered once. */
  async function warm(): Promise<ReturnType<typeof dial>> {
    const link = dial(proxy.port);
    link.socket.write(encode(["PING"]));
    await eventually(() => expect(link.text()).toBe("+PONG\r\n"));
    return link;
  }

  async function start(): Promise<void> {
    proxy = await startProxy({ target: { port: server.port } });
  }

  it("relays and counts requests, replies and connections", async () => {
    await start();
    const link = await warm();
    link.socket.write(Buffer.concat([Buffer.from(encode(["SET", "k", "v"])), Buffer.from(encode(["GET", "k"]))]));
    await eventually(() => expect(link.text()).toBe("+PONG\r\n+OK\r\n$1\r\nv\r\n"));
    expect(proxy.counters).toMatchObject({ connections: 1, open: 1, requests: 3, replies: 3, swallowed: 0, cuts: 0 });
    expect(proxy.counters.acceptedAt).toHaveLength(1);
    link.socket.destroy();
    await eventually(() => expect(proxy.counters.open).toBe(0));
  });

  it("refuses new connections, leaves old ones alone, and listens again on the same port", async () => {
    await start();
    const old = await warm();
    await proxy.refuse();
    const refused = dial(proxy.port);
    await eventually(() => expect(refused.ended()).toBe("ECONNREFUSED"));
    old.socket.write(encode(["ECHO", "x"]));
    await eventually(() => expect(old.text()).toContain("x\r\n"));
    await proxy.pass();
    (await warm()).socket.destroy();
    old.socket.destroy();
  });

  it("accepts and closes at once", async () => {
    await start();
    proxy.acceptThenClose();
    const link = dial(proxy.port);
    await eventually(() => expect(link.ended()).toMatch(/FIN|ECONNRESET/));
    expect(link.text()).toBe("");
    link.socket.destroy();
  });

  it("accepts without answering while silent, and serves the same connection after pass", async () => {
    await start();
    const old = await warm();
    proxy.silent();
    const link = dial(proxy.port);
    link.socket.write(encode(["PING"]));
    old.socket.write(encode(["ECHO", "still here"]));
    await eventually(() => expect(old.text()).toContain("still here"));
    expect(link.text()).toBe("");
    await proxy.pass();
    await eventually(() => expect(link.text()).toBe("+PONG\r\n"));
    link.socket.destroy();
    old.socket.destroy();
  });

  it("holds both directions of old and new connections in a blackhole, and delivers after pass", async () => {
    await start();
    const old = await warm();
    proxy.blackhole();
    const fresh = dial(proxy.port);
    old.socket.write(encode(["INCR", "n"]));
    fresh.socket.write(encode(["INCR", "n"]));
    await eventually(() => expect(proxy.counters.connections).toBe(2));
    expect(await server.cli("GET", "n")).toBe("");
    expect([old.text(), fresh.text()]).toEqual(["+PONG\r\n", ""]);
    await proxy.pass();
    await eventually(async () => expect(await server.cli("GET", "n")).toBe("2"));
    await eventually(() => expect(fresh.text()).toMatch(/^:[12]\r\n$/));
    old.socket.destroy();
    fresh.socket.destroy();
  });

  it("executes requests and swallows their replies, then resets the connection that lost them", async () => {
    await start();
    const link = await warm();
    proxy.dropReplies();
    link.socket.write(encode(["INCR", "n"]));
    await eventually(async () => expect(await server.cli("GET", "n")).toBe("1"));
    await eventually(() => expect(proxy.counters.swallowed).toBe(1));
    expect(link.text()).toBe("+PONG\r\n");
    expect(link.ended()).toBeUndefined();
    await proxy.pass();
    await eventually(() => expect(link.ended()).toBe("ECONNRESET"));
  });

  it("resets every connection at once", async () => {
    await start();
    const links = [await warm(), await warm()];
    expect(proxy.cutAll()).toBe(2);
    await eventually(() => expect(links.map((link) => link.ended())).toEqual(["ECONNRESET", "ECONNRESET"]));
    expect(proxy.counters).toMatchObject({ open: 0, cuts: 2 });
  });

  it("forwards exactly k more replies and then resets", async () => {
    await start();
    const link = await warm();
    const cut = proxy.cutAfterReplies(2);
    link.socket.write(["a", "b", "c"].map((text) => encode(["ECHO", text])).join(""));
    await cut;
    await eventually(() => expect(link.ended()).toMatch(/ECONNRESET|FIN/));
    expect(link.text()).toBe("+PONG\r\n$1\r\na\r\n$1\r\nb\r\n");
    (await warm()).socket.destroy();
  });

  it("executes the next request, drops its reply and resets", async () => {
    await start();
    const link = await warm();
    const cut = proxy.forwardThenCut();
    link.socket.write(encode(["INCR", "n"]));
    await cut;
    expect(await server.cli("GET", "n")).toBe("1");
    await eventually(() => expect(link.ended()).toBe("ECONNRESET"));
    expect(link.text()).toBe("+PONG\r\n");
  });

  it("executes the whole of a pipeline before it cuts it", async () => {
    await start();
    const link = await warm();
    const cut = proxy.forwardThenCut();
    link.socket.write(encode(["INCR", "n"]).repeat(200));
    await cut;
    expect(await server.cli("GET", "n")).toBe("200");
    expect(link.text()).toBe("+PONG\r\n");
  });

  it("stops in the middle of a reply", async () => {
    await start();
    const link = await warm();
    const stalled = proxy.stallAfterBytes(6);
    link.socket.write(encode(["ECHO", "abcdef"]));
    await stalled;
    await eventually(() => expect(link.text()).toBe("+PONG\r\n$6\r\nab"));
    expect(link.ended()).toBeUndefined();
    await proxy.pass();
    await eventually(() => expect(link.ended()).toBe("ECONNRESET"));
  });

  it("answers garbage instead of the next reply", async () => {
    await start();
    const link = await warm();
    const done = proxy.garbage("HTTP/1.1 400 Bad Request\r\n");
    link.socket.write(encode(["PING"]));
    await done;
    await eventually(() => expect(link.text()).toBe("+PONG\r\nHTTP/1.1 400 Bad Request\r\n"));
    link.socket.destroy();
  });

  it("delays replies and keeps their order under jitter", async () => {
    await start();
    proxy.latency(30, 20);
    const redis = plainClient({ port: proxy.port });
    const begun = performance.now();
    const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => redis.echo(String(i))));
    expect(replies).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(30);
  });

  it("throttles replies to a rate", async () => {
    await start();
    const link = await warm();
    proxy.throttle(1000);
    const begun = performance.now();
    link.socket.write(encode(["ECHO", "x".repeat(194)]));
    await eventually(() => expect(link.text()).toHaveLength(7 + 202));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(150);
    link.socket.destroy();
  });

  it("ends one direction only", async () => {
    await start();
    const link = await warm();
    proxy.halfClose();
    await eventually(() => expect(link.ended()).toBe("FIN"));
    link.socket.write(encode(["INCR", "n"]));
    await eventually(async () => expect(await server.cli("GET", "n")).toBe("1"));
    link.socket.destroy();
  });

  it("sends new connections to another server", async () => {
    await start();
    await using other = await startRedis();
    await other.cli("SET", "who", "other");
    proxy.switchTarget(other.port);
    const redis = plainClient({ port: proxy.port });
    expect(await redis.get("who")).toBe("other");
  });

  it("lets its process end after it has cut a connection that was already ended", async () => {
    await start();
    const child = await runSource(
      `
      const { connect } = await import("node:net");
      const { startProxy } = await import("./lab/fault-proxy.mjs");
      const proxy = await startProxy({ target: { port: ${server.port} } });
      const link = connect({ port: proxy.port, allowHalfOpen: true });
      link.on("error", () => {});
      link.write("PING\\r\\n");
      await new Promise((resolve) => link.once("data", resolve));
      proxy.halfClose();
      console.log("cut", proxy.cutAll());
      link.destroy();
      await proxy.stop();
    `,
      { timeout: 10_000 },
    );
    expect(child).toMatchObject({ code: 0, timedOut: false, stdout: "cut 1\n", unhandled: [] });
  });

  it("shows a client the same end as the server's own death", async () => {
    await start();
    await using mortal = await startRedis();
    proxy.switchTarget(mortal.port);
    const link = await warm();
    await mortal.kill();
    await eventually(() => expect(link.ended()).toMatch(/FIN|ECONNRESET/));
    link.socket.destroy();
  });
});

describe(FrameCounter, () => {
  const stream = Buffer.from(
    "+OK\r\n-ERR no\r\n:1\r\n$-1\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n*0\r\n*-1\r\n*2\r\n*1\r\n:1\r\n$1\r\na\r\n" +
      "_\r\n#t\r\n,1.5\r\n%1\r\n+a\r\n*1\r\n:1\r\n~1\r\n:1\r\n|1\r\n+k\r\n+v\r\n:9\r\n>2\r\n+message\r\n+x\r\n=5\r\ntxt:a\r\n",
  );

  it.each([1, 2, 3, 7, 1000])("counts replies and ignores pushes in chunks of %i bytes", (size) => {
    const counter = new FrameCounter();
    for (let at = 0; at < stream.length; at += size) counter.feed(stream.subarray(at, at + size));
    expect(counter).toMatchObject({ frames: 16, partial: false, blind: false });
  });

  it("stops right behind the frame it was asked to stop at", () => {
    const counter = new FrameCounter();
    expect(counter.feed(Buffer.from("+OK\r\n$1\r\na\r\n:1\r\n"), 2)).toBe(12);
  });

  it("turns blind on bytes that are no RESP", () => {
    const counter = new FrameCounter();
    counter.feed(Buffer.from([0x16, 0x03, 0x01, 0x0a, 0x0a]));
    expect(counter).toMatchObject({ frames: 0, blind: true });
  });
});

describe("the small helpers", () => {
  it("hands out free ports, each only once", async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    expect(new Set(ports).size).toBe(20);
  });

  it("waits until a state comes true, and says how long it waited when it does not", async () => {
    let looks = 0;
    await eventually(() => expect(++looks).toBeGreaterThan(10));
    const never = eventually(() => expect(1).toBe(2), { withinMs: 20 });
    await expect(never).rejects.toThrow("still so after 20 ms");
  });

  it("records log lines of children with their bindings, and errors in full", () => {
    const sink = createLogSink();
    sink.child({ name: "cache" }).warn({ err: new Error("boom", { cause: new Error("deep") }) }, "went wrong");
    sink.info({}, "fine");
    expect(sink.at("warn")).toMatchObject([{ fields: { name: "cache" }, message: "went wrong" }]);
    expect(sink.text()).toContain("deep");
    expect(sink.lines).toHaveLength(2);
  });

  it("reports exit code, output and unhandled rejections of a child, and kills one that hangs", async () => {
    const fine = await runSource(`console.log("out"); console.error("err"); process.exitCode = 3;`);
    expect(fine).toMatchObject({ stdout: "out\n", stderr: "err\n", code: 3, unhandled: [], timedOut: false });
    const loose = await runSource(`Promise.reject(new TypeError("nobody looks"));`);
    expect(loose).toMatchObject({ code: 0, unhandled: ["TypeError: nobody looks"] });
    const hung = await runSource(`setInterval(() => {}, 1000);`, { timeout: 300 });
    expect(hung).toMatchObject({ timedOut: true, signal: "SIGKILL" });
  });
});
