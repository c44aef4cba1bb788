/**
 * A planted password and a planted value must never come out again: not in a log line, an error however it is printed, a
 * diagnosis, statistics, an event, a metric or a span, whatever goes wrong. Texts are searched as they are and in usual encodings.
 */
import { inspect } from "node:util";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runExplain } from "../../src/cli/explain.js";
import { diagnoseConnection, renderHtml, renderText } from "../../src/doctor/index.js";
import { createCluster, createRedis, serializeError, type Redis, type RedisOptions } from "../../src/index.js";
import { instrument } from "../../src/otel/index.js";
import { register } from "../../src/prometheus/index.js";
import { runSource } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { createLogSink, type LogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const PASSWORD = "Canary-Pa55/w:rd";
const VALUE = "canary value 9f2c";
const RIGHT = "the-servers-own-password";

let open: RedisServer;
let locked: RedisServer;
const registry = new Registry();
const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const instruments: (() => void)[] = [];
beforeAll(async () => {
  instruments.push(register(registry), instrument({ tracerProvider, meterProvider: false }));
  [open, locked] = await Promise.all([
    startRedis(),
    startRedis({ password: RIGHT, acl: [`user reader on >${RIGHT} ~* +get +hello +client +info`] }),
  ]);
});
afterAll(async () => {
  for (const end of instruments) end();
  await Promise.all([open.stop(), locked.stop()]);
});

/** What a scrape sees now, and the spans since the last look. */
async function telemetry(): Promise<string> {
  const spans = exporter.getFinishedSpans().map(({ name, attributes, status, events, links }) => {
    return { name, attributes, status, events, links };
  });
  exporter.reset();
  return [await registry.metrics(), inspect(spans, { depth: 10 })].join("\n");
}

/** What `ioredoubt explain` makes of a text. */
function explained(text: string): string {
  let page = "";
  runExplain([text], { write: (chunk) => (page += chunk), columns: 80 });
  return page;
}

/** Everything that a scene has brought to light. */
class Evidence {
  readonly log: LogSink = createLogSink();
  readonly #texts: string[] = [];
  readonly #clients: Redis[] = [];
  errors = 0;

  client(...args: unknown[]): Redis {
    const last = args.at(-1);
    const options = typeof last === "object" ? (args.pop() as RedisOptions) : {};
    const resilience = {
      deadline: 400,
      reconnect: { minTimeout: 5, maxTimeout: 20 },
      ...options.resilience,
      logger: this.log,
    };
    const create = createRedis as (...args: unknown[]) => Redis;
    const redis = create(...args, { ...options, resilience });
    redis.on("error", (error: unknown) => this.note(error));
    redis.onEvent((event) => void this.#texts.push(JSON.stringify(event), inspect(event, { depth: 10 })));
    this.#clients.push(redis);
    return redis;
  }

  /** Waits for outcomes and keeps the failures. */
  async collect(...calls: unknown[]): Promise<void> {
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === "rejected") this.note(result.reason);
      // A pipeline's errors are in its result.
      else if (Array.isArray(result.value)) {
        for (const entry of result.value as unknown[]) if (Array.isArray(entry)) this.note(entry[0]);
      }
    }
  }

  note(error: unknown): void {
    if (!(error instanceof Error)) return;
    this.errors++;
    const { diagnosis, state, previousErrors, cause, errors } = error as Error & Record<string, unknown>;
    this.#texts.push(String(error), error.stack ?? "", Object.getOwnPropertyNames(error).join());
    for (const part of [error, diagnosis, state, previousErrors, cause, errors, serializeError(error)]) {
      this.#texts.push(inspect(part, { depth: 10 }), inspect(part, { depth: 10, showHidden: true }));
      if (part !== undefined) this.#texts.push(JSON.stringify(part));
    }
    for (const inner of [cause, ...(Array.isArray(previousErrors) ? (previousErrors as unknown[]) : [])])
      this.note(inner);
  }

  /** All of it as one text, after the clients have ended. */
  async text(): Promise<string> {
    this.#texts.push(await telemetry());
    for (const client of this.#clients) {
      this.#texts.push(inspect([client, client.policy, client.isConsuming()], { depth: 10 }));
      this.#texts.push(JSON.stringify(client.stats()), JSON.stringify(client.health()));
      client.disconnect();
      await eventually(() => expect(client.status).toBe("end"));
      this.#texts.push(JSON.stringify(client.stats()), JSON.stringify(client.health()));
    }
    const fatal = this.log.at("fatal", "error").map(({ message }) => explained(message));
    return [...this.#texts, await telemetry(), ...fatal, this.log.text()].join("\n");
  }
}

/** Whole and in pieces: what is cut at a special character is still a secret. */
const FORBIDDEN = [
  PASSWORD,
  VALUE,
  encodeURIComponent(PASSWORD),
  encodeURIComponent(VALUE),
  Buffer.from(PASSWORD).toString("base64"),
  Buffer.from(VALUE).toString("base64"),
  Buffer.from(VALUE).toString("hex"),
  Buffer.from(VALUE).toString("hex").replaceAll(/../g, "$& ").trim(),
  "Pa55",
  "9f2c",
];

function findings(text: string): string[] {
  return FORBIDDEN.filter((word) => text.includes(word)).map((word) => {
    const at = text.indexOf(word);
    return `${word} in: …${text.slice(Math.max(0, at - 120), at + 60)}…`;
  });
}

/** A client that is logged in with what a provider gave, and has connections of every kind. */
async function withProvider(evidence: Evidence): Promise<Redis> {
  await open.call("ACL", "SETUSER", PASSWORD, "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  const credentials = (): { username: string; password: string } => ({ username: PASSWORD, password: PASSWORD });
  const redis = evidence.client({ host: "127.0.0.1", port: open.port, credentials });
  await redis.withDeadline(10_000).withConnection((lease) => lease.ping());
  return redis;
}

const URL_PASSWORD = encodeURIComponent(PASSWORD);

const SCENES: Readonly<Record<string, (evidence: Evidence) => Promise<void>>> = {
  "a wrong password in the URL": async (evidence) => {
    const redis = evidence.client(`redis://someone:${URL_PASSWORD}@127.0.0.1:${String(locked.port)}`);
    await evidence.collect(redis.set(VALUE, VALUE), redis.get("k"));
  },
  "the password where the user name belongs": async (evidence) => {
    const redis = evidence.client(`redis://${URL_PASSWORD}@127.0.0.1:${String(locked.port)}`);
    await evidence.collect(redis.set("k", VALUE));
  },
  "a whole line where the name of a command belongs": async (evidence) => {
    const down = evidence.client({ host: "127.0.0.1", port: await freePort() });
    await evidence.collect(down.call(`SET k ${VALUE}`), down.call(`AUTH ${PASSWORD}`), down.call(PASSWORD));
    const redis = evidence.client({
      host: "127.0.0.1",
      port: open.port,
      resilience: { pool: { max: 1, acquireTimeout: 1_000, leakAfter: 20 } },
    });
    let isOver = (): void => undefined;
    const over = new Promise<void>((resolve) => (isOver = resolve));
    const holder = redis.withConnection(async (connection) => {
      await connection.call(`SET k ${VALUE}`).catch(() => undefined);
      await over;
    });
    await eventually(() => expect(redis.stats().pool?.leased).toBe(1));
    await evidence.collect(redis.withConnection(() => undefined));
    await eventually(() => expect(evidence.log.text()).toContain("pool.leak"));
    isOver();
    await holder;
  },
  "a wrong password in the options, RESP2 and RESP3": async (evidence) => {
    for (const protocol of [2, 3] as const) {
      const redis = evidence.client({ host: "127.0.0.1", port: locked.port, password: PASSWORD, protocol });
      await evidence.collect(redis.set("k", VALUE), redis.pipeline().set("k", VALUE).exec());
    }
  },
  "credentials that the server refuses, RESP2 and RESP3": async (evidence) => {
    for (const protocol of [2, 3] as const) {
      const credentials = (): { username: string; password: string } => ({ username: PASSWORD, password: PASSWORD });
      const redis = evidence.client({ host: "127.0.0.1", port: locked.port, credentials, protocol });
      await evidence.collect(redis.set("k", VALUE), redis.pipeline().set("k", VALUE).exec());
    }
  },
  "a provider of credentials that throws them, hands out rubbish with them in it, or what has expired": async (
    evidence,
  ) => {
    const answers: (() => unknown)[] = [
      () =>
        Promise.reject(
          Object.assign(new Error(PASSWORD), { code: PASSWORD, name: PASSWORD, cause: new Error(PASSWORD) }),
        ),
      () => AbortSignal.abort(PASSWORD).throwIfAborted(),
      () => PASSWORD,
      () => ({ password: [PASSWORD] }),
      () => ({ username: { name: PASSWORD }, password: PASSWORD }),
      () => ({ password: PASSWORD, expiresAt: PASSWORD }),
      () => ({ password: PASSWORD, expiresAt: 1 }),
    ];
    const looks = answers.map(async (answer) => {
      const credentials = (): never => answer() as never;
      const target = { host: "127.0.0.1", port: locked.port };
      const redis = evidence.client({ ...target, credentials, resilience: { deadline: 50 } });
      await evidence.collect(redis.get("k"));
    });
    await Promise.all(looks);
  },
  "credentials that cannot be renewed, and live connections that are refused with new ones": async (evidence) => {
    let password = RIGHT;
    let fails = false;
    let changed = (): void => undefined;
    const give = (): { password: string } => {
      if (fails) throw new Error(PASSWORD);
      return { password };
    };
    const watch = (tell: () => void): (() => void) => {
      changed = tell;
      return () => undefined;
    };
    const credentials = Object.assign(give, { watch });
    const redis = evidence.client({ host: "127.0.0.1", port: locked.port, credentials });
    await redis.withDeadline(10_000).ping();
    password = PASSWORD;
    changed();
    await eventually(() => expect(evidence.log.text()).toContain("gives credentials that the server refuses"));
    fails = true;
    changed();
    await evidence.collect(redis.call("NOSUCHCOMMAND", VALUE));
  },
  "credentials that Sentinels refuse": async (evidence) => {
    const sentinels = [{ host: "127.0.0.1", port: locked.port }];
    const sentinelCredentials = (): { username: string; password: string } => ({
      username: PASSWORD,
      password: PASSWORD,
    });
    const redis = evidence.client({ sentinels, name: "mymaster", sentinelCredentials });
    redis.on("sentinelError" as "error", (error: unknown) => evidence.note(error));
    await evidence.collect(redis.set("k", VALUE));
  },
  "a provider of credentials for the Sentinels that throws them, or hands out rubbish with them in it": async (
    evidence,
  ) => {
    const answers: (() => unknown)[] = [
      () => Promise.reject(Object.assign(new Error(PASSWORD), { code: PASSWORD, cause: new Error(PASSWORD) })),
      () => ({ password: [PASSWORD] }),
      () => ({ username: PASSWORD, password: PASSWORD, expiresAt: 1 }),
    ];
    const looks = answers.map(async (answer) => {
      const sentinelCredentials = (): never => answer() as never;
      const sentinels = [{ host: "127.0.0.1", port: locked.port }];
      const redis = evidence.client({ sentinels, name: "mymaster", sentinelCredentials, resilience: { deadline: 50 } });
      redis.on("sentinelError" as "error", (error: unknown) => evidence.note(error));
      await evidence.collect(redis.get("k"));
    });
    await Promise.all(looks);
  },
  "credentials that the nodes of a cluster refuse, and a provider for them that throws them": async (evidence) => {
    const providers = [
      (): { username: string; password: string } => ({ username: PASSWORD, password: PASSWORD }),
      (): never => {
        throw new Error(PASSWORD);
      },
    ];
    const looks = providers.map(async (credentials) => {
      const cluster = createCluster([{ host: "127.0.0.1", port: locked.port }], {
        redisOptions: { credentials },
        clusterRetryStrategy: () => null,
        resilience: { deadline: 400, logger: evidence.log },
      });
      cluster.on("error", (error: unknown) => evidence.note(error));
      await evidence.collect(cluster.set("k", VALUE));
      for (const depth of [2, 20]) expect(findings(inspect([cluster, cluster.options], { depth }))).toEqual([]);
      cluster.disconnect();
    });
    await Promise.all(looks);
  },
  "a doctor whose providers throw the credentials, or give wrong ones": async (evidence) => {
    const target = { sentinels: [{ host: "127.0.0.1", port: locked.port }], name: "mymaster" };
    // Its commands name the user.
    const wrong = (): { username: string; password: string } => ({ username: "someone", password: PASSWORD });
    const throwing = (): never => {
      throw Object.assign(new Error(PASSWORD), { code: PASSWORD });
    };
    for (const provider of [wrong, throwing]) {
      for (const one of [
        { ...target, sentinelCredentials: provider },
        { port: locked.port, credentials: provider },
      ]) {
        const report = await diagnoseConnection(one, { timeout: 5_000 });
        for (const text of [
          JSON.stringify(report),
          renderText(report),
          renderHtml(report),
          inspect(report, { depth: 20 }),
        ])
          evidence.note(new Error(text));
      }
    }
  },
  "a password for a server that has none": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: open.port, username: "nobody", password: PASSWORD });
    await evidence.collect(redis.set("k", VALUE));
  },
  "AUTH and HELLO with a wrong password": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await evidence.collect(
      redis.auth("someone", PASSWORD),
      redis.auth(PASSWORD),
      redis.call("HELLO", "3", "AUTH", "someone", PASSWORD),
      redis.call("AUTH", PASSWORD, VALUE, PASSWORD),
    );
  },
  "administration that is refused": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await evidence.collect(
      redis.acl("SETUSER", "someone", `>${PASSWORD}`, `nonsense${PASSWORD}`),
      redis.acl("SETUSER", "someone", `#${PASSWORD}`),
      redis.config("SET", "requirepass", PASSWORD, "nonsense", VALUE),
      redis.config("SET", "maxmemory", VALUE),
      redis.config("SET", "nonsense", PASSWORD),
      redis.call("CONFIG", "SET", "masterauth"),
      redis.call("CLIENT", "SETNAME", `${PASSWORD} with blanks`),
    );
  },
  "no permission": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: locked.port, username: "reader", password: RIGHT });
    await evidence.collect(
      redis.set("k", VALUE),
      redis.call("SET", VALUE, VALUE),
      redis.multi().set("k", VALUE).exec(),
    );
  },
  "wrong types, wrong numbers, wrong arguments": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await redis.set(VALUE, VALUE);
    await evidence.collect(
      redis.lpush(VALUE, VALUE),
      redis.incr(VALUE),
      redis.hset(VALUE, { [VALUE]: VALUE }),
      redis.set("k", VALUE, VALUE as "NX"),
      redis.set("k", VALUE, "EX", VALUE),
      redis.call("SET", VALUE),
      redis.call("NOSUCHCOMMAND", VALUE, PASSWORD),
      redis.call(`NOSUCH`, Buffer.from(VALUE)),
      redis.call("OBJECT", "ENCODING", VALUE, VALUE),
      redis.call("CLIENT", "KILL", VALUE),
      redis.xadd("x", VALUE, "f", VALUE),
      redis.pipeline().lpush(VALUE, VALUE).call("NOSUCH", VALUE).exec(),
      redis.multi().call("SET", VALUE).call("NOSUCH", VALUE, PASSWORD).exec(),
      redis.multi().lpush(VALUE, VALUE).exec(),
    );
  },
  "scripts that fail": async (evidence) => {
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await redis.set("str", "x");
    await evidence.collect(
      redis.eval("return redis.call('lpush', KEYS[1], ARGV[1])", 1, "str", VALUE),
      redis.eval("return redis.call('nosuch', ARGV[1])", 0, VALUE),
      redis.evalsha("0".repeat(40), 1, VALUE, PASSWORD),
      redis.eval("return nonsense(", 0, VALUE),
    );
  },
  "deadlines on a silent connection": async (evidence) => {
    await using proxy = await startProxy({ target: { port: open.port } });
    const redis = evidence.client({ host: "127.0.0.1", port: proxy.port });
    await redis.ping();
    proxy.blackhole();
    await evidence.collect(redis.set(VALUE, VALUE), redis.incr(VALUE), redis.multi().set("k", VALUE).exec());
  },
  "connections cut with writes in flight": async (evidence) => {
    await using proxy = await startProxy({ target: { port: open.port } });
    const redis = evidence.client({ host: "127.0.0.1", port: proxy.port });
    await redis.ping();
    proxy.dropReplies();
    const calls = [
      redis.append(VALUE, VALUE),
      redis.call("LPUSH", "l", VALUE),
      redis.eval("return ARGV[1]", 0, VALUE),
      redis.pipeline().incr(VALUE).rpush("l", VALUE).exec(),
      redis.multi().incr(VALUE).rpush("l", VALUE).exec(),
    ];
    await eventually(() => expect(proxy.counters.requests).toBeGreaterThan(8));
    proxy.cutAll();
    await proxy.pass();
    await evidence.collect(...calls);
  },
  "replies that make no sense": async (evidence) => {
    await using proxy = await startProxy({ target: { port: open.port } });
    const redis = evidence.client({ host: "127.0.0.1", port: proxy.port });
    await redis.ping();
    const garbled = proxy.garbage(`${VALUE}\r\n${PASSWORD}\r\n`);
    await evidence.collect(redis.append("k", VALUE), redis.get(VALUE));
    await garbled;
  },
  "an open circuit and a full queue": async (evidence) => {
    const port = await freePort();
    const redis = evidence.client({
      host: "127.0.0.1",
      port,
      password: PASSWORD,
      resilience: { breaker: { downAfter: 50 }, queue: { maxCommands: 2 } },
    });
    await evidence.collect(redis.set("a", VALUE), redis.set("b", VALUE), redis.set("c", VALUE));
    await evidence.collect(redis.set("d", VALUE), redis.pipeline().set("e", VALUE).exec());
  },
  "clients without a queue, closed clients, aborted calls": async (evidence) => {
    const port = await freePort();
    const redis = evidence.client({ host: "127.0.0.1", port, password: PASSWORD, enableOfflineQueue: false });
    await evidence.collect(redis.set("k", VALUE));
    redis.disconnect();
    await evidence.collect(redis.set("k", VALUE), redis.with({ signal: AbortSignal.abort() }).set("k", "v"));
  },
  "Sentinels with a password that are not there": async (evidence) => {
    const port = await freePort();
    const redis = evidence.client({
      sentinels: [{ host: "127.0.0.1", port }],
      name: "mymaster",
      sentinelPassword: PASSWORD,
      password: PASSWORD,
    });
    await evidence.collect(redis.set("k", VALUE));
  },
  "arguments that are refused before anything connects": (evidence) => {
    const wrong: readonly unknown[][] = [
      [`redis://:${PASSWORD}@127.0.0.1:99999`],
      [`"redis://:${URL_PASSWORD}@127.0.0.1"`],
      [`redis://:${PASSWORD}@ho st`],
      [`rediss://someone:${PASSWORD}`],
      [{ host: `someone:${PASSWORD}@127.0.0.1:6379` }],
      [{ path: `redis://:${PASSWORD}@127.0.0.1:6379` }],
      [{ port: -1, password: PASSWORD }],
      [{ password: { nested: PASSWORD } }],
      [{ resilience: { deadline: PASSWORD, profile: PASSWORD } }],
    ];
    for (const args of wrong) {
      try {
        const redis = (createRedis as (...args: unknown[]) => Redis)(...args);
        redis.on("error", (error: unknown) => evidence.note(error));
        redis.disconnect();
      } catch (error) {
        evidence.note(error);
      }
    }
    return Promise.resolve();
  },
};

describe("a planted password and value", () => {
  it.each(Object.entries(SCENES))("stay inside in: %s", async (_name, scene) => {
    const evidence = new Evidence();
    await scene(evidence);
    const text = await evidence.text();
    expect(evidence.errors).toBeGreaterThan(0);
    expect(findings(text)).toEqual([]);
  });

  it("do not reach the log where the server quotes the name of something it does not know", async () => {
    const evidence = new Evidence();
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await evidence.collect(redis.call("OBJECT", VALUE), redis.config("SET", VALUE, "x"), redis.call(PASSWORD));
    await evidence.text();
    expect(evidence.errors).toBe(3);
    expect(findings(evidence.log.text())).toEqual([]);
  });

  it("do not reach the log where a script puts them into its own error", async () => {
    const evidence = new Evidence();
    const redis = evidence.client({ host: "127.0.0.1", port: open.port });
    await evidence.collect(
      redis.eval("error('no such user ' .. ARGV[1])", 0, VALUE),
      redis.eval("return redis.error_reply('MYAPP no such user ' .. ARGV[1])", 0, VALUE),
      redis.eval("return redis.error_reply('WRONGTYPE ' .. ARGV[1])", 0, VALUE),
      redis.eval("return redis.call(ARGV[1], KEYS[1])", 1, VALUE, PASSWORD),
    );
    await evidence.text();
    expect(evidence.errors).toBe(4);
    expect(evidence.log.text()).toContain("user_script:1");
    expect(findings(evidence.log.text())).toEqual([]);
  });

  it("stay inside a client that is printed or made JSON of, its views and options too", async () => {
    const evidence = new Evidence();
    const sentinels = [{ host: "127.0.0.1", port: 1, password: PASSWORD }];
    const clients = [
      evidence.client({
        host: "127.0.0.1",
        port: open.port,
        password: PASSWORD,
        tls: { passphrase: PASSWORD },
        lazyConnect: true,
      }),
      evidence.client({ sentinels, name: "mymaster", sentinelPassword: PASSWORD, lazyConnect: true }),
      await withProvider(evidence),
    ];
    for (const redis of clients) {
      const forms = [
        redis,
        { nested: { redis } },
        redis.with({ deadline: 5 }),
        redis.options,
        { options: redis.options },
        redis.pipeline(),
      ];
      for (const form of forms) {
        for (const options of [{}, { depth: 20 }, { depth: 20, showHidden: true }, { depth: 0 }])
          expect(findings(inspect(form, options))).toEqual([]);
      }
      expect(findings(JSON.stringify({ redis, view: redis.with({ deadline: 5 }) }))).toEqual([]);
      expect(inspect(redis)).toMatch(/^Redis \{ status: '(?:wait|ready)', endpoint: '.*127\.0\.0\.1/);
      const { sentinelPassword, password, credentials } = { ...redis.options };
      expect(sentinelPassword ?? password ?? typeof credentials).toBe(
        credentials === undefined ? PASSWORD : "function",
      );
    }
    await evidence.text();
  });

  it("are found by this test where they do come out: plain ioredis's reply error shows them", async () => {
    const evidence = new Evidence();
    const { Redis: Plain } = await import("ioredis");
    const plain = new Plain({ host: "127.0.0.1", port: open.port });
    await evidence.collect(plain.call("NOSUCHCOMMAND", VALUE, PASSWORD));
    plain.disconnect();
    expect(findings(await evidence.text()).length).toBeGreaterThanOrEqual(4);
  });

  it("stay inside a process with the default logger", async () => {
    const source = `
      import { createRedis } from "./dist/index.mjs";
      const [password, value, lockedPort, openPort] = process.argv.slice(1);
      const wrong = createRedis("redis://someone:" + encodeURIComponent(password) + "@127.0.0.1:" + lockedPort);
      const redis = createRedis(Number(openPort), "127.0.0.1", { resilience: { deadline: 300 } });
      const nobody = createRedis({ port: 1, host: "127.0.0.1", password, resilience: { deadline: 300, breaker: { downAfter: 50 } } });
      await redis.withDeadline(10_000).set(value, value);
      const calls = [
        wrong.set("k", value), nobody.set("k", value), redis.lpush(value, value), redis.call("NOSUCH", value, password),
        redis.auth("someone", password), redis.acl("SETUSER", "x", ">" + password, "y" + password),
        redis.eval("return redis.call('lpush', KEYS[1], ARGV[1])", 1, value, value), redis.blpop(value, 0),
      ];
      redis.stream.destroy();
      const outcomes = await Promise.allSettled(calls);
      for (const { reason } of outcomes) if (reason) console.error(reason);
      console.error("rejected", outcomes.filter(({ status }) => status === "rejected").length);
      for (const client of [wrong, redis, nobody]) client.disconnect();
    `;
    const args = [PASSWORD, VALUE, String(locked.port), String(open.port)];
    const result = await runSource(source, { args, env: { NODE_ENV: "production" } });
    expect(result.unhandled).toEqual([]);
    expect(result.stderr).toMatch(/rejected [3-8]/);
    expect(result.stderr).toContain('"event":"incident.open"');
    expect(findings(result.stdout + result.stderr)).toEqual([]);
  });
});
