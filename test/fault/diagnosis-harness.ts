/** What the diagnosis tests share: they let plain ioredis or a socket fail for real, and look at what was understood. */
import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { Redis, type RedisOptions } from "ioredis";
import { expect } from "vitest";
import { classify } from "../../src/failure/classify.js";
import type { Code } from "../../src/failure/codes.js";
import type { Applied, BreakerEffect, Diagnosis, FailureContext } from "../../src/failure/diagnosis.js";

export interface Expected {
  readonly applied: Applied;
  readonly retryable: boolean;
  readonly breaker: BreakerEffect;
}

/** The default reply mapping; others have a client type of their own. */
export type PlainOptions = Omit<RedisOptions, "replyMapping">;

/** Plain ioredis that fails at once and says nothing on its own. */
export function plainRedis(options: PlainOptions): Redis {
  const redis = new Redis({
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: 2000,
    ...options,
  });
  redis.on("error", ignore);
  return redis;
}

function ignore(): void {
  // Every test looks at the errors itself.
}

/** The rejection of a promise; fails the test when it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`expected a failure, got ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** The first `error` event of a client that cannot connect: the rejection of `connect()` seldom says why. */
export async function connectFailure(options: PlainOptions): Promise<unknown> {
  const redis = plainRedis(options);
  const first = new Promise<unknown>((resolve) => redis.once("error", resolve));
  const rejected = failureOf(redis.connect());
  const error = await Promise.race([first, rejected.then(() => first)]);
  redis.disconnect();
  return error;
}

/** The `error` event of a plain socket, and what the peer had said until then. */
export function socketFailure(open: () => Socket): Promise<{ error: unknown; words: string }> {
  return new Promise((resolve) => {
    const socket = open();
    let words = "";
    let failure: unknown;
    socket.on("data", (chunk) => (words += chunk.toString()));
    socket.on("error", (error) => (failure = error));
    socket.on("close", () => resolve({ error: failure, words }));
  });
}

export function dial(port: number, host = "127.0.0.1"): Socket {
  return connect({ port, host });
}

/** Classifies and checks the verdict; returns the diagnosis for what else a test wants to know. */
export function expectDiagnosis(error: unknown, context: FailureContext, code: Code, expected: Expected): Diagnosis {
  const diagnosis = classify(error, { environment: { container: false, kubernetes: false }, ...context });
  const { applied, retryable, breaker } = diagnosis;
  expect({ code: diagnosis.code, applied, retryable, breaker, seen: diagnosis.seen }).toEqual({
    code,
    ...expected,
    seen: diagnosis.seen,
  });
  expect(diagnosis.seen).not.toBe("");
  return diagnosis;
}

/** Runs Node code with other limits or in another network, and returns the error it prints as JSON. */
export function failureInChild(shell: string, code: string): unknown {
  const script = `${code}\nfunction report(e) { console.log(JSON.stringify({ ...e, message: e.message })); process.exit(); }`;
  const { stdout, stderr } = spawnSync("sh", ["-c", shell.replace("NODE", `"${process.execPath}" -e "$SCRIPT"`)], {
    env: { ...process.env, SCRIPT: script },
    encoding: "utf8",
    timeout: 20_000,
  });
  const line = stdout.trim();
  if (line === "") throw new Error(`the child reported nothing: ${stderr}`);
  const { message, ...fields } = JSON.parse(line) as { message: string };
  return Object.assign(new Error(message), fields);
}
