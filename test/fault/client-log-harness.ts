/**
 * What the tests of the client's log share: clients that carry a planted password, the error a caller got, and the lines
 * that were written about it. After each test everything that came to light is searched for the password.
 */
import { inspect } from "node:util";
import { afterEach, expect } from "vitest";
import type { Code } from "../../src/failure/codes.js";
import type { Applied, Diagnosis } from "../../src/failure/diagnosis.js";
import { createRedis, serializeError, type Redis, type RedisOptions } from "../../src/index.js";
import { connected } from "../helpers/connected.js";
import { createLogSink, type Level, type LogLine, type LogSink } from "../helpers/log-sink.js";
import { eventually } from "../helpers/eventually.js";
import { atEnd } from "./core-harness.js";

/** The password of every server and client in these tests. */
export const CANARY = "CANARYs3cr3t";

const texts: string[] = [];

afterEach(() => {
  const found = texts.splice(0).filter((text) => text.includes(CANARY) || text.includes(btoa(CANARY)));
  expect(found).toEqual([]);
});

export type Options = RedisOptions & { readonly resilience?: NonNullable<RedisOptions["resilience"]> };
export type Logged = Redis & { readonly log: LogSink };

/** A client with the production policy and fast reconnects; its log is kept in `log`. It ends with the test. */
export function open(options: Options, log: LogSink = createLogSink()): Logged {
  const { resilience, ...rest } = options;
  const redis = createRedis({
    ...("path" in options ? {} : { host: "127.0.0.1" }),
    password: CANARY,
    ...rest,
    resilience: {
      profile: "production",
      deadline: 2000,
      retry: { minTimeout: 5, maxTimeout: 20 },
      reconnect: { minTimeout: 5, maxTimeout: 30 },
      logger: log,
      ...resilience,
    },
  });
  redis.on("error", note);
  atEnd(() => {
    redis.disconnect();
    texts.push(log.text(), inspect([redis.stats(), redis.health()], { depth: 10 }));
  });
  return Object.assign(redis, { log });
}

/** The same, connected; what was logged until then is forgotten. */
export async function opened(options: Options): Promise<Logged> {
  const redis = await connected(open(options));
  await eventually(() => expect(redis.log.text()).toContain("client.ready"));
  redis.log.clear();
  return redis;
}

function note(error: unknown): void {
  if (!(error instanceof Error)) return;
  const { diagnosis } = error as { diagnosis?: unknown };
  for (const part of [error, diagnosis, serializeError(error)]) {
    texts.push(inspect(part, { depth: 10, showHidden: true }));
  }
  texts.push(String(error), error.stack ?? "");
  if (error.cause !== undefined) note(error.cause);
}

/** The rejection of a promise; fails the test when it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly diagnosis?: Diagnosis }> {
  const error: unknown = await promise.then(
    () => new Error("expected a failure"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error("rejected with something that is no Error", { cause: error });
  note(error);
  return error;
}

/** Checks what the caller of a command (or of `connect`) was told; returns the diagnosis. */
export async function expectFailure(
  promise: Promise<unknown>,
  code: Code,
  applied: Applied,
  retryable: boolean,
): Promise<Diagnosis & { readonly error: Error }> {
  const error = await failureOf(promise);
  const { diagnosis } = error;
  if (diagnosis === undefined) throw new Error("the error has no diagnosis", { cause: error });
  expect({ code: diagnosis.code, applied: diagnosis.applied, retryable: diagnosis.retryable }, error.message).toEqual({
    code,
    applied,
    retryable,
  });
  expect(Object.keys(error)).not.toContain("diagnosis");
  return { ...diagnosis, error };
}

export interface WrittenLine extends LogLine {
  readonly why: readonly string[];
  readonly next: readonly { readonly say: string; readonly run?: string }[];
  /** The commands to run, joined. */
  readonly runs: string;
}

export function events(log: LogSink, event: string): readonly LogLine[] {
  return log.lines.filter(({ fields }) => fields["event"] === event);
}

/** Waits for the one line of this event and code, and checks that a person can read it and act on it. */
export async function expectLine(redis: Logged, event: string, level: Level, code: Code): Promise<WrittenLine> {
  const line = await eventually(() => {
    const lines = events(redis.log, event).filter(({ fields }) => fields["code"] === code);
    expect(lines.length, `${event} ${code} in:\n${redis.log.text()}`).toBe(1);
    return lines[0];
  });
  if (line === undefined) throw new Error("no line");
  const { host = "", port = 0, path } = redis.options;
  const endpoint = path ?? `${host}:${String(port)}`;
  expect(line.level).toBe(level);
  expect(line.fields["endpoint"]).toBe(endpoint);
  expect(line.message).toContain(`redis ${endpoint}`);
  expect(line.message).toContain(`(${code})`);
  expect(line.message).not.toMatch(/undefined|NaN|\[object|[\r\n]/);
  expect(line.message.length).toBeLessThan(500);
  expect(line.fields["docs"] ?? `docs/errors/${code}.md`).toBe(`docs/errors/${code}.md`);
  const why = (line.fields["why"] ?? []) as readonly string[];
  const next = (line.fields["next"] ?? []) as WrittenLine["next"];
  if (event === "incident.open" || event === "command.refused") {
    expect(why.length).toBeGreaterThan(0);
    expect(next.length).toBeGreaterThan(0);
  }
  return { ...line, why, next, runs: next.map(({ run }) => run ?? "").join("\n") };
}

/** How the real address stands in a `redis-cli` call. */
export function at(redis: Logged): string {
  const { host = "", port = 0, path } = redis.options;
  return path === undefined ? `-h ${host} -p ${String(port)}` : `-s ${path}`;
}

/**
 * A client that cannot connect: what `connect` said, and the one line about it although the client goes on trying.
 * `level` is that of the line.
 */
export async function expectAway(
  options: Options,
  code: Code,
  level: "error" | "fatal",
): Promise<{ readonly redis: Logged; readonly diagnosis: Diagnosis; readonly line: WrittenLine }> {
  const redis = open({ ...options, lazyConnect: true });
  let attempts = 0;
  redis.on("close", () => attempts++);
  const diagnosis = await expectFailure(redis.connect(), code, "no", level === "error");
  const line = await expectLine(redis, "incident.open", level, code);
  const seen = attempts;
  await eventually(() => expect(attempts).toBeGreaterThan(seen + 3), { withinMs: 20_000 });
  expect(redis.log.lines.filter(({ fields }) => fields["event"] === "incident.open")).toHaveLength(1);
  expect(redis.log.lines.length, redis.log.text()).toBeLessThanOrEqual(3);
  return { redis, diagnosis, line };
}
