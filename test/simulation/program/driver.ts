/** Plays the steps of a program on real clients, and keeps the ledger of what it asked and was told. */
import type { Redis, RedisOptions } from "../../../src/index.js";
import type { VirtualClock } from "../world/clock.js";
import type { Timeline } from "../world/timeline.js";
import { failed, succeeded, type Entry, type Group, type Ledger, type Outcome, type Selected } from "./ledger.js";
import type { Action, ClientData, CommandData, Step, ViewData } from "./scenario.js";

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** What a block has beside its own time once it begins, however long it waited: docs/semantics.md. Milliseconds. */
const BLOCK_GRACE = 500;

/** What is left of whole seconds when a block goes on at another node, at most. Milliseconds. */
const ROUNDED_UP = 1_000;
/** A cluster's QUIT ends it in good order, as `close()` does. Milliseconds. */
const DRAIN = 5_000;

export interface Batch {
  exec(): Promise<unknown>;
}

/** From when until when, in milliseconds. */
export interface Loan {
  readonly from: number;
  until: number;
}

/** One client of the program. */
export interface Actor {
  readonly index: number;
  readonly redis: Redis;
  readonly data: ClientData;
  readonly selects: Selected[];
  /** A client of its own for an interactive MULTI, and one for subscriptions: others would get into them. */
  session: Redis | undefined;
  isInSession: boolean;
  subscriber: Redis | undefined;
  readonly channels: Set<string>;
  readonly heard: string[];
  /** When functions of its program had a connection of their own, or may have had one. */
  readonly loans: Loan[];
  /** Attempts to connect that failed before the program had it connect again: they say nothing of its present life. */
  attemptsBefore: number;
  /** The program has ended it, at least once. */
  wasEnded: boolean;
  isEnded: boolean;
}

export interface DriverHooks {
  make(data: ClientData): Redis;
  /** A call was refused because a circuit is open. */
  refusedByCircuit(actor: Actor, client: Redis): void;
  /** A client emitted `error`. */
  emittedError(actor: Actor, error: Error): void;
  /** A step is over. */
  stepped(): void;
}

/** A function that ioredis knows by this name once it is defined. */
const SCRIPT = "return redis.call('incrby', KEYS[1], ARGV[1])";

/** Numbers for calls that carry none. */
const ANONYMOUS = 5_000_000;

export class Driver {
  readonly actors: Actor[] = [];
  readonly #clock: VirtualClock;
  readonly #ledger: Ledger;
  readonly #timeline: Timeline;
  readonly #hooks: DriverHooks;
  readonly #signals = new Map<string, AbortController>();
  #anonymous = ANONYMOUS;
  #loans = 0;
  #groups = 0;

  constructor(clock: VirtualClock, ledger: Ledger, timeline: Timeline, hooks: DriverHooks) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#timeline = timeline;
    this.#hooks = hooks;
  }

  add(data: ClientData, redis: Redis): Actor {
    const actor: Actor = {
      index: this.actors.length,
      redis,
      data,
      selects: [],
      session: undefined,
      isInSession: false,
      subscriber: undefined,
      channels: new Set(),
      heard: [],
      loans: [],
      attemptsBefore: 0,
      wasEnded: false,
      isEnded: false,
    };
    this.actors.push(actor);
    redis.on("error", (error: Error) => this.#hooks.emittedError(actor, error));
    return actor;
  }

  plan(steps: readonly Step[]): void {
    const moments = new Map<number, Step[]>();
    for (const step of steps) moments.set(step.at, [...(moments.get(step.at) ?? []), step]);
    for (const [at, together] of moments) {
      this.#clock.setTimer(
        () => {
          for (const step of together) this.#play(step);
          this.#hooks.stepped();
        },
        at,
        false,
        [],
      );
    }
  }

  #play({ client, action }: Step): void {
    const actor = this.actors[client % this.actors.length];
    if (actor === undefined) return;
    try {
      this.perform(actor, action);
    } catch (error) {
      // What a caller gets thrown is no promise that somebody waits for.
      this.#timeline.note("client", `c${String(actor.index)} ${action.do} threw ${String(error)}`);
    }
  }

  perform(actor: Actor, action: Action): void {
    switch (action.do) {
      case "command":
        this.#command(actor, action.command, action.view ?? {}, action.callback === true);
        break;
      case "pipeline":
        this.#batch(actor, action.commands, undefined, action.isBad === true);
        break;
      case "multi":
        this.#batch(actor, action.commands, { id: ++this.#groups, how: "batch" }, false);
        break;
      case "interactive":
        void this.#interactive(actor, action);
        break;
      case "transaction":
        void this.#transaction(actor, action);
        break;
      case "lease":
        void this.#lease(actor, action);
        break;
      case "block": {
        const { name, key, seconds, view } = action;
        const entry = this.#anonymousEntry(
          actor,
          `${name} ${key} ${String(seconds)}`,
          this.#allowed(actor, view) +
            Math.min(this.#allowed(actor, view), BLOCK_GRACE) +
            seconds * 1000 +
            (isCluster(actor.redis) ? ROUNDED_UP : 0),
        );
        if (view?.deadline !== undefined) this.#ledger.hurried.add(entry);
        void this.#follow(actor, entry, this.#call(actor, view ?? {}, name, [key, seconds]));
        break;
      }
      case "pop": {
        const entry = this.#anonymousEntry(actor, `${action.name} ${action.key}`, this.#allowed(actor, undefined));
        void this.#follow(actor, entry, this.#call(actor, {}, action.name, [action.key]));
        break;
      }
      case "select":
        this.#select(actor, action.database);
        break;
      case "subscribe":
      case "unsubscribe":
        this.#subscribe(actor, action.do, action.channel);
        break;
      case "publish": {
        const text = `val:${String(action.id)}`;
        const entry = this.#anonymousEntry(actor, `publish ${action.channel} ${text}`, this.#allowed(actor, undefined));
        void this.#follow(actor, entry, this.#call(actor, {}, "publish", [action.channel, text]));
        break;
      }
      case "script":
        this.#script(actor, action);
        break;
      case "burst":
        for (let i = 0; i < action.count; i++) {
          const entry = this.#anonymousEntry(actor, "set (burst)", this.#allowed(actor, undefined));
          void this.#follow(actor, entry, this.#call(actor, {}, "set", [`b${String(i % 7)}`, "x"]));
        }
        break;
      case "duplicate":
        this.#say(actor, "duplicate()");
        this.add(actor.data, actor.redis.duplicate());
        break;
      case "stall":
        this.#say(actor, `the event loop stands still for ${String(action.ms)} ms`);
        this.#clock.stall(action.ms);
        break;
      default:
        this.#lifecycle(actor, action);
    }
  }

  #say(actor: Actor, text: string): void {
    this.#timeline.note("client", `c${String(actor.index)} ${text}`);
  }

  // ---- calls

  #allowed({ redis, data }: Actor, view: ViewData | undefined): number {
    if (view?.deadline !== undefined) return view.deadline;
    const { deadline, queue } = redis.policy;
    const waits = data.waitsForEver === true || (queue !== false && queue.wait === "forever");
    return waits || deadline === false ? Infinity : deadline;
  }

  #view(actor: Actor, { deadline, abortAfter, sharedSignal }: ViewData): Redis {
    const { redis } = actor;
    if (deadline !== undefined) return redis.withDeadline(deadline);
    if (abortAfter !== undefined) {
      const controller = new AbortController();
      this.#clock.setTimer(() => controller.abort(), abortAfter, false, []).unref();
      return redis.with({ signal: controller.signal });
    }
    if (sharedSignal !== undefined) {
      const name = `${String(actor.index)}/${String(sharedSignal)}`;
      let controller = this.#signals.get(name);
      if (controller === undefined) this.#signals.set(name, (controller = new AbortController()));
      return redis.with({ signal: controller.signal });
    }
    return redis;
  }

  #call(actor: Actor, view: ViewData, name: string, args: readonly unknown[]): Promise<unknown> {
    const methods = this.#view(actor, view) as unknown as Methods;
    return Promise.resolve(methods[name]?.(...args));
  }

  #anonymousEntry(actor: Actor, what: string, allowed: number): Entry {
    return this.#ledger.open({
      id: ++this.#anonymous,
      what,
      domain: `c${String(actor.index)}`,
      client: actor.index,
      command: undefined,
      allowed,
      group: undefined,
      mayRepeat: true,
    });
  }

  #entry(
    actor: Actor,
    command: CommandData,
    allowed: number,
    group?: Group,
    domain = `c${String(actor.index)}`,
  ): Entry {
    const entry = this.#ledger.open({
      id: command.id,
      what: `${command.name} ${command.args.join(" ")}`,
      domain,
      client: actor.index,
      command,
      allowed,
      group,
      mayRepeat: mayRepeat(command, actor.data),
    });
    this.#say(
      actor,
      `${domain.startsWith("c") ? "" : `${domain} `}${group === undefined ? "" : `[${group.how} ${String(group.id)}] `}${entry.what}`,
    );
    return entry;
  }

  #follow(actor: Actor, entry: Entry, promise: Promise<unknown>, client = actor.redis): Promise<Outcome> {
    return promise.then(
      (value) => this.#settle(actor, entry, succeeded(value), client),
      (error: unknown) => this.#settle(actor, entry, failed(error), client),
    );
  }

  #settle(actor: Actor, entry: Entry, outcome: Outcome, client = actor.redis): Outcome {
    this.#ledger.settle(entry, outcome);
    const told = outcome.ok ? "→" : `✗ ${outcome.code ?? ""}`;
    this.#timeline.note("client", `c${String(actor.index)} ${entry.what} ${told}`, () => {
      const more = outcome.ok ? brief(outcome.value) : `(applied: ${outcome.applied ?? "?"})`;
      return ` ${more} after ${String(Math.round(entry.settledAt - entry.issuedAt))} ms`;
    });
    if (outcome.code === "CIRCUIT_OPEN") this.#hooks.refusedByCircuit(actor, client);
    return outcome;
  }

  #command(actor: Actor, command: CommandData, view: ViewData, isCallback: boolean): void {
    const entry = this.#entry(actor, command, this.#allowed(actor, view));
    if (!isCallback) {
      void this.#follow(actor, entry, this.#call(actor, view, command.name, command.args));
      return;
    }
    const methods = this.#view(actor, view) as unknown as Methods;
    const callback = (error: unknown, value: unknown): void => {
      this.#settle(actor, entry, error === null || error === undefined ? succeeded(value) : failed(error));
    };
    // With a callback nobody looks at the promise.
    void Promise.resolve(methods[command.name]?.(...command.args, callback)).catch(() => undefined);
  }

  #batch(actor: Actor, commands: readonly CommandData[], group: Group | undefined, isBad: boolean): void {
    const { redis } = actor;
    const batch = (group === undefined ? redis.pipeline() : redis.multi()) as unknown as Methods & Batch;
    const allowed = this.#allowed(actor, undefined);
    const entries = commands.map((command) => {
      batch[command.name]?.(...command.args);
      return this.#entry(actor, command, allowed, group);
    });
    // What `querystring.parse` returns: it cannot be turned into text.
    if (isBad) batch["set"]?.("bad", Object.create(null));
    let promise: Promise<unknown>;
    try {
      promise = batch.exec();
    } catch (error) {
      promise = Promise.reject(asError(error));
    }
    void promise.then(
      (results) => this.#batchSettled(actor, entries, results),
      (error: unknown) => {
        for (const entry of entries) this.#settle(actor, entry, failed(error));
      },
    );
  }

  #batchSettled(actor: Actor, entries: readonly Entry[], results: unknown): void {
    entries.forEach((entry, i) => {
      if (results === null) {
        this.#settle(actor, entry, { ok: false, code: "CONFLICT", applied: "no" });
        return;
      }
      this.#settle(actor, entry, memberOutcome((results as readonly unknown[])[i]));
    });
  }

  // ---- MULTI by hand, loans, transactions

  async #interactive(actor: Actor, action: Extract<Action, { do: "interactive" }>): Promise<void> {
    if (actor.isInSession || actor.isEnded) return;
    actor.isInSession = true;
    actor.session ??= this.#another(actor);
    const { session } = actor;
    const group: Group = { id: ++this.#groups, how: "interactive" };
    const domain = `m${String(group.id)}`;
    this.#say(actor, `${domain} multi({ pipeline: false })`);
    const begun = await outcomeOf(session.multi({ pipeline: false }));
    const entries: Entry[] = [];
    let refused: Outcome | undefined;
    for (const command of begun.ok ? action.commands : []) {
      await this.#sleep(action.gap);
      const entry = this.#entry(actor, command, Infinity, group, domain);
      entries.push(entry);
      const methods = (action.inPipeline ? session.pipeline() : session) as unknown as Methods & Batch;
      const queued = Promise.resolve(methods[command.name]?.(...command.args));
      const outcome = await outcomeOf(action.inPipeline ? methods.exec().then(firstOf) : queued);
      if (outcome.ok) continue;
      refused = outcome;
      this.#settle(actor, entry, outcome);
      break;
    }
    await this.#sleep(action.gap);
    // Whoever sees one of them refused gives the transaction up.
    const outcome = await outcomeOf(begun.ok && refused === undefined ? session.exec() : session.discard());
    this.#say(actor, `${domain} ends: ${outcome.ok ? brief(outcome.value) : `✗ ${outcome.code ?? ""}`}`);
    entries.forEach((entry, i) => {
      if (entry.outcome !== undefined) return;
      // Without its MULTI an EXEC is an error of the server: nothing was executed.
      const applied = refused === undefined ? (outcome.applied ?? "no") : undefined;
      // Its caller gives it up by itself, later than another one was refused.
      const code = refused === undefined ? outcome.code : "GIVEN_UP";
      if (refused !== undefined || !outcome.ok || outcome.value === null)
        this.#settle(actor, entry, { ok: false, code, applied });
      else {
        this.#settle(actor, entry, memberOutcome((outcome.value as unknown[])[i]));
      }
    });
    actor.isInSession = false;
  }

  async #lease(actor: Actor, action: Extract<Action, { do: "lease" }>): Promise<void> {
    const domain = `loan${String(++this.#loans)}`;
    const loan = this.#loan(actor);
    const outcome = await outcomeOf(
      actor.redis.withConnection(async (connection) => {
        loan.begins();
        const borrowed: Actor = { ...actor, redis: connection };
        if (action.database !== undefined) await connection.select(action.database);
        for (const command of action.commands) {
          // Commands on a loan say nothing of the client's database.
          const entry = this.#entry(borrowed, command, this.#allowed(actor, undefined), undefined, domain);
          await this.#follow(borrowed, entry, this.#call(borrowed, {}, command.name, command.args));
          await this.#sleep(action.gap);
        }
      }, forKey(action.key)),
    );
    loan.ends();
    this.#say(actor, `${domain} ${outcome.ok ? "is over" : `✗ ${outcome.code ?? ""}`}`);
  }

  async #transaction(actor: Actor, action: Extract<Action, { do: "transaction" }>): Promise<void> {
    const { id, key, other, pause, meddling, byHand } = action;
    const command: CommandData = {
      id,
      name: "set",
      args: [key, `val:${String(id)}`],
      keys: [key],
      writes: true,
      isSafe: false,
      hasIdentity: true,
    };
    const group: Group = { id: ++this.#groups, how: byHand ? "by hand" : "transaction" };
    const entry = this.#entry(actor, command, Infinity, group, `t${String(group.id)}`);
    const value = async (connection: Redis): Promise<string> => {
      const before = await connection.get(key);
      const found = before === null ? "0" : (/val:(\d+)/.exec(before)?.[1] ?? "?");
      await this.#meddle(actor, connection, byHand && meddling !== "none" ? "watch-other" : meddling, other, pause);
      return `val:${String(id)}<${found}`;
    };
    const loan = this.#loan(actor);
    const outcome = await outcomeOf(
      byHand
        ? actor.redis.withConnection(async (connection) => {
            loan.begins();
            await connection.watch(key);
            const text = await value(connection);
            return connection.multi().set(key, text).exec();
          }, forKey(key))
        : actor.redis.transaction([key], async ({ conn, multi }) => {
            loan.begins();
            multi.set(key, await value(conn));
          }),
    );
    loan.ends();
    const isConflict = outcome.ok && outcome.value === null;
    // An error that a command of the function got says nothing of the EXEC, which was never sent.
    const isOwn = outcome.error?.name === "TransactionConflictError";
    this.#settle(
      actor,
      entry,
      isConflict || isOwn ? { ok: false, code: "CONFLICT", applied: "no" } : { ...outcome, value: "OK" },
    );
  }

  /** Keeps when a function has a connection: from its first call, if there is one, until the loan is over. */
  #loan({ loans }: Actor): { begins(): void; ends(): void } {
    let loan: Loan | undefined;
    return {
      begins: () => {
        if (loan === undefined) loans.push((loan = { from: this.#clock.now, until: Infinity }));
      },
      ends: () => {
        if (loan !== undefined) loan.until = this.#clock.now;
      },
    };
  }

  async #meddle(actor: Actor, connection: Redis, meddling: string, other: string, pause: number): Promise<void> {
    if (meddling === "none") {
      await this.#sleep(pause);
      return;
    }
    this.#say(actor, `meddles: ${meddling}`);
    await this.#sleep(pause);
    try {
      if (meddling === "reset") await connection.call("RESET");
      if (meddling === "unwatch-watch") await connection.unwatch();
      if (meddling !== "reset") await connection.watch(other);
    } catch (error) {
      // A caller that tries once more, as many do; not one who was told to start the transaction again.
      if (meddling !== "watch-other" || failed(error).code === "EXEC_ABORTED") throw error;
      await connection.watch(other);
    }
    await this.#sleep(pause);
  }

  #another(actor: Actor): Redis {
    const another = actor.redis.duplicate();
    another.on("error", (error: Error) => this.#hooks.emittedError(actor, error));
    return another;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(() => resolve(), ms, false, []));
  }

  // ---- what belongs to a connection

  #select(actor: Actor, database: number): void {
    const selected: Selected = { order: this.#ledger.nextOrder(), database, outcome: undefined };
    actor.selects.push(selected);
    const entry = this.#anonymousEntry(actor, `select ${String(database)}`, this.#allowed(actor, undefined));
    this.#say(actor, entry.what);
    void this.#follow(actor, entry, this.#call(actor, {}, "select", [database])).then(
      (outcome) => (selected.outcome = outcome),
    );
  }

  #subscribe(actor: Actor, how: "subscribe" | "unsubscribe", channel: string): void {
    if (actor.isEnded) return;
    if (actor.subscriber === undefined) {
      actor.subscriber = this.#another(actor);
      actor.subscriber.on("message", (from: string, message: string) => {
        this.#say(actor, `hears ${message} on ${from}`);
        actor.heard.push(`${from} ${message}`);
      });
    }
    if (how === "subscribe") actor.channels.add(channel);
    else actor.channels.delete(channel);
    // A wish: it waits for a connection for as long as that takes.
    const entry = this.#anonymousEntry(actor, `${how} ${channel}`, Infinity);
    this.#say(actor, entry.what);
    void this.#follow(actor, entry, Promise.resolve(actor.subscriber[how](channel)), actor.subscriber).then(
      (outcome) => {
        // What was refused may be asked for once more; nobody promised it meanwhile.
        if (!outcome.ok) actor.channels.delete(channel);
      },
    );
  }

  #script(actor: Actor, { command, how, inPipeline }: Extract<Action, { do: "script" }>): void {
    const { redis } = actor;
    const [key = "", amount = ""] = command.args;
    const entry = this.#entry(actor, command, this.#allowed(actor, undefined));
    if (how === "define" && !("bump" in redis)) redis.defineCommand("bump", { numberOfKeys: 1, lua: SCRIPT });
    const target = (inPipeline ? redis.pipeline() : redis) as unknown as Methods & Batch;
    const promise = how === "define" ? target["bump"]?.(key, amount) : target["eval"]?.(SCRIPT, 1, key, amount);
    if (!inPipeline) {
      void this.#follow(actor, entry, Promise.resolve(promise));
      return;
    }
    void target.exec().then(
      (results) => this.#batchSettled(actor, [entry], results),
      (error: unknown) => this.#settle(actor, entry, failed(error)),
    );
  }

  // ---- beginning and end

  #lifecycle(actor: Actor, action: Action): void {
    const { redis } = actor;
    this.#say(actor, action.do);
    switch (action.do) {
      case "close":
        actor.wasEnded = actor.isEnded = true;
        void outcomeOf(redis.close({ drain: action.drain })).then(() => this.#say(actor, "close() is over"));
        break;
      case "quit": {
        actor.wasEnded = actor.isEnded = true;
        const entry = this.#anonymousEntry(actor, "quit", isCluster(redis) ? DRAIN : this.#allowed(actor, undefined));
        void this.#follow(actor, entry, redis.quit());
        break;
      }
      case "disconnect":
        actor.wasEnded = actor.isEnded = true;
        redis.disconnect();
        break;
      case "redial":
        redis.disconnect(true);
        break;
      case "connect":
        if (!actor.isEnded) break;
        actor.isEnded = false;
        actor.attemptsBefore = attemptsOf(redis);
        void outcomeOf(redis.connect()).then((outcome) => {
          this.#say(actor, `connect() ${outcome.ok ? "is over" : `✗ ${outcome.error?.message ?? ""}`}`);
          if (!outcome.ok && redis.status === "end") actor.isEnded = true;
        });
        break;
      default:
        throw new Error(`unknown step ${action.do}`);
    }
  }
}

/** Attempts to connect that failed one after the other. A cluster's client counts them for each of its nodes only. */
export function attemptsOf(redis: Redis): number {
  return (redis.stats() as Partial<ReturnType<Redis["stats"]>>).reconnects?.attempts ?? 0;
}

function isCluster(redis: Redis): boolean {
  return (redis as { readonly isCluster?: boolean }).isCluster === true;
}

function mayRepeat({ isSafe, writes }: CommandData, { ambiguous }: ClientData): boolean {
  return ambiguous === "replay" || (isSafe && !(writes && ambiguous === "reads"));
}

/** What a batch says of one of its members: an error and a value. */
function memberOutcome(result: unknown): Outcome {
  if (!Array.isArray(result)) return failed(new TypeError(`no result: ${String(result)}`));
  const [error, value] = result as readonly unknown[];
  return error === null || error === undefined ? succeeded(value) : failed(error);
}

/** What a pipeline of one command says of it. */
function firstOf(results: unknown): unknown {
  const { ok, value, error } = memberOutcome((results as readonly unknown[] | null)?.[0]);
  if (!ok) throw error ?? new Error("no result");
  return value;
}

/** A connection of a cluster is one to the node that serves the key; one of a single server's is for any. */
function forKey(key: string | undefined): object {
  return key === undefined ? {} : { key };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export function outcomeOf(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(succeeded, failed);
}

function brief(value: unknown): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The options of a client that lives in the simulated world. */
export function optionsOf(data: ClientData, common: Partial<RedisOptions>): RedisOptions {
  const { resilience } = common;
  return {
    ...common,
    ...(data.database === undefined ? {} : { db: data.database }),
    ...(data.protocol === undefined ? {} : { protocol: data.protocol }),
    ...(data.keyPrefix === undefined ? {} : { keyPrefix: data.keyPrefix }),
    ...(data.autoPipelining === true ? { enableAutoPipelining: true } : {}),
    ...(data.lazy === true ? { lazyConnect: true } : {}),
    ...(data.waitsForEver === true ? { maxRetriesPerRequest: null } : {}),
    ...(data.skipsReadyCheck === true ? { enableReadyCheck: false } : {}),
    resilience: {
      ...resilience,
      profile: data.profile,
      ...(data.deadline === undefined ? {} : { deadline: data.deadline }),
      ...(data.ambiguous === undefined ? {} : { retry: { ambiguous: data.ambiguous } }),
      ...(data.queue === undefined ? {} : { queue: data.queue }),
      ...(data.breaker === undefined ? {} : { breaker: data.breaker }),
      ...(data.lanes === undefined ? {} : { pool: { size: data.lanes } }),
    },
  };
}
