/** Credentials that change, of the servers behind Sentinel and of the Sentinels themselves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRecorder, type Recorded } from "../../lab/recorder.mjs";
import type { Credentials, CredentialsProvider, CredentialsRequest } from "../../src/credentials/provider.js";
import { diagnoseConnection } from "../../src/doctor/index.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, sleep, type TestOptions } from "./core-harness.js";
import { portOf } from "./sentinel-harness.js";

const USER = "user app on >p0 ~* &* +@all";
const WATCHER = "user watcher on >s0 ~* &* +@all";

let master: RedisServer;
let replica: RedisServer;
let sentinel: RedisServer;
beforeAll(async () => {
  master = await startRedis({ acl: [USER], config: ["repl-diskless-sync-delay 0"] });
  replica = await startRedis({ acl: [USER], config: [`replicaof 127.0.0.1 ${master.port}`] });
  const config = [`sentinel monitor lab 127.0.0.1 ${master.port} 1`];
  sentinel = await startRedis({ args: ["--sentinel"], config, acl: ["user default off", WATCHER] });
});
afterAll(async () => {
  await Promise.all([master.stop(), replica.stop(), sentinel.stop()]);
});

/** Gives the logins of the Sentinels. */
class Vault {
  readonly asked: CredentialsRequest[] = [];
  password = "s0";
  /** What happens instead of the next answers. */
  readonly mishaps: (() => Credentials)[] = [];
  #changed: (() => void) | undefined = undefined;

  readonly provider: CredentialsProvider = Object.assign(
    (request: CredentialsRequest): Credentials => {
      this.asked.push(request);
      const mishap = this.mishaps.shift();
      return mishap === undefined ? { username: "watcher", password: this.password } : mishap();
    },
    {
      watch: (changed: () => void) => {
        this.#changed = changed;
        return () => (this.#changed = undefined);
      },
    },
  );

  get reasons(): readonly string[] {
    return this.asked.map(({ reason }) => reason);
  }

  get isWatched(): boolean {
    return this.#changed !== undefined;
  }

  tell(password: string): void {
    this.password = password;
    this.#changed?.();
  }
}

let vault: Vault;
beforeEach(async () => {
  vault = new Vault();
  await sentinel.call("ACL", "SETUSER", "watcher", "resetpass", ">s0");
});

function through(options: TestOptions = {}, port = sentinel.port): ReturnType<typeof client> {
  return client(0, {
    port: undefined as never,
    sentinels: [{ host: "127.0.0.1", port }],
    name: "lab",
    username: "app",
    password: "p0",
    ...options,
  });
}

async function recorder(): Promise<Awaited<ReturnType<typeof startRecorder>>> {
  const started = await startRecorder(sentinel.port);
  atEnd(() => started.stop());
  return started;
}

/** The connection that hears of failovers. */
function listening(connections: readonly Recorded[]): Recorded {
  const [found, ...others] = connections.filter((one) => one.isOpen && one.count("subscribe") > 0);
  expect(others).toEqual([]);
  if (found === undefined) throw new Error("nobody listens");
  return found;
}

it("of the servers are asked for by the name of the set, and once more where the server refuses", async () => {
  const asked: CredentialsRequest[] = [];
  const redis = through({
    sentinelUsername: "watcher",
    sentinelPassword: "s0",
    credentials: (request) => {
      asked.push(request);
      return { username: "app", password: asked.length === 1 ? "old" : "p0", expiresAt: Date.now() + 600_000 };
    },
  });
  expect(await redis.call("ACL", "WHOAMI")).toBe("app");
  expect(asked.map(({ reason, endpoint }) => [reason, endpoint])).toEqual([
    ["connect", { sentinelName: "lab", isSentinel: false }],
    ["rejected", { sentinelName: "lab", isSentinel: false }],
  ]);
  expect(redis.log.at("fatal")).toEqual([]);
  expect(await redis.withConnection((lease) => lease.call("ACL", "WHOAMI"))).toBe("app");
});

it("of the servers that nobody gives are an incident of their own, and the client goes on trying", async () => {
  const mishaps = [0, 0, 0];
  let life = 300;
  const redis = through({
    sentinelUsername: "watcher",
    sentinelPassword: "s0",
    credentials: () => {
      if (mishaps.shift() !== undefined) throw new Error("the vault is sealed");
      return { username: "app", password: "p0", expiresAt: Date.now() + life };
    },
    resilience: { reconnect: { minTimeout: 5, maxTimeout: 20 } },
  });
  const opened = async (): Promise<void> => {
    await eventually(() => expect(redis.log.at("fatal").at(-1)?.fields["code"]).toBe("CREDENTIALS_FAILED"));
    expect(redis.status).not.toBe("end");
    redis.log.clear();
  };
  const first = redis.ping();
  await opened();
  expect(await first).toBe("PONG");
  // Again, after it was connected: what was given has expired by then.
  mishaps.push(0, 0, 0);
  life = 600_000;
  await sleep(300);
  redis.stream.destroy();
  const second = redis.ping();
  await opened();
  expect(await second).toBe("PONG");
});

describe("those of the Sentinels", () => {
  it("are asked for by the name of the set, and once more where a Sentinel refuses, unheard", async () => {
    vault.mishaps.push(() => ({ username: "watcher", password: "old", expiresAt: Date.now() + 600_000 }));
    const redis = through({
      sentinelCredentials: vault.provider,
      sentinelUsername: "nobody",
      sentinelPassword: "wrong",
    });
    expect(await redis.ping()).toBe("PONG");
    expect(vault.asked.slice(0, 2).map(({ reason, endpoint }) => [reason, endpoint])).toEqual([
      ["connect", { sentinelName: "lab", isSentinel: true }],
      ["rejected", { sentinelName: "lab", isSentinel: true }],
    ]);
    expect(redis.log.at("fatal", "error")).toEqual([]);
  });

  it("reach the subscription that is there, which goes on hearing of failovers, and every question after that", async () => {
    const relay = await recorder();
    const redis = through({ sentinelCredentials: vault.provider }, relay.port);
    await redis.ping();
    await eventually(() => expect(vault.isWatched).toBe(true));
    await eventually(() => expect(listening(relay.connections).count("ping")).toBeGreaterThan(0));
    const connection = listening(relay.connections);
    for (const password of ["s1", "s2"]) {
      await sentinel.call("ACL", "SETUSER", "watcher", "resetpass", `>${password}`);
      vault.tell(password);
      await eventually(() => expect(connection.passwords.at(-1)).toBe(password));
    }
    expect(connection.passwords).toEqual(["s0", "s1", "s2"]);
    // In one write: nothing that is announced can come between.
    const names = connection.commands.map(([name]) => name);
    expect(names.slice(names.lastIndexOf("unsubscribe"))).toEqual(expect.arrayContaining(["auth", "subscribe"]));
    await eventually(async () => expect(await sentinel.cli("SENTINEL", "REPLICAS", "lab")).toContain(String(replica.port)), { withinMs: 30_000 }); // prettier-ignore
    const from = portOf(redis);
    await eventually(() => sentinel.call("SENTINEL", "FAILOVER", "lab"), { withinMs: 30_000 });
    await eventually(() => expect([undefined, from]).not.toContain(portOf(redis)), { withinMs: 30_000 });
    await eventually(() => expect(redis.log.text()).toContain("took over from"));
    expect(connection.isOpen).toBe(true);
    const late = relay.connections.filter(({ passwords }) => passwords[0] === "s2");
    for (const { passwords } of late) expect(passwords).toEqual(["s2"]);
    expect(redis.log.text()).not.toContain("credentials.failed");
  });

  it("are kept on a subscription that a Sentinel refuses to log in anew, which is told, and so is its end", async () => {
    const relay = await recorder();
    const redis = through({ sentinelCredentials: vault.provider }, relay.port);
    await redis.ping();
    await eventually(() => expect(vault.isWatched).toBe(true));
    const connection = listening(relay.connections);
    vault.tell("early");
    await eventually(() => expect(redis.log.text()).toContain("(for the Sentinels) gives credentials that the server refuses")); // prettier-ignore
    await sentinel.call("ACL", "SETUSER", "watcher", ">early");
    await eventually(() => expect(redis.log.text()).toContain("credentials.renewed"));
    expect([connection.isOpen, redis.status]).toEqual([true, "ready"]);
    expect(redis.log.at("fatal")).toEqual([]);
  });

  it("that nobody gives are an incident of their own, which ends when somebody does (CREDENTIALS_FAILED)", async () => {
    const fail = (): never => {
      throw Object.assign(new Error("no route"), { code: "EHOSTUNREACH" });
    };
    vault.mishaps.push(fail, fail);
    const redis = through({ sentinelCredentials: vault.provider });
    expect(await redis.ping()).toBe("PONG");
    const [incident] = redis.log.at("fatal");
    expect(incident?.fields).toMatchObject({ event: "incident.open", code: "CREDENTIALS_FAILED" });
    expect(incident?.fields["seen"]).toMatch(/^the credentials provider .* \(for the Sentinels\) threw an error \(EHOSTUNREACH\)$/); // prettier-ignore
    await eventually(() => expect(redis.log.text()).toContain("incident.closed"));
  });

  it("that they refuse again are an incident that names who gave them, and ends with good ones (SENTINEL_ACCESS)", async () => {
    vault.password = "wrong";
    const redis = through({ sentinelCredentials: vault.provider });
    await eventually(() => expect(redis.log.at("fatal")).toHaveLength(1));
    const [incident] = redis.log.at("fatal");
    expect(incident?.fields).toMatchObject({ event: "incident.open", code: "SENTINEL_ACCESS" });
    expect(incident?.message).toContain("The login comes from the credentials provider ");
    vault.password = "s0";
    expect(await redis.withDeadline(20_000).ping()).toBe("PONG");
    // Asked for in pauses, not for every question.
    expect(vault.asked.length).toBeLessThan(15);
    await eventually(() => expect(redis.log.text()).toContain("incident.closed"));
  });

  it("never keep a client that is closed while nobody gives them", async () => {
    vault.mishaps.push(() => new Promise(() => undefined) as never);
    const redis = through({ sentinelCredentials: vault.provider });
    const waiting = redis.ping().catch((error: unknown) => error);
    await eventually(() => expect(vault.asked).toHaveLength(1));
    redis.disconnect();
    expect(await waiting).toMatchObject({ name: "ClosedError" });
    await eventually(() => expect(vault.asked[0]?.signal.aborted).toBe(true));
  });

  it("are asked for by the doctor as well", async () => {
    const target = {
      sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
      name: "lab",
      username: "app",
      password: "p0",
    };
    const report = await diagnoseConnection({ ...target, sentinelCredentials: vault.provider });
    const discovery = report.checks.find(({ id }) => id === "discovery");
    expect(discovery?.status).not.toBe("fail");
    expect(JSON.stringify(report)).not.toMatch(/NOAUTH|WRONGPASS/);
    expect(vault.asked.map(({ reason, endpoint }) => [reason, endpoint])).toEqual([
      ["connect", { sentinelName: "lab", isSentinel: true }],
    ]);
  });
});
