/**
 * A server whose password changes every two seconds, the old one refused a second later, under load on every kind of connection, one of
 * which is cut each second; and a provider that hangs once and throws once. What has happened is told at the end.
 */
import { startRecorder, type Recorded } from "../../lab/recorder.mjs";
import { Redis as PlainRedis } from "ioredis";
import { expect } from "vitest";
import type { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, ignore, sleep } from "./core-harness.js";
import { Callers, cutting, repeat, RotatingPassword } from "./rotating-password.js";

const FAULTS = { hangs: 1, throws: 4 };

export interface Rotation {
  /** Errors of callers, without those that a cut explains, which are counted. */
  readonly failed: readonly string[];
  readonly inFlight: number;
  readonly answered: number;
  /**
   * Connections that were cut, and those that ended in another way; without loans that were cut, whose next connection the pool ends.
   */
  readonly cut: number;
  readonly ended: number;
  /** What the provider gave for the address: in order, each password once. */
  readonly given: readonly string[];
  /** `due`: what each should have had, if its login was asked for by address, and by the name of the set. */
  readonly connections: readonly { readonly connection: Recorded; readonly due: readonly (readonly string[])[] }[];
  /** Messages that the two subscribers heard. */
  readonly heard: readonly number[];
  readonly questions: number;
  /** What plain ioredis with the first password in its options says once its connection is cut. */
  readonly plain: string;
}

/** Rotates for so many seconds; the user is `app`. */
export async function rotate(server: RedisServer, seconds: number, loginWaits?: number): Promise<Rotation> {
  const relay = await startRecorder(server.port);
  atEnd(() => relay.stop());
  let until = Infinity;
  atEnd(() => (until = 0));
  const isOn = (): boolean => performance.now() < until;
  const app = new RotatingPassword((...rules) => server.call("ACL", "SETUSER", "app", ...rules), FAULTS);
  await app.begin();
  const plainRelay = await startRecorder(server.port);
  atEnd(() => plainRelay.stop());
  const plain = new PlainRedis({ port: plainRelay.port, host: "127.0.0.1", username: "app", password: "p0", retryStrategy: () => 50 }); // prettier-ignore
  plain.on("error", ignore);
  atEnd(() => plain.disconnect());
  await plain.ping();
  const replicated = await throughSentinel(server, relay.port);
  const rotating = app.rotate(isOn);

  const callers = new Callers();
  const count = (promise: Promise<unknown>): Promise<void> => callers.count(promise);
  const resilience = { pool: { min: 1, idleTimeout: 600_000 }, heartbeat: { interval: 1_000, timeout: 5_000 } };
  const open = (options: Parameters<typeof client>[1] = {}): Redis =>
    client(relay.port, { credentials: app.provider, ...options, resilience: { ...resilience, ...options.resilience } });
  const [shared, lanes, worker] = [open(), open({ resilience: { pool: { size: 2 } } }), open()];
  const twin = shared.duplicate();
  atEnd(() => twin.disconnect());
  twin.on("error", ignore);
  const found = open({ ...replicated, host: undefined as never, port: undefined as never });
  const heard = [0, 0];
  for (const [at, protocol] of [3, 2].entries()) {
    const subscriber = open({ protocol } as unknown as { readonly db: 0 });
    subscriber.on("message", () => (heard[at] = (heard[at] ?? 0) + 1));
    await subscriber.subscribe("news");
  }
  until = performance.now() + seconds * 1_000;
  const work = [
    repeat(isOn, () => count(shared.set("k", "v"))),
    repeat(isOn, () => count(shared.incr("n"))),
    repeat(isOn, () => count(twin.append("t", "v"))),
    repeat(isOn, () => count(found.append("s", "v"))),
    repeat(isOn, () => count(shared.withConnection(interactive))),
    repeat(isOn, () => count(shared.multi().incr("m").incr("m").exec())),
    repeat(isOn, () => count(Promise.all(Array.from({ length: 10 }, (_, i) => lanes.set(`l${i}`, "v"))))),
    repeat(isOn, () => count(shared.withConnection((lease) => lease.multi().get("a").set("a", "1").exec()))),
    repeat(isOn, () => count(shared.transaction(["w"], ({ multi }) => void multi.set("w", "1")))),
    repeat(isOn, () => count(worker.blpop("jobs", 1))),
    repeat(isOn, async () => {
      await count(shared.rpush("jobs", "x"));
      await sleep(300);
    }),
    repeat(isOn, async () => {
      await server.call("PUBLISH", "news", "x");
      await sleep(20);
    }),
  ];
  await Promise.all([...work, rotating, cutting(isOn, () => relay.open, 1)]);
  await app.hasReached(() => relay.open);
  const said = new Promise<string>((resolve) => {
    plain.on("error", ({ message }: Error) => {
      if (message.startsWith("WRONGPASS")) resolve(message);
    });
  });
  for (const connection of plainRelay.open) connection.cut();
  const { reconnected = 0 } = shared.stats().pool?.destroyed ?? {};
  return {
    failed: callers.failed,
    inFlight: callers.inFlight,
    answered: callers.answered,
    cut: relay.connections.filter(({ wasCut }) => wasCut).length,
    ended: relay.connections.filter(({ isOpen, wasCut }) => !isOpen && !wasCut).length - reconnected,
    given: app.givenFor(relay.port),
    connections: relay.connections.map((connection) => ({
      connection,
      due: [relay.port, 0].map((port) => app.dueFor(port, connection.passwords, loginWaits)),
    })),
    heard,
    questions: app.questions,
    plain: await said,
  };
}

/** A MULTI that waits for each of its commands: its login comes behind it. */
async function interactive(connection: Pick<Redis, "multi" | "set" | "exec">): Promise<void> {
  await connection.multi({ pipeline: false });
  await connection.set("i", "1");
  await sleep(5);
  await connection.exec();
}

/** Options of a client that a Sentinel tells of the server, whose address leads to the recorder. */
async function throughSentinel(server: RedisServer, port: number) {
  const config = [`sentinel monitor lab 127.0.0.1 ${server.port} 1`];
  const sentinel = await startRedis({ args: ["--sentinel"], config });
  atEnd(() => sentinel.stop());
  return {
    sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
    name: "lab",
    natMap: { [`127.0.0.1:${server.port}`]: { host: "127.0.0.1", port } },
  };
}

/** Nothing failed but what was in flight at a cut, nothing ended by itself, and each connection had every password. */
export function expectGentle(rotation: Rotation): void {
  const { failed, ended, cut, connections, heard, plain, answered, questions } = rotation;
  expect(failed).toEqual([]);
  expect([ended, cut > 0, answered > 100, questions > 4]).toEqual([0, true, true, true]);
  for (const { connection, due } of connections) {
    // One after the other, from the one that was current when it was made.
    if (connection.commands.length > 0) expect(due).toContainEqual(connection.passwords);
  }
  expect(connections.reduce((sum, { connection }) => sum + connection.loginsInTransaction, 0)).toBe(0);
  expect(Math.min(...heard)).toBeGreaterThan(0);
  expect(plain).toMatch(/^WRONGPASS/);
}
