/**
 * What callers are told, what `stats()` counts, what `health()` says, the log's fields and the log's sentences are five views
 * of the same facts. Ten faults, each under several busy clients of one endpoint; afterwards all five must agree.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IoredoubtError, Redis, type ResilienceOptions } from "../../src/index.js";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import { eventually } from "../helpers/eventually.js";
import type { FaultProxy } from "../helpers/fault-proxy.js";
import { createLogSink, type LogLine, type LogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, proxyTo, sleep } from "./core-harness.js";

const CLIENTS = 3;

interface Told {
  readonly code: string;
  /** This client refused to send it, and never had. */
  readonly isUnsent: boolean;
  readonly isUnknown: boolean;
}

interface Scene {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  readonly clients: readonly Redis[];
  readonly log: LogSink;
  /** Resolves once a caller was told an error. */
  hurt(): Promise<void>;
  /** Resolves once some client says that it is not well. */
  unwell(): Promise<void>;
}

interface Fault {
  readonly name: string;
  readonly act: (scene: Scene) => Promise<void>;
  readonly resilience?: ResilienceOptions;
  readonly clients?: number;
}

const FAULTS: readonly Fault[] = [
  {
    name: "every connection is cut, replies outstanding",
    act: async ({ proxy, hurt }) => {
      proxy.dropReplies();
      await sleep(40);
      await proxy.pass();
      proxy.cutAll();
      await hurt();
    },
  },
  {
    name: "cuts in a row, each over at once",
    act: async ({ proxy, clients }) => {
      for (let i = 0; i < 5; i++) {
        proxy.cutAll();
        await eventually(() => expect(clients.map((client) => client.health().status)).not.toContain("down"));
        await sleep(60);
      }
    },
  },
  {
    name: "a black hole",
    act: async ({ proxy, hurt }) => {
      proxy.blackhole();
      await hurt();
      await sleep(1_000);
      await proxy.pass();
    },
  },
  {
    name: "the server is killed and comes back",
    act: async ({ server, hurt }) => {
      await server.kill();
      await hurt();
      await sleep(500);
      await server.restart();
    },
  },
  {
    name: "the server freezes under two clients",
    clients: 2,
    act: async ({ server, hurt }) => {
      server.freeze();
      await hurt();
      await sleep(1_500);
      server.thaw();
    },
  },
  {
    name: "connections are refused, and the circuit opens",
    act: async ({ proxy, hurt, unwell }) => {
      await proxy.refuse();
      proxy.cutAll();
      await unwell();
      await hurt();
      await sleep(1_000);
      await proxy.pass();
    },
  },
  {
    name: "connections are accepted and closed",
    act: async ({ proxy, hurt }) => {
      proxy.acceptThenClose();
      proxy.cutAll();
      await hurt();
      await sleep(500);
      await proxy.pass();
    },
  },
  {
    name: "the server takes no writes for lack of memory",
    act: async ({ server, hurt }) => {
      await server.call("CONFIG", "SET", "maxmemory", "1");
      await hurt();
      await sleep(300);
      await server.call("CONFIG", "SET", "maxmemory", "0");
    },
  },
  {
    name: "the master is demoted for a while",
    act: async ({ server, hurt }) => {
      await server.call("REPLICAOF", "127.0.0.1", "1");
      await hurt();
      await sleep(300);
      await server.call("REPLICAOF", "NO", "ONE");
    },
  },
  {
    name: "there is no room to wait",
    resilience: { queue: { maxCommands: 5 } },
    act: async ({ proxy, hurt }) => {
      await proxy.refuse();
      proxy.cutAll();
      await hurt();
      await sleep(400);
      await proxy.pass();
    },
  },
];

describe("callers, stats(), health(), log fields and log sentences agree", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it.each(FAULTS)("$name", { timeout: 40_000 }, async ({ act, resilience, clients: count = CLIENTS }) => {
    const proxy = await proxyTo(server);
    const log = createLogSink();
    const unwell = new Set<string>();
    const clients = Array.from({ length: count }, () => {
      const redis = new Redis({
        host: "127.0.0.1",
        port: proxy.port,
        resilience: {
          profile: "production",
          deadline: 600,
          breaker: { downAfter: 400, resetTimeout: 200, maxResetTimeout: 400, rollingCountTimeout: 2_000 },
          reconnect: { minTimeout: 10, maxTimeout: 100, handshakeTimeout: 500 },
          summaryInterval: 3_000,
          doctor: false,
          logger: log,
          ...resilience,
        },
      });
      redis.on("error", () => undefined);
      atEnd(() => redis.disconnect());
      return redis;
    });
    // No command: on a busy machine it could fail before the fault.
    await Promise.all(clients.map((client) => client.startup({ within: 20_000 })));

    const errors: Told[] = [];
    let isBusy = true;
    let answered = 0;
    const keepBusy = async (redis: Redis, id: number): Promise<void> => {
      for (let i = 0; isBusy; i++) {
        const key = `agreement:${String(id)}`;
        unwell.add(redis.health().status);
        const calls = [redis.incr(key), redis.get(key), redis.set(`${key}:s`, i), redis.lpush(`${key}:l`, i)];
        for (const call of calls) {
          call.then(
            () => answered++,
            (error: unknown) => errors.push(toldBy(error)),
          );
        }
        await sleep(10);
      }
      await redis.del(`agreement:${String(id)}:l`).catch((error: unknown) => errors.push(toldBy(error)));
    };
    const work = clients.map(keepBusy);
    await eventually(() => expect(answered).toBeGreaterThan(50));
    await act({
      server,
      proxy,
      clients,
      log,
      hurt: () => eventually(() => expect(errors.length).toBeGreaterThan(0), { withinMs: 10_000 }),
      unwell: () => eventually(() => expect(clients.some((client) => client.health().status !== "ready")).toBe(true)),
    });

    // Well again, by health() and by the callers.
    await eventually(
      () => expect(clients.map((client) => client.health().status)).toEqual(clients.map(() => "ready")),
      {
        withinMs: 15_000,
      },
    );
    const before = answered;
    await eventually(() => expect(answered).toBeGreaterThan(before + 100), { withinMs: 10_000 });
    isBusy = false;
    await Promise.all(work);
    await eventually(() => expect(clients.every((client) => client.stats().inFlight === 0)).toBe(true));
    // health() and the log agree that it is over.
    await eventually(
      () => expect(eventCount(log, "incident.open"), log.text()).toBe(eventCount(log, "incident.closed")),
      { withinMs: 10_000 },
    );
    const stats = clients.map((client) => client.stats());
    for (const client of clients) client.disconnect();
    await eventually(() =>
      expect(clients.map((client) => client.health().status)).toEqual(clients.map(() => "closed")),
    );

    const told = tally(errors);
    expect(
      sum(stats, ({ failed }) => failed),
      "stats().failed",
    ).toBe(told.failed);
    expect(
      sum(stats, ({ unknownOutcomes }) => unknownOutcomes),
      "stats().unknownOutcomes",
    ).toBe(told.unknown);
    expect(
      sum(stats, ({ rejected }) => rejected),
      "stats().rejected",
    ).toBe(told.unsent);
    expect(merged(stats.map(({ codes }) => codes)), "stats().codes").toEqual(told.codes);
    expect(sum(stats, ({ families }) => Object.values(families).reduce((all, one) => all + one.failed, 0))).toBe(
      told.failed,
    );

    const final = log.lines.filter(({ fields }) => FINAL.has(String(fields["event"])));
    expect(sum(final, failedIn), `log fields: ${log.text()}`).toBe(told.failed);
    expect(
      sum(final, ({ fields }) => Number(fields["unknownOutcome"] ?? 0)),
      log.text(),
    ).toBe(told.unknown);
    expect(
      sum(final, ({ fields }) => Number(fields["rejected"] ?? 0)),
      log.text(),
    ).toBe(told.unsent);
    expect(
      sum(final, ({ fields }) => Number(fields["retried"] ?? 0)),
      log.text(),
    ).toBe(sum(stats, ({ retried }) => retried));
    // Where the log had an incident that lasted, health() did not say that all was well.
    if (eventCount(log, "incident.open") > 0) expect([...unwell].sort()).not.toEqual(["ready"]);
    expect(merged(final.map(codesIn)), log.text()).toEqual(told.codes);
    for (const line of final) expectSameInWords(line);
  });
});

/** Lines that tell the whole of something, each command in one of them. */
const FINAL: ReadonlySet<string> = new Set([
  "incident.closed",
  "connection.blip",
  "incident.flapping",
  "commands.failed",
  "commands.rejected",
]);

function toldBy(error: unknown): Told {
  if (!(error instanceof Error)) throw new Error("rejected with something that is no Error", { cause: error });
  const { diagnosis } = error as { diagnosis?: Diagnosis };
  const { code } = error as { code?: string };
  expect(code).toBe(diagnosis?.code);
  const isOurs = IoredoubtError.is(error);
  const command = isOurs ? error.command?.name : undefined;
  const isUnsent = isOurs && error.applied === "no" && error.attempts === 0;
  return { code: String(code), isUnsent, isUnknown: diagnosis?.applied === "maybe" && command !== "get" };
}

function tally(errors: readonly Told[]): {
  readonly failed: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly codes: Readonly<Record<string, number>>;
} {
  return {
    failed: errors.length,
    unsent: errors.filter(({ isUnsent }) => isUnsent).length,
    unknown: errors.filter(({ isUnknown }) => isUnknown).length,
    codes: merged(errors.map(({ code }) => ({ [code]: 1 }))),
  };
}

function eventCount(log: LogSink, event: string): number {
  return log.lines.filter(({ fields }) => fields["event"] === event).length;
}

function failedIn({ fields }: LogLine): number {
  return Number((fields["event"] === "commands.rejected" ? fields["rejected"] : fields["failed"]) ?? 0);
}

function codesIn({ fields }: LogLine): Readonly<Record<string, number>> {
  if (fields["event"] === "commands.rejected") return { [String(fields["code"])]: Number(fields["rejected"]) };
  return (fields["codes"] ?? {}) as Readonly<Record<string, number>>;
}

function expectSameInWords(line: LogLine): void {
  const { fields, message } = line;
  const failed = failedIn(line);
  const unknown = Number(fields["unknownOutcome"] ?? 0);
  if (failed === 0) expect(message).toMatch(/no command failed|0 failed/);
  if (unknown > 0) expect(message).toMatch(new RegExp(`\\b${String(unknown)} (?:commands? )?with unknown outcome`));
  if (failed > unknown) {
    expect(message).toMatch(new RegExp(`\\b${String(failed)} (?:commands? )?(?:failed|rejected)`));
    if (fields["event"] === "commands.rejected") return;
    for (const [code, count] of Object.entries(codesIn(line))) expect(message).toContain(`${code} ${String(count)}`);
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function merged(all: readonly Readonly<Record<string, number | undefined>>[]): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const one of all) {
    for (const [name, count = 0] of Object.entries(one)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
