/** One run: a scenario played to its end in a world of its own, and what was wrong about it. */
import { checkReplaced } from "./cluster/replaced.js";
import { clusterClient } from "./cluster/client.js";
import { SimulatedCluster } from "./cluster/cluster.js";
import { Random } from "./random.js";
import { attemptsOf, Driver, optionsOf, outcomeOf, type Actor } from "./program/driver.js";
import { Ledger } from "./program/ledger.js";
import { HEALTHY, type ClientData, type Scenario } from "./program/scenario.js";
import { checkCalls, databasesAt } from "./properties/calls.js";
import { checkHistories } from "./properties/histories.js";
import { LogBook } from "./properties/log-book.js";
import type { Property, Violation } from "./properties/violation.js";
import { Sentinel } from "./sentinel/sentinel.js";
import { keysOf } from "./server/keys.js";
import { Server } from "./server/server.js";
import type { Subject } from "./subject.js";
import { connectorFor } from "./world/connector.js";
import { Fate } from "./world/fate.js";
import { Network } from "./world/network.js";
import { ANY_NAME, Timeline, type TimelineEntry } from "./world/timeline.js";

/** How long the healed world is left alone: longer than any wait between two probes. Milliseconds. */
const RECOVERY = 30_000;
/** What is asked of every client in the end must be answered within this. Milliseconds. */
const LAST_CALL = 5_000;
/** Between two tries of it. Milliseconds. */
const BETWEEN_TRIES = 500;
/** Everything must have settled and be gone after this. Milliseconds. */
const END = 20_000;
/** Timers of the process that may outlive its clients: whatever is set for so short a time is on its way out. Milliseconds. */
const LAST_TIMERS = 65_000;
/** In every so many moments all clients are looked at, also those that are connected. */
const LOOK_EVERY = 16;
/** Lines of an error's stack, as usual. */
const STACK = 10;
/** So many round trips a connection may take from one loan to the next. */
const ROUND_TRIPS = 4;
/** The same with a look-up before: a Sentinel is dialled and asked, then the others, then the server. */
const SENTINEL_ROUND_TRIPS = ROUND_TRIPS + 4;
/** So many a client takes until it knows a cluster and is connected to it. */
const START_TRIPS = 10;
/** What rounding and turns of the loop may add to that. Milliseconds. */
const MOMENT = 10;

export interface Result {
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  /** Differs when two runs of one scenario differ anywhere. */
  readonly hash: number;
  readonly timeline: readonly TimelineEntry[];
  readonly commands: number;
  readonly executions: number;
}

/** Runs so far. What the package knows of an endpoint must not reach the next run, so each has a name of its own. */
let runs = 0;

export async function run(subject: Subject, scenario: Scenario, isTraced = false): Promise<Result> {
  subject.prepare();
  const result = await new Run(subject, scenario, isTraced).play();
  if (result.violations.length > 0) subject.spoil();
  return result;
}

class Run {
  readonly #subject: Subject;
  readonly #scenario: Scenario;
  readonly #timeline: Timeline;
  readonly #name = `redis-${String(++runs)}.test`;
  readonly #ledger: Ledger;
  readonly #network: Network;
  readonly #driver: Driver;
  readonly #log: LogBook;
  /** How much waited at the last look, per client; unbounded while it was connected. */
  readonly #waiting = new Map<object, number>();
  readonly #violations: Violation[] = [];
  readonly #connector: new (options: object) => object;
  #executions = 0;
  /** At which steps were played. */
  #moments = 0;
  readonly #servers: readonly [Server, ...Server[]];
  readonly #cluster: SimulatedCluster | undefined;
  readonly #sentinels: readonly Sentinel[];
  #hasLostData = false;

  constructor(subject: Subject, scenario: Scenario, isTraced: boolean) {
    const { clock } = subject;
    this.#subject = subject;
    this.#scenario = scenario;
    const random = new Random(scenario.seed).fork("world");
    clock.reset(random);
    clock.tracesTimers = isTraced;
    // Errors are made by the thousand, and nobody reads where.
    Error.stackTraceLimit = isTraced ? STACK : 1;
    this.#timeline = new Timeline(() => clock.time, this.#name);
    this.#timeline.isKept = isTraced;
    this.#ledger = new Ledger(() => clock.now);
    this.#log = new LogBook(scenario, this.#timeline);
    this.#network = new Network(clock, random.fork("network"), this.#timeline, scenario.conditions);
    this.#connector = connectorFor(this.#network);
    const server = (address: string): Server =>
      new Server(address, clock, this.#timeline, {
        executing: (...args) => this.#ledger.executing(...args),
        executed: (execution) => {
          this.#executions++;
          this.#ledger.executed(execution);
          // What a master says that has been replaced is old, whether it writes or reads.
          if (execution.stale !== undefined)
            for (const key of keysOf(execution.name, execution.args)) this.#ledger.lostKeys.add(key);
        },
        replicationLost: (_, __, key) => {
          this.#timeline.note("server", `the promotion drops the latest change of ${key}`);
          this.#ledger.lostKeys.add(key);
        },
      });
    this.#cluster =
      scenario.cluster && new SimulatedCluster(scenario.cluster, random.fork("cluster"), clock, server, scenario.lag);
    this.#servers = this.#cluster?.servers ?? pairOf(server, scenario.lag);
    const [first, second] = this.#servers;
    for (const one of this.#servers) one.password = scenario.password;
    this.#network.names.set(this.#name, first);
    this.#sentinels = this.#makeSentinels(first.address, second?.address ?? "");
    for (const host of [...this.#servers, ...this.#sentinels]) this.#network.names.set(host.address, host);
    subject.net.dial = (host, port) => this.#network.dial(host, port);
    this.#driver = new Driver(clock, this.#ledger, this.#timeline, {
      make: (data) => this.#make(data),
      refusedByCircuit: (actor, client) => this.#checkCircuit(actor, client),
      emittedError: (_, error) => this.#log.told(error),
      stepped: () => this.#checkBounds(),
    });
  }

  async play(): Promise<Result> {
    const { clock, incidents } = this.#subject;
    incidents.listener = (kind, error) => {
      this.#timeline.note("client", `${kind}: ${String(error)}`);
      this.#add("process", `${kind}: ${error instanceof Error ? error.message : String(error)}`);
    };
    clock.uncaught = (error) => incidents.listener("uncaught error", error);
    const { scenario } = { scenario: this.#scenario };
    try {
      new Fate(scenario, this.#name, this.#network, this.#servers, this.#sentinels, {
        dataLost: () => (this.#hasLostData = true),
        cluster: (action) => this.#cluster?.strike(action),
        holderOf: (key) => this.#cluster?.holderOf(key),
        healed: () => this.#cluster?.heal(),
      }).plan(scenario.faults);
      clock.setTimer(() => this.#begin(), 1, false, []);
      await clock.run(scenario.healsAt + RECOVERY);
      if (!this.#has("process")) await this.#lastCall();
      await this.#close();
      this.#checkAll();
    } catch (error) {
      this.#add("process", error instanceof Error ? error.message : String(error));
    } finally {
      incidents.listener = () => undefined;
    }
    return {
      scenario,
      violations: this.#violations,
      hash: this.#timeline.hash,
      timeline: this.#timeline.entries,
      commands: this.#ledger.entries.length,
      executions: this.#executions,
    };
  }

  /** The servers say what nobody asked for. */
  get #isPoisoned(): boolean {
    return this.#scenario.faults.some(({ action }) => action.do === "say");
  }

  #begin(): void {
    for (const data of this.#scenario.clients) this.#driver.add(data, this.#make(data));
    this.#driver.plan(this.#scenario.steps);
  }

  #make(data: ClientData): Actor["redis"] {
    const { Redis, Cluster } = this.#subject.lib;
    const { password } = this.#scenario;
    if (this.#cluster !== undefined) {
      return clusterClient(Cluster, data, { name: this.#name, network: this.#network, password, logger: this.#log });
    }
    const { sentinels } = this.#scenario;
    const common = {
      ...(sentinels === undefined
        ? { host: this.#name, port: 6379, Connector: this.#connector }
        : {
            sentinels: this.#sentinels.map(({ address }) => ({ host: address })),
            name: this.#name,
            failoverDetector: sentinels.tells,
          }),
      ...(password === undefined ? {} : { password }),
      resilience: { logger: this.#log, doctor: false },
    };
    return new Redis(optionsOf(data, common as never));
  }

  #makeSentinels(master: string, replica: string): readonly Sentinel[] {
    const { clock } = this.#subject;
    const { hearAfter = [] } = this.#scenario.sentinels ?? {};
    const all = hearAfter.map(
      (_, i) => new Sentinel(`10.0.1.${String(i + 1)}`, this.#name, [master, replica], this.#timeline, clock),
    );
    for (const sentinel of all) sentinel.peers = all.filter((other) => other !== sentinel);
    return all;
  }

  #add(property: Property, text: string, at = this.#subject.clock.now): void {
    this.#violations.push({ property, text: text.replaceAll(this.#name, ANY_NAME), at });
  }

  #has(property: Property): boolean {
    return this.#violations.some((violation) => violation.property === property);
  }

  // ---- while it runs

  #checkBounds(): void {
    const isLook = ++this.#moments % LOOK_EVERY === 0;
    for (const actor of this.#driver.actors) {
      const { redis, index } = actor;
      const { queue } = redis.policy;
      // While it is connected nothing of it is bounded here, nor before so many calls; and to count everything takes its time.
      const isReady = redis.status === "ready";
      if (isReady) actor.attemptsBefore = 0;
      const isFew = queue === false || this.#ledger.entries.length <= 2 * queue.maxCommands;
      if ((isReady || isFew) && !isLook) {
        this.#waiting.set(redis, Infinity);
        continue;
      }
      const { waiting, inFlight } = redis.stats();
      // What waited for its turn when the connection went goes on waiting, and what came back is bounded by itself: nothing
      // may come on top of that.
      const before = this.#waiting.get(redis) ?? Infinity;
      const most = queue === false ? Infinity : Math.max(before, 2 * queue.maxCommands);
      const isAway = !isReady && attemptsOf(redis) > actor.attemptsBefore;
      this.#waiting.set(redis, isAway ? waiting.commands : Infinity);
      if (isAway && waiting.commands > most && queue !== false) {
        this.#add(
          "bounds",
          `c${String(index)}: ${String(waiting.commands)} commands (${String(waiting.bytes)} bytes) wait, ${String(queue.maxCommands)} may`,
        );
      }
      if (inFlight < 0 || waiting.commands < 0 || waiting.bytes < 0) {
        this.#add("truth", `c${String(index)}: stats() counts below zero: ${JSON.stringify({ inFlight, waiting })}`);
      }
    }
  }

  #checkCircuit({ index }: Actor, client: Actor["redis"]): void {
    const { breaker, nodes = [] } = client.stats() as Partial<Circuits>;
    const circuits = [...(breaker === undefined ? [] : [{ breaker }]), ...nodes];
    const isClosed = circuits.every((one) => Object.values(one.breaker).every(({ state }) => state === "closed"));
    if (isClosed && client.health().status === "ready") {
      this.#add(
        "truth",
        `c${String(index)}: a call was refused with CIRCUIT_OPEN; stats() says both circuits are closed, health() says ready`,
      );
    }
  }

  // ---- the end

  /** Every client that its program has not ended must serve again. */
  async #lastCall(): Promise<void> {
    const { clock } = this.#subject;
    const until = clock.now + LAST_CALL + 1_000;
    let open = 0;
    const isServed = this.#scenario.faults.every(({ action }) => action.do !== "deny-select");
    for (const actor of this.#driver.actors) {
      if (actor.isEnded || actor.redis.status === "end") continue;
      const who = `c${String(actor.index)}`;
      open++;
      // A reply that was never finished swallows the next one; without a heartbeat a dead connection is found by the next call.
      // Where nothing may wait, a node of a cluster that nobody has used yet refuses the first.
      const { heartbeat, queue } = actor.redis.policy;
      const isNew = this.#cluster !== undefined && queue === false;
      const tries = this.#isPoisoned || heartbeat === false || isNew ? 3 : 1;
      // One of each slot that the program knows.
      const tags = this.#scenario.cluster?.tags.map((tag) => `{${tag}}`) ?? [""];
      const callFor = async (key: string): Promise<unknown> => {
        for (let i = 1; i < tries; i++) {
          if ((await outcomeOf(actor.redis.set(key, "0"))).ok) break;
          // Where nothing may wait, the next one must not come before the connection has been replaced.
          await new Promise<void>((resolve) => void clock.setTimer(() => resolve(), BETWEEN_TRIES, false, []));
        }
        return actor.redis.set(key, "1");
      };
      const call = async (): Promise<unknown> => {
        // Nobody has used it yet, and to look the name up may take longer than a call.
        if (actor.redis.status === "wait") await outcomeOf(actor.redis.connect());
        return Promise.all(tags.map((tag) => callFor(`final:${who}${tag}`)));
      };
      clock.setTimer(
        () => {
          void outcomeOf(call()).then((outcome) => {
            open--;
            const { status } = actor.redis.health();
            this.#timeline.note("client", `${who} last call: ${outcome.ok ? "OK" : (outcome.code ?? "")}`);
            if (!isServed) return;
            if (!outcome.ok)
              this.#add(
                "heals",
                `${who}: ${String(RECOVERY / 1000)} s after everything has healed a SET ends with ${outcome.code ?? ""}: ${outcome.error?.message ?? ""}`,
              );
            else if (status !== "ready") this.#add("truth", `${who}: serves, and health() says ${status}`);
          });
        },
        1,
        false,
        [],
      );
      if (isServed) this.#checkSubscriptions(actor, who);
    }
    await clock.run(clock.now + 3 * LAST_CALL + 1_000, () => open === 0 && clock.now > until);
    if (open > 0) this.#add("heals", `${String(open)} last calls have not settled`);
  }

  #checkSubscriptions(actor: Actor, who: string): void {
    const { subscriber, channels } = actor;
    // Without a heartbeat nobody asks a silent subscriber's connection whether it lives.
    if (subscriber === undefined || channels.size === 0 || subscriber.policy.heartbeat === false) return;
    const { clock } = this.#subject;
    const master = this.#servers.find(({ role }) => role === "master");
    // The last call may be what finds that the writes have moved; what is published while everybody moves there is lost, as it may be.
    for (const delay of [5, 500]) {
      clock.after(delay, () => {
        for (const channel of channels) master?.publish("message", channel, "val:last");
      });
    }
    clock.after(1_000, () => {
      for (const channel of channels) {
        if (actor.heard.includes(`${channel} val:last`)) continue;
        this.#add("subscribed", `${who}: nothing is heard on ${channel}, to which it is subscribed`);
      }
    });
  }

  async #close(): Promise<void> {
    const { clock } = this.#subject;
    let closing = 0;
    const clients = this.#driver.actors.flatMap(({ redis, session, subscriber }) => [redis, session, subscriber]);
    for (const client of clients) {
      if (client === undefined) continue;
      closing++;
      clock.setTimer(() => void outcomeOf(client.close({ drain: 500 })).then(() => closing--), 1, false, []);
    }
    await clock.run(clock.now + END);
    if (closing > 0)
      this.#add("closed", `${String(closing)} calls of close() have not ended after ${String(END / 1000)} s`);
    for (const socket of this.#network.sockets) this.#add("closed", `socket #${String(socket.id)} is still open`);
    const held = clock.timers.filter((timer) => timer.hasRef());
    for (const timer of held)
      this.#add(
        "closed",
        `a timer of ${String(timer.delay)} ms keeps the process alive${timer.where === undefined ? "" : `\n${timer.where}`}`,
      );
    await clock.run(clock.now + LAST_TIMERS);
    for (const timer of clock.timers) {
      if (!held.includes(timer))
        this.#add(
          "closed",
          `a timer of ${String(timer.delay)} ms is still set${timer.where === undefined ? "" : `\n${timer.where}`}`,
        );
    }
  }

  #checkAll(): void {
    const { world } = this.#scenario;
    const isPoisoned = this.#isPoisoned;
    const ledger = this.#ledger;
    const { actors } = this.#driver;
    this.#violations.push(
      ...checkCalls({
        ledger,
        isPoisoned,
        stalls: this.#subject.clock.stalls,
        databases: ({ client, order, domain }) => {
          const actor = actors[client];
          // Loans, and clients of their own, select for themselves or start where the client is.
          if (actor === undefined || !domain.startsWith("c")) return EVERYWHERE;
          return databasesAt(actor.selects, actor.data.database ?? 0, order);
        },
        isScaled: ({ client, command }) => command?.writes === false && actors[client]?.data.scaleReads !== undefined,
      }),
    );
    if (this.#cluster !== undefined) this.#violations.push(...checkReplaced(ledger));
    if (!isPoisoned && !this.#hasLostData) {
      if (this.#isOneDatabase())
        this.#violations.push(...checkHistories(ledger, (key) => ledger.lostKeys.has(key), this.#finalValue()));
    }
    if (HEALTHY.has(world) && this.#scenario.serverStartsAt === 0) this.#checkHealthy();
    this.#violations.push(...this.#log.violations());
  }

  /** What a cluster holds in the end, for whoever asks: what was acknowledged must be in it. */
  #finalValue(): ((key: string) => string | undefined) | undefined {
    const cluster = this.#cluster;
    if (cluster === undefined) return undefined;
    return (key) => {
      const value = cluster.holderOf(key)?.keyspace.get(0, key);
      return value?.type === "string" ? value.text : undefined;
    };
  }

  /** Whether a key's name means one key for everybody: clients may differ in prefix and database. */
  #isOneDatabase(): boolean {
    const { clients, steps } = this.#scenario;
    const places = new Set(clients.map(({ keyPrefix, database }) => `${keyPrefix ?? ""}${String(database ?? 0)}`));
    // What is read from replicas may be old, and a cluster's loans take no prefix.
    if (clients.some(({ scaleReads }) => scaleReads !== undefined)) return false;
    if (this.#cluster !== undefined && clients.some(({ keyPrefix }) => keyPrefix !== undefined)) return false;
    return places.size === 1 && steps.every(({ action }) => action.do !== "select" && !("database" in action));
  }

  /** Nothing was wrong with servers and network. */
  #checkHealthy(): void {
    const blames = new Set([
      "CIRCUIT_OPEN",
      "QUEUE_FULL",
      "OUTCOME_UNKNOWN",
      "UNAVAILABLE",
      "POOL_TIMEOUT",
      "CONNECTION_LOST",
    ]);
    for (const entry of this.#ledger.entries) {
      const { outcome } = entry;
      if (outcome === undefined || outcome.ok || !blames.has(outcome.code ?? "")) continue;
      const actor = this.#driver.actors[entry.client];
      // Whoever ends or cuts their own connection is told so.
      if (
        actor?.wasEnded === true ||
        this.#scenario.steps.some(
          ({ action }) => action.do === "redial" || (action.do === "pipeline" && action.isBad === true),
        )
      )
        continue;
      const isLent = actor !== undefined && this.#isAllLent(actor, entry.settledAt);
      if (/^(?:UNAVAILABLE|CIRCUIT_OPEN)$/.test(outcome.code ?? "") && this.#isCold(entry.issuedAt)) continue;
      if (
        outcome.code === "POOL_TIMEOUT" &&
        (isLent || this.#ledger.hurried.has(entry) || (actor !== undefined && this.#isFar(actor)))
      )
        continue;
      this.#add("healthy", `${entry.what} ended with ${outcome.code ?? ""}`, entry.settledAt);
    }
  }

  /** The way to a server behind Sentinels takes longer than a connection may take. */
  #isFar({ redis }: Actor): boolean {
    const { sentinels, conditions } = this.#scenario;
    const { acquireTimeout } = redis.policy.pool;
    return sentinels !== undefined && SENTINEL_ROUND_TRIPS * 2 * conditions.latency >= acquireTimeout;
  }

  /** Nobody can know the table of slots yet: whoever wants a connection waits no longer than for any. */
  #isCold(at: number): boolean {
    const { latency, dns } = this.#scenario.conditions;
    return this.#cluster !== undefined && at < dns + START_TRIPS * 2 * latency + MOMENT;
  }

  /** Others of the program had all connections that the client may lend: whoever waited then waited for them. */
  #isAllLent({ redis, loans }: Actor, at: number): boolean {
    // Before its function begins a connection is proven and guards a key; after its end it is cleaned.
    const margin = ROUND_TRIPS * 2 * this.#scenario.conditions.latency + MOMENT;
    const lent = loans.filter(({ from, until }) => from - margin <= at && until + margin >= at);
    return lent.length >= redis.policy.pool.max;
  }
}

/** What is looked at of `stats()`, of one server and of a cluster. */
interface Circuits {
  readonly breaker: Readonly<Record<"readWrite" | "write", { readonly state: string }>>;
  readonly nodes: readonly Pick<Circuits, "breaker">[];
}

/** A master and its replica. */
function pairOf(make: (address: string) => Server, lag: number): readonly [Server, Server] {
  const [first, second] = [make("10.0.0.1"), make("10.0.0.2")];
  first.replica = second;
  first.lag = second.lag = lag;
  second.role = "slave";
  return [first, second];
}

const EVERYWHERE: ReadonlySet<number> = new Set(Array.from({ length: 16 }, (_, i) => i));
