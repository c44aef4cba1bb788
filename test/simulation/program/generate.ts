/**
 * From a seed to a scenario. Each seed takes part of what there is, not all of it: a program with three kinds of steps and
 * two kinds of faults meets rare combinations sooner than one with everything.
 */
import { Random } from "../random.js";
import { HEALTHY, WHOLE } from "./scenario.js";
import type { Action, ClientData, Scenario, Step, ViewData, WorldKind } from "./scenario.js";
import { randomCommand, type Family } from "./commands.js";
import { randomFaults } from "./faults.js";

const WORLDS: Readonly<Record<WorldKind, number>> = {
  calm: 8,
  stalls: 6,
  impatient: 4,
  "slow-start": 4,
  burst: 0.5,
  lossy: 22,
  server: 12,
  refusals: 12,
  demotion: 8,
  failover: 8,
  hostile: 6,
  mixed: 16,
};

type Kind = Action["do"];

const STEPS: Readonly<Partial<Record<Kind, number>>> = {
  command: 60,
  pipeline: 8,
  multi: 6,
  interactive: 3,
  transaction: 6,
  lease: 4,
  block: 4,
  pop: 4,
  select: 3,
  subscribe: 2,
  unsubscribe: 1,
  publish: 3,
  script: 5,
  duplicate: 0.5,
  redial: 0.5,
  close: 0.3,
  quit: 0.3,
  disconnect: 0.3,
  connect: 0.6,
};

const FAMILIES: readonly Family[] = ["register", "counter", "list", "hash", "set", "server"];

/** How many scenarios have Sentinels. */
const WITH_SENTINELS = 0.1;

/** Makes the scenario of a seed: about so many commands. With Sentinels as often as usual, or as it is told. */
export function scenarioOf(seed: number, commands = 200, withSentinels = WITH_SENTINELS): Scenario {
  const random = new Random(seed);
  const world = random.weighted(WORLDS);
  const conditions = {
    latency: random.scale(0.2, 20) / 2 + 0.1,
    jitter: 0.1,
    dns: random.chance(0.7) ? 1 : random.scale(1, 100),
    piece: WHOLE,
    drip: 0,
  };
  // Calls that are given less time than a round trip takes.
  if (world === "impatient") conditions.latency = random.int(5, 20);
  if (world === "slow-start") conditions.dns = random.int(2500, 5000);
  const span = random.scale(300, 12_000);
  const clients = Array.from(
    { length: random.weighted({ "1": 6, "2": 3, "3": 1 }) === "1" ? 1 : random.int(2, 3) },
    () => randomClient(random.fork(`client ${String(random.int(0, 1e9))}`), world),
  );
  const serverStartsAt = !HEALTHY.has(world) && random.chance(0.08) ? random.scale(100, 8000) : 0;
  const steps = new Program(random.fork("program"), world, clients, span).steps(commands);
  const watch = random.fork("sentinels");
  const sentinels = watch.chance(withSentinels)
    ? {
        hearAfter: [0, watch.scale(1, 2000), watch.scale(1, 2000)],
        tells: watch.chance(0.8),
      }
    : undefined;
  const faults = randomFaults(random.fork("faults"), world, span, sentinels !== undefined);
  return {
    seed,
    world,
    conditions,
    password: random.chance(0.1) ? "hunter2" : undefined,
    lag: random.scale(1, 400),
    ...(sentinels === undefined ? {} : { sentinels }),
    serverStartsAt,
    clients,
    steps,
    faults,
    healsAt: Math.max(span, serverStartsAt, ...faults.map(({ at }) => at)) + 100,
  };
}

function randomClient(random: Random, world: WorldKind): ClientData {
  const maybe = <T>(probability: number, value: () => T): T | undefined =>
    random.chance(probability) ? value() : undefined;
  return {
    profile: random.weighted({ production: 6, cache: 1, worker: 1, test: 2 }),
    deadline: maybe(0.2, () => random.pick([1000, 2000, 3000])),
    ambiguous: maybe(0.2, () => random.pick(["reads", "replay"] as const)),
    queue: HEALTHY.has(world)
      ? undefined
      : maybe(0.2, () => (random.chance(0.3) ? false : { maxCommands: random.pick([5, 20]) })),
    breaker: maybe(0.1, () => false as const),
    lanes: maybe(0.12, () => random.int(2, 3)),
    database: maybe(0.3, () => random.int(1, 3)),
    protocol: random.chance(0.5) ? 2 : 3,
    keyPrefix: maybe(0.15, () => "p:"),
    autoPipelining: maybe(0.08, () => true),
    lazy: maybe(0.1, () => true),
    waitsForEver: maybe(0.08, () => true),
    skipsReadyCheck: maybe(0.08, () => true),
  };
}

class Program {
  readonly #random: Random;
  readonly #world: WorldKind;
  readonly #span: number;
  readonly #weights: Partial<Record<Kind, number>> = {};
  readonly #families: readonly Family[];
  /** Some calls of the program are mistakes. */
  readonly #hasBad: boolean;
  #id = 0;
  #clients: number;
  #commands = 0;

  constructor(random: Random, world: WorldKind, clients: readonly ClientData[], span: number) {
    this.#random = random;
    this.#world = world;
    this.#span = span;
    this.#clients = clients.length;
    this.#hasBad = random.chance(0.05);
    for (const [kind, weight] of Object.entries(STEPS) as [Kind, number][]) {
      if (kind === "command" || random.chance(0.4)) this.#weights[kind] = weight * (random.chance(0.2) ? 4 : 1);
    }
    const chosen = FAMILIES.filter(() => random.chance(0.5));
    this.#families = chosen.length > 0 ? chosen : ["register", "counter"];
  }

  steps(commands: number): readonly Step[] {
    const random = this.#random;
    const steps: Step[] = [];
    // Several moments, each with a few steps in one turn of the loop.
    const crowd = random.pick([1, 1, 2, 4, 10]);
    while (this.#commands < commands) {
      const at = Math.round(random.next() * this.#span);
      const client = random.int(0, this.#clients - 1);
      const count = random.int(1, crowd);
      for (let i = 0; i < count; i++) {
        steps.push({
          at,
          client: random.chance(0.9) ? client : random.int(0, this.#clients - 1),
          action: this.#action(),
        });
      }
    }
    if (this.#world === "burst")
      steps.push({ at: 0, client: 0, action: { do: "burst", count: 12_000, id: this.#next() } });
    if (this.#world === "stalls" || (this.#world === "mixed" && random.chance(0.3))) {
      const count = random.int(1, 3);
      for (let i = 0; i < count; i++) {
        const at = random.chance(0.3) ? random.int(0, 5) : Math.round(random.next() * this.#span);
        steps.push({ at, client: 0, action: { do: "stall", ms: random.scale(20, 6000) } });
      }
    }
    // Stable: steps of one moment keep the order in which they were made, which is the order of their numbers.
    return steps
      .map((step, index) => ({ step, index }))
      .sort((a, b) => a.step.at - b.step.at || a.index - b.index)
      .map(({ step }) => step);
  }

  #next(): number {
    return ++this.#id;
  }

  #command(): ReturnType<typeof randomCommand> {
    this.#commands++;
    return randomCommand(this.#random, this.#random.pick(this.#families), this.#next());
  }

  #commandsOf(low: number, high: number): ReturnType<typeof randomCommand>[] {
    return Array.from({ length: this.#random.int(low, high) }, () => this.#command());
  }

  #view(): ViewData {
    const random = this.#random;
    if (this.#world === "impatient") return { deadline: random.int(1, 15) };
    return random.weighted({ deadline: 5, abort: 3, shared: 2 }) === "deadline"
      ? { deadline: random.scale(20, 3000) }
      : random.chance(0.6)
        ? { abortAfter: random.scale(1, 1000) }
        : { sharedSignal: random.int(0, 1) };
  }

  #action(): Action {
    const random = this.#random;
    const kind = random.weighted(this.#weights);
    const channel = `ch${String(random.int(0, 2))}`;
    switch (kind) {
      case "pipeline":
        return {
          do: kind,
          commands: this.#commandsOf(2, 6),
          ...(this.#hasBad && random.chance(0.2) ? { isBad: true } : {}),
        };
      case "multi":
        return { do: kind, commands: this.#commandsOf(1, 4) };
      case "interactive":
        return {
          do: kind,
          commands: this.#commandsOf(1, 3),
          gap: random.scale(1, 300),
          inPipeline: random.chance(0.3),
        };
      case "transaction": {
        this.#commands++;
        const [key, other] = random.chance(0.5) ? ["w0", "w1"] : ["w1", "w0"];
        return {
          do: kind,
          id: this.#next(),
          key,
          other,
          pause: random.scale(1, 200),
          meddling: random.weighted({ none: 6, "watch-other": 2, "unwatch-watch": 1, reset: 1 }),
          byHand: random.chance(0.4),
        };
      }
      case "lease":
        return {
          do: kind,
          commands: this.#commandsOf(1, 3),
          gap: random.scale(1, 100),
          ...(random.chance(0.3) ? { database: random.int(0, 3) } : {}),
        };
      case "block":
        this.#commands++;
        return {
          do: kind,
          name: random.chance(0.5) ? "blpop" : "brpop",
          key: `l${String(random.int(0, 1))}`,
          seconds: random.pick([0.05, 0.2, 1, 2]),
          ...(random.chance(0.3) ? { view: { deadline: random.scale(200, 2000) } } : {}),
        };
      case "pop":
        this.#commands++;
        return { do: kind, name: random.chance(0.5) ? "lpop" : "rpop", key: `l${String(random.int(0, 1))}` };
      case "select":
        return { do: kind, database: random.int(0, 3) };
      case "subscribe":
      case "unsubscribe":
        return { do: kind, channel };
      case "publish":
        return { do: kind, channel, id: this.#next() };
      case "script": {
        this.#commands++;
        const id = this.#next();
        const key = random.pick(["c0", "c1"]);
        const command = {
          id,
          name: "incrby",
          args: [key, String(1_000_000 + id)],
          keys: [key],
          writes: true,
          isSafe: false,
          hasIdentity: true,
        };
        return { do: kind, command, how: random.chance(0.5) ? "eval" : "define", inPipeline: random.chance(0.2) };
      }
      case "duplicate":
        this.#clients++;
        return { do: kind };
      case "close":
        return { do: kind, drain: random.scale(1, 3000) };
      case "quit":
      case "disconnect":
      case "connect":
      case "redial":
        return { do: kind };
      default:
        return {
          do: "command",
          command: this.#command(),
          ...(random.chance(this.#world === "impatient" ? 0.7 : 0.15) ? { view: this.#view() } : {}),
          ...(random.chance(0.05) ? { callback: true } : {}),
        };
    }
  }
}
