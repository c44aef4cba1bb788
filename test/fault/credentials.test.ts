/** Credentials that change: asked for before each connection, before they expire and after a refusal; live connections follow. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Recorded } from "../../lab/recorder.mjs";
import { startRecorder } from "../../lab/recorder.mjs";
import type { Credentials, CredentialsRequest } from "../../src/credentials/provider.js";
import type { Resubscribed } from "../../src/ioredis/resubscription.js";
import { createRedis } from "../../src/index.js";
import { runSource } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, expectError, gist, ignore, outcomeOf, ready, type TestOptions } from "./core-harness.js";
import { blocked } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ acl: ["user app on >p0 ~* &* +@all", "user tenant on >hush ~* &* +@all"] });
});
afterAll(() => server.stop());

const dialects = [
  ["RESP3", { protocol: 3 }],
  ["RESP2", { protocol: 2 }],
] as unknown as readonly [string, TestOptions][];

/** Where the passwords come from: `rotate` makes another one current, at the server first. */
class Vault {
  readonly asked: CredentialsRequest[] = [];
  password = "p0";
  /** What happens instead of the next answers. */
  readonly mishaps: (() => Promise<Credentials> | Credentials)[] = [];
  life: number | undefined = undefined;
  #changed: (() => void) | undefined = undefined;

  get reasons(): readonly string[] {
    return this.asked.map(({ reason }) => reason);
  }

  readonly provider = Object.assign(
    (request: CredentialsRequest): Promise<Credentials> | Credentials => {
      this.asked.push(request);
      const mishap = this.mishaps.shift();
      if (mishap !== undefined) return mishap();
      const { life, password } = this;
      return { username: "app", password, ...(life === undefined ? {} : { expiresAt: new Date(Date.now() + life) }) };
    },
    {
      watch: (changed: () => void) => {
        this.#changed = changed;
        return () => (this.#changed = undefined);
      },
    },
  );

  /** Another password; the old one ends at once. `isTold`: the provider says so by itself. */
  async rotate(password: string, isTold = true): Promise<void> {
    await server.call("ACL", "SETUSER", "app", "resetpass", `>${password}`);
    this.password = password;
    if (isTold) this.tell();
  }

  tell(): void {
    this.#changed?.();
  }
}

let vault: Vault;
beforeEach(async () => {
  vault = new Vault();
  await vault.rotate("p0");
});

async function recorder(): Promise<Awaited<ReturnType<typeof startRecorder>>> {
  const started = await startRecorder(server.port);
  atEnd(() => started.stop());
  return started;
}

/** The connection on which this was said. */
function saying(connections: readonly Recorded[], ...words: readonly string[]): Recorded {
  const found = connections.filter(({ isOpen, commands }) => isOpen && commands.some((one) => words.every((word, at) => one[at] === word))); // prettier-ignore
  expect(found).toHaveLength(1);
  return found[0] as Recorded;
}

async function loggedIn(connection: Recorded, ...passwords: readonly string[]): Promise<void> {
  await eventually(() => expect(connection.passwords).toEqual(passwords));
}

describe.each(dialects)("a client with a provider (%s)", (_, dialect) => {
  it("logs in with what it gives, and each live connection anew, in order and without a reconnect", async () => {
    const relay = await recorder();
    const redis = await ready(relay.port, { ...dialect, credentials: vault.provider });
    expect(await redis.call("ACL", "WHOAMI")).toBe("app");
    const before = Array.from({ length: 50 }, () => redis.incr("n"));
    await vault.rotate("p1");
    const after = Array.from({ length: 50 }, () => redis.incr("n"));
    expect((await Promise.all([...before, ...after])).at(-1)).toBe(await redis.get("n").then(Number));
    await loggedIn(saying(relay.connections, "incr"), "p0", "p1");
    expect(vault.reasons).toEqual(["connect", "expiring"]);
    expect(relay.connections).toHaveLength(1);
  });

  it("never logs in inside a MULTI, neither a batch nor one that waits for its owner", async () => {
    const relay = await recorder();
    const redis = await ready(relay.port, { ...dialect, credentials: vault.provider });
    await redis.withConnection(async (lease) => {
      await lease.watch("k");
      await lease.multi({ pipeline: false });
      await lease.set("k", "1");
      const connection = saying(relay.connections, "multi");
      const [shared] = relay.connections;
      await vault.rotate("p1");
      await eventually(() => expect(shared?.passwords).toEqual(["p0", "p1"]));
      expect(connection.passwords).toEqual(["p0"]);
      await lease.set("k", "2");
      expect(await lease.exec()).toEqual([
        [null, "OK"],
        [null, "OK"],
      ]);
      // The answer to EXEC brings the login, before whoever waits for it can begin anything else.
      expect(await lease.get("k")).toBe("2");
      expect(connection.commands.map(([name]) => name).slice(-3)).toEqual(["exec", "auth", "get"]);
    });
    const batches = Promise.all(Array.from({ length: 100 }, () => redis.multi().incr("m").incr("m").exec()));
    await vault.rotate("p2");
    await batches;
    await eventually(() => expect(relay.open.every(({ passwords }) => passwords.at(-1) === "p2")).toBe(true));
    expect(relay.open.map(({ loginsInTransaction }) => loginsInTransaction)).toEqual([0, 0]);
  });

  it("logs a blocking connection in between the pieces of a block, and a lease that rests at once", async () => {
    const relay = await recorder();
    const resilience = { heartbeat: { interval: 1_000, timeout: 5_000 }, pool: { min: 1, idleTimeout: 60_000 } };
    const redis = await ready(relay.port, { ...dialect, resilience, credentials: vault.provider });
    await redis.withConnection((lease) => lease.set("lease", "1"));
    await Promise.all(Array.from({ length: 20 }, () => redis.incr("n")));
    const popped = redis.blpop("list", 30);
    await blocked(server, 1);
    const blocking = saying(relay.connections, "blpop");
    const pieces = blocking.count("blpop");
    await vault.rotate("p1");
    await loggedIn(saying(relay.connections, "set", "lease"), "p0", "p1");
    expect(blocking.count("blpop") > pieces || blocking.passwords.length === 1).toBe(true);
    await loggedIn(blocking, "p0", "p1");
    await blocked(server, 1);
    await redis.rpush("list", "a");
    expect(await popped).toEqual(["list", "a"]);
    const last = blocking.commands.map(([name]) => name).filter((name) => name === "auth" || name === "blpop");
    expect(last.slice(-2)).toEqual(["auth", "blpop"]);
  });

  it("logs subscribers in, which go on hearing everything", async () => {
    const relay = await recorder();
    const redis = await ready(relay.port, { ...dialect, credentials: vault.provider });
    const heard: string[] = [];
    const restored: Resubscribed[] = [];
    redis.on("message", (channel: string, message: string) => heard.push(`${channel} ${message}`));
    redis.on("pmessage", (pattern: string, channel: string, message: string) => heard.push(`${pattern} ${message}`));
    redis.on("resubscribed", (event: Resubscribed) => restored.push(event));
    await redis.subscribe("news", "weather");
    await redis.psubscribe("n*");
    const connection = saying(relay.connections, "subscribe");
    for (let i = 1; i <= 3; i++) {
      await vault.rotate(`p${i}`);
      await eventually(() => expect(connection.passwords).toHaveLength(i + 1));
      if (dialect.protocol === 2) await eventually(() => expect(restored).toHaveLength(i));
      await server.call("PUBLISH", "news", `m${i}`);
    }
    await eventually(() => expect(heard).toHaveLength(6));
    expect(heard.filter((one) => one.startsWith("news "))).toEqual(["news m1", "news m2", "news m3"]);
    expect(relay.connections).toHaveLength(1);
    expect(await outcomeOf(redis.subscribe("more"))).toMatchObject({ value: 4 });
    // RESP3 takes AUTH at any time: nothing was left.
    if (dialect.protocol === 3) expect(restored).toEqual([]);
    else expect(restored.flatMap(({ channels }) => channels).slice(0, 2)).toEqual(["news", "weather"]);
  });
});

it("logs in lanes as well, and duplicates share the answers", async () => {
  const relay = await recorder();
  const resilience = { pool: { size: 3 } };
  const redis = await ready(relay.port, { resilience, credentials: vault.provider });
  await Promise.all(Array.from({ length: 60 }, (_, i) => redis.set(`k${i}`, "1")));
  const twin = redis.duplicate();
  atEnd(() => twin.disconnect());
  await twin.ping();
  expect(relay.open).toHaveLength(4);
  await vault.rotate("p1");
  await eventually(() => expect(relay.open.map(({ passwords }) => passwords)).toEqual(Array(4).fill(["p0", "p1"])));
  expect(vault.reasons.filter((reason) => reason === "expiring")).toHaveLength(1);
});

it("gives way to the password of a duplicate, and to a provider of its own", async () => {
  const redis = await ready(server.port, { credentials: vault.provider });
  const whoIs = async (override: TestOptions): Promise<unknown> => {
    const twin = redis.duplicate(override);
    atEnd(() => twin.disconnect());
    return twin.call("ACL", "WHOAMI");
  };
  const tenant = { username: "tenant", password: "hush" };
  expect([await whoIs({}), await whoIs(tenant), await whoIs({ credentials: () => tenant })]).toEqual([
    "app",
    "tenant",
    "tenant",
  ]);
  // Beside a provider, in one and the same object, the password counts for nothing.
  expect(await whoIs({ ...tenant, credentials: vault.provider })).toBe("app");
});

it("asks before an answer expires", async () => {
  const relay = await recorder();
  vault.life = 2_000;
  await ready(relay.port, { credentials: vault.provider });
  await vault.rotate("p1", false);
  await loggedIn(saying(relay.connections, "hello"), "p0", "p1");
  expect(vault.reasons).toEqual(["connect", "expiring"]);
});

describe("a login that the server does not know any more", () => {
  it.each(dialects)("is asked for once more, and nobody hears of it (%s)", async (_, dialect) => {
    vault.life = 600_000;
    const redis = await ready(server.port, { ...dialect, credentials: vault.provider });
    await vault.rotate("p1", false);
    redis.log.clear();
    redis.stream.destroy();
    expect(await redis.call("ACL", "WHOAMI")).toBe("app");
    expect(vault.reasons).toEqual(["connect", "rejected"]);
    expect(redis.log.at("fatal", "error")).toEqual([]);
  });

  it("is a fatal incident that names the provider when the next one is refused as well, and ends with a good one", async () => {
    vault.password = "wrong";
    const redis = client(server.port, { credentials: vault.provider, resilience: { reconnect: { minTimeout: 5, maxTimeout: 20 } } }); // prettier-ignore
    const outcome = await outcomeOf(redis.ping());
    expect(gist(outcome)).toMatch(/^WRONGPASS/);
    expect(vault.reasons.slice(0, 2)).toEqual(["connect", "rejected"]);
    const [incident] = redis.log.at("fatal");
    expect(incident?.fields).toMatchObject({ event: "incident.open", code: "AUTH_WRONG" });
    expect(incident?.message).toContain("Seen: The login comes from the credentials provider ");
    vault.password = "p0";
    await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    await eventually(() => expect(redis.log.text()).toContain("incident.closed"));
  });

  it("is kept on a live connection that the server refuses to log in anew, and tried again after a pause", async () => {
    const redis = await ready(server.port, { credentials: vault.provider });
    vault.password = "early";
    vault.tell();
    await eventually(() => expect(redis.log.text()).toContain("gives credentials that the server refuses"));
    expect(await redis.call("ACL", "WHOAMI")).toBe("app");
    await server.call("ACL", "SETUSER", "app", ">early");
    await eventually(() => expect(redis.log.text()).toContain("credentials.renewed"));
    expect(redis.status).toBe("ready");
  });
});

describe("a provider that fails", () => {
  it("at the first connection is an incident under its own name, which ends when it answers (CREDENTIALS_FAILED)", async () => {
    vault.mishaps.push(() => Promise.reject(Object.assign(new Error("no route"), { code: "EHOSTUNREACH" })));
    const redis = client(server.port, { credentials: vault.provider });
    expect(await redis.ping()).toBe("PONG");
    const [incident] = redis.log.at("fatal");
    expect(incident?.fields).toMatchObject({ event: "incident.open", code: "CREDENTIALS_FAILED" });
    expect(incident?.fields["seen"]).toMatch(/^the credentials provider .* threw an error \(EHOSTUNREACH\)$/);
    await eventually(() => expect(redis.log.text()).toContain("incident.closed"));
  });

  it("while connections live is told in one line, hurts no command, and its end is told too", async () => {
    const redis = await ready(server.port, { credentials: vault.provider });
    vault.mishaps.push(() => ({ username: "app" }) as Credentials);
    await vault.rotate("p1");
    await eventually(() => expect(redis.log.text()).toContain("credentials.renewed"));
    expect(await redis.ping()).toBe("PONG");
    const told = redis.log.lines.filter(({ fields }) => String(fields["event"]).startsWith("credentials."));
    expect(told.map(({ level, fields }) => [level, fields["event"], fields["code"]])).toEqual([
      ["error", "credentials.failed", "CREDENTIALS_FAILED"],
      ["info", "credentials.renewed", undefined],
    ]);
    expect(told[0]?.message).toContain("returned nothing as the password; connections keep the login they have");
    expect(redis.log.at("fatal")).toEqual([]);
  });

  it("by hanging is named while it does: in errors, in health() and as the incident", async () => {
    const fromVault = (): Promise<never> => new Promise(() => undefined);
    const resilience = { deadline: 1_000, breaker: { downAfter: 1_000 } };
    const redis = client(server.port, { credentials: fromVault, resilience });
    const waiting = outcomeOf(redis.ping());
    await eventually(() => expect(redis.health().reason).toContain("It waits for the credentials provider fromVault."));
    const { message, state } = expectError(await waiting, "DeadlineError", "no");
    expect(message).toContain("The credentials provider fromVault has been asked for ");
    expect(state?.phase).toBe("login");
    await eventually(() => expect(redis.log.at("fatal")).toHaveLength(1));
    const [incident] = redis.log.at("fatal");
    expect(incident?.fields["code"]).toBe("CREDENTIALS_FAILED");
    expect(incident?.fields["seen"]).toBe("the credentials provider fromVault has not answered yet");
  });

  it("by hanging keeps the process until what waits is settled, and a closed client does not", async () => {
    const source = `
      import { createRedis } from "./dist/index.mjs";
      const credentials = () => new Promise(() => undefined);
      const redis = createRedis({ port: 1, credentials, resilience: { deadline: 300, logger: false } });
      redis.on("error", () => undefined);
      await redis.get("k").catch(({ name }) => console.log(name));
      redis.disconnect();
    `;
    const { stdout, code, timedOut } = await runSource(source);
    expect([stdout.trim(), code, timedOut]).toEqual(["DeadlineError", 0, false]);
  });

  it("never keeps a client that is closed: not while it hangs", async () => {
    vault.mishaps.push(() => new Promise<never>(() => undefined));
    const redis = client(server.port, { credentials: vault.provider });
    const waiting = outcomeOf(redis.ping());
    await eventually(() => expect(vault.asked).toHaveLength(1));
    redis.disconnect();
    expect(gist(await waiting)).toBe("ClosedError no");
    await eventually(() => expect(redis.status).toBe("end"));
    expect(vault.asked[0]?.signal.aborted).toBe(true);
    await redis.connect();
    expect(await redis.ping()).toBe("PONG");
    redis.stream.destroy();
    expect(await redis.ping()).toBe("PONG");
  });
});

describe("a login that a caller takes with AUTH", () => {
  it("is nobody else's to change", async () => {
    const relay = await recorder();
    const redis = await ready(relay.port, { credentials: vault.provider });
    const other = await ready(relay.port, { credentials: vault.provider });
    await redis.auth("tenant", "hush");
    await vault.rotate("p1");
    await eventually(() => expect(relay.connections[1]?.passwords).toEqual(["p0", "p1"]));
    expect(await redis.call("ACL", "WHOAMI")).toBe("tenant");
    redis.stream.destroy();
    expect(await redis.call("ACL", "WHOAMI")).toBe("tenant");
    expect(await other.call("ACL", "WHOAMI")).toBe("app");
  });

  it.each<[string, TestOptions]>([
    ["over the options'", { username: "app", password: "p0" }],
    ["over a provider's", {}],
  ])("is the login of leases and blocking connections too, new ones and those that were there (%s)", async (_, own) => {
    const options = "password" in own ? own : { credentials: vault.provider };
    const redis = await ready(server.port, { ...options, resilience: { pool: { min: 1 } } });
    const whoLeases = (): Promise<unknown> => redis.withConnection((lease) => lease.call("ACL", "WHOAMI"));
    const whoBlocks = async (): Promise<string | undefined> => {
      const popped = redis.blpop("who", 20);
      await blocked(server, 1);
      const list = await server.cli("CLIENT", "LIST");
      await redis.rpush("who", "x");
      await popped;
      return list
        .split("\n")
        .find((line) => line.includes("cmd=blpop"))
        ?.match(/user=(\S+)/)?.[1];
    };
    await Promise.all(Array.from({ length: 20 }, () => redis.ping()));
    expect([await whoLeases(), await whoBlocks()]).toEqual(["app", "app"]);
    await redis.auth("tenant", "hush");
    expect([await whoLeases(), await whoBlocks()]).toEqual(["tenant", "tenant"]);
    const both = await Promise.all([whoLeases(), redis.withConnection(whoLeases)]);
    expect(both).toEqual(["tenant", "tenant"]);
    await redis.call("RESET");
    expect([await whoLeases(), await whoBlocks()]).toEqual(["app", "app"]);
  });
});

describe("REDIS_PASSWORD_FILE", () => {
  it("is read again when the file changes, and for each connection", async () => {
    const path = join(server.dir, "password");
    await writeFile(path, "p0\n");
    const env = { REDIS_URL: `redis://127.0.0.1:${server.port}`, REDIS_USERNAME: "app", REDIS_PASSWORD_FILE: path };
    const log = createLogSink();
    // Three places that say something, of which ioredis reads as many.
    const redis = createRedis.fromEnv(env, { resilience: { logger: log, doctor: false }, redis: { db: 3 } });
    redis.on("error", ignore);
    atEnd(() => redis.disconnect());
    expect(await redis.call("ACL", "WHOAMI")).toBe("app");
    expect([redis.options.db, redis.policy.profile]).toEqual([3, "production"]);
    await writeFile(path, "p1");
    await vault.rotate("p1", false);
    redis.stream.destroy();
    expect(await redis.call("ACL", "WHOAMI")).toBe("app");
    expect(log.at("fatal")).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, string>>, TestOptions]>([
    ["a password in the URL", { REDIS_URL: "redis://app:secret@127.0.0.1" }, {}],
    ["one in the code", { REDIS_HOST: "127.0.0.1", REDIS_USERNAME: "app" }, { password: "secret" }],
  ])("gives way to %s", async (_, env, redis) => {
    const path = join(server.dir, "password");
    await writeFile(path, "p0");
    const resilience = { logger: false } as const;
    const made = createRedis.fromEnv({ ...env, REDIS_PASSWORD_FILE: path }, { resilience, redis: { ...redis, lazyConnect: true } }); // prettier-ignore
    atEnd(() => made.disconnect());
    expect([made.options.password, made.options.credentials]).toEqual(["secret", undefined]);
  });
});
