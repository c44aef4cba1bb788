/**
 * Optimistic locking: WATCH, read, decide, MULTI … EXEC on a connection of one's own, again from the start when somebody
 * else was faster. An attempt is repeated only if it is certain that nothing of it was executed.
 */
import { clock, sleep } from "../clock.js";
import type { ChainableCommander, RedisKey } from "ioredis";
import type { OwnedClient } from "../engine/connections.js";
import type { Engine } from "../engine/engine.js";
import { IoredoubtError, TransactionAbortedError } from "../failure/errors.js";
import { fullJitter } from "../endpoint/backoff.js";
import { TransactionConflictError } from "./conflict.js";

export interface TransactionOptions {
  /** How often the transaction starts again after a conflict. Default 10. */
  readonly retries?: number | undefined;
  /** Ends waiting, backing off and every command of the transaction. */
  readonly signal?: AbortSignal | undefined;
}

/** What the function of a transaction works with. */
export interface TransactionScope<C = OwnedClient> {
  /** The connection that watches the keys: read here. */
  readonly conn: C;
  /** Queue the writes here, without `exec()`. Left empty, nothing is executed and the keys are let go. */
  readonly multi: ChainableCommander;
}

export interface TransactionResult<T> {
  /** What the function returned in the attempt that succeeded. */
  readonly value: T;
  /** The replies of the queued commands, in order. */
  readonly results: readonly unknown[];
  /** Attempts that were overtaken before. */
  readonly conflicts: number;
}

const RETRIES = 10;
/** Between attempts, in milliseconds: a conflict is over as soon as the other one's EXEC is. */
const BACKOFF = { minTimeout: 4, maxTimeout: 100, factor: 2 };

/** The lent connection that a transaction runs on, and what was sent on it. */
export interface TransactionGround {
  readonly conn: OwnedClient;
  readonly engine: Engine;
}

/** Runs the attempts on one lent connection. */
export async function runTransaction<T>(
  ground: TransactionGround,
  keys: readonly RedisKey[],
  fn: (scope: TransactionScope) => T | PromiseLike<T>,
  { retries = RETRIES, signal }: TransactionOptions,
): Promise<TransactionResult<T>> {
  const startedAt = clock.now();
  let conflicts = 0;
  for (let attempt = 1; ; attempt++) {
    let cause: unknown;
    // A connection that was lost in the attempt before is no news.
    ground.engine.session.forgetLoss();
    try {
      await ground.conn.watch(...keys);
      const done = await attemptOnce(ground, fn);
      if (done !== undefined) return { ...done, conflicts };
      conflicts++;
    } catch (error) {
      if (!isHarmless(error)) throw error;
      cause = error;
    }
    if (attempt > retries) throw givenUp(ground.engine, attempt, conflicts, clock.now() - startedAt, cause);
    await sleep(fullJitter(BACKOFF, attempt), signal);
  }
}

/** `undefined`: a watched key changed, and nothing was executed. */
async function attemptOnce<T>(
  { conn, engine }: TransactionGround,
  fn: (scope: TransactionScope) => T | PromiseLike<T>,
): Promise<{ value: T; results: unknown[] } | undefined> {
  const { session } = engine;
  const guard = session.guardNumber;
  const multi = conn.multi();
  const exec = multi.exec.bind(multi);
  multi.exec = () => {
    throw new TypeError("transaction() executes what is queued on `multi`: do not call exec() in its function");
  };
  const value = await fn({ conn, multi });
  // Executing it now would overwrite what others wrote meanwhile, and say that nothing had changed.
  if (session.guardNumber !== guard || guard === undefined) {
    if (guard === undefined || session.wasCut) throw guardLost(engine);
    throw new TypeError(
      "nothing was executed: the function of transaction() ended its own WATCH, by UNWATCH, RESET or another MULTI … EXEC on `conn`",
    );
  }
  // The chain counts its own MULTI.
  if (multi.length <= 1) {
    await conn.unwatch();
    return { value, results: [] };
  }
  const replies = await exec();
  if (replies === null) return undefined;
  for (const [error] of replies) if (error !== null) throw error;
  return { value, results: replies.map(([, reply]) => reply) };
}

function guardLost(engine: Engine): TransactionAbortedError {
  return new TransactionAbortedError(
    "EXEC_ABORTED",
    "EXEC was not sent: the connection that held the WATCH of transaction() was lost, so the watched keys are no longer guarded. Nothing was executed.",
    engine.errorDetails(),
  );
}

/** The connection went away with the WATCH, or before it was confirmed: EXEC was not sent. */
function isHarmless(error: unknown): boolean {
  if (!IoredoubtError.is(error)) return false;
  if (error.code === "OUTCOME_UNKNOWN") return error.command?.name === "watch";
  return error instanceof TransactionAbortedError && error.applied === "no";
}

function givenUp(
  engine: Engine,
  attempts: number,
  conflicts: number,
  elapsed: number,
  cause: unknown,
): TransactionConflictError {
  const lost = attempts - conflicts;
  const overtaken = `${times(conflicts)} a watched key changed before EXEC`;
  const cut = `${times(lost)} the connection was lost before EXEC was sent`;
  const what = lost === 0 ? overtaken : conflicts === 0 ? cut : `${overtaken}, ${cut}`;
  const advice =
    conflicts === 0
      ? "Retry when the connection holds."
      : "Retry later, allow more retries, or do it in one Lua script if the keys are this busy.";
  return new TransactionConflictError(
    `the transaction was given up after ${String(attempts)} ${attempts === 1 ? "attempt" : "attempts"} in ${String(Math.round(elapsed))} ms: ${what}. Nothing was executed. ${advice}`,
    conflicts,
    { ...engine.errorDetails(), attempts, elapsed, cause },
  );
}

function times(count: number): string {
  return count === 1 ? "once" : `${String(count)} times`;
}
