/**
 * What is measured, one row a metric. Names are OpenTelemetry's where its semantic conventions have one, those that node-redis
 * and redis-py use where they have one, our own otherwise. https://opentelemetry.io/docs/specs/semconv/database/
 */
import type { Health } from "../client/health.js";
import type { Stats } from "../client/stats.js";
import type { LeaseStats } from "../failure/pool-snapshot.js";

/** Attributes of one sample beside those of its endpoint. */
export type Attributes = Readonly<Record<string, string>>;

/** Takes one value of a client. */
export type Add = (value: number, attributes?: Attributes) => void;

/** What is read of one client, once for all metrics. */
export interface Reading {
  readonly stats: Stats;
  readonly health: Health;
  /** The most connections that its pool may hold. */
  readonly maxLeases: number;
}

export interface Metric {
  /** As OpenTelemetry has it. */
  readonly name: string;
  /** `counter`: never falls. `gauge`: what is the case now. `updown`: a gauge whose values may be added up. */
  readonly kind: "counter" | "gauge" | "updown";
  /** In braces: a count of these. */
  readonly unit: string;
  readonly description: string;
  /** How the values of several clients of one endpoint become one: clients share an endpoint's circuits and budget. */
  readonly joins: "sum" | "max";
  read(reading: Reading, add: Add): void;
}

const POOL = "db.client.connection.pool.name";
const STATES = ["closed", "half-open", "open"] as const;
const STATUSES = ["idle", "connecting", "ready", "degraded", "down"] as const;

export const METRICS: readonly Metric[] = [
  {
    name: "ioredoubt.operations",
    kind: "counter",
    unit: "{operation}",
    description: "Commands that ended, by family and outcome: answered (error replies included) or failed.",
    joins: "sum",
    read({ stats }, add) {
      for (const [family, { answered, failed }] of Object.entries(stats.families)) {
        add(answered, { family, outcome: "answered" });
        add(failed, { family, outcome: "failed" });
      }
    },
  },
  {
    name: "redis.client.errors",
    kind: "counter",
    unit: "{error}",
    description: "Commands whose callers got an error, by failure code.",
    joins: "sum",
    read({ stats }, add) {
      for (const [code, count] of Object.entries(stats.codes)) add(count, { "error.type": code });
    },
  },
  counter(
    "ioredoubt.rejected",
    "{operation}",
    "Commands that this client refused to send: nothing was executed.",
    "rejected",
  ),
  counter(
    "ioredoubt.outcome_unknown",
    "{operation}",
    "Commands that may have changed data, and nobody knows.",
    "unknownOutcomes",
  ),
  counter("ioredoubt.deadline", "{operation}", "Commands whose deadline passed.", "deadlines"),
  counter("ioredoubt.lost", "{operation}", "Commands that were in flight when their connection was lost.", "lost"),
  {
    name: "redis.client.connection.closed",
    kind: "counter",
    unit: "{connection}",
    description: "Connections that had served and were lost. Those that their owner closed are not counted.",
    joins: "sum",
    read: ({ stats }, add) => {
      add(stats.connectionsLost, { "redis.client.connection.close.reason": "error" });
    },
  },
  counter("ioredoubt.fallbacks", "{operation}", "Commands that the fallback answered.", "fallbacks"),
  counter("redis.client.operation.retry_attempts", "{attempt}", "Commands that were sent again.", "retried"),
  {
    name: "ioredoubt.retry_denied",
    kind: "counter",
    unit: "{attempt}",
    description: "Retries refused because the retry budget was spent.",
    joins: "max",
    read: ({ stats }, add) => {
      add(stats.budget?.denied ?? 0);
    },
  },
  {
    name: "ioredoubt.clients",
    kind: "gauge",
    unit: "{client}",
    description: "Clients of this process, by the status that health() gives.",
    joins: "sum",
    read({ health }, add) {
      const { status } = health;
      for (const one of STATUSES) add(one === status ? 1 : 0, { status: one });
    },
  },
  {
    name: "ioredoubt.failing_clients",
    kind: "gauge",
    unit: "{client}",
    description: "Clients that are down or degraded, by the failure code that health() gives.",
    joins: "sum",
    read({ health: { status, code } }, add) {
      if (code !== undefined && status !== "closed") add(1, { "error.type": code });
    },
  },
  {
    name: "ioredoubt.circuit.state",
    kind: "gauge",
    unit: "1",
    description: "1 for the state that a circuit is in, 0 for the others.",
    joins: "max",
    read({ stats }, add) {
      const { readWrite, write } = stats.breaker;
      for (const [circuit, { state }] of [["read-write", readWrite] as const, ["write", write] as const]) {
        if (state === "off") continue;
        for (const one of STATES) add(state === one ? 1 : 0, { circuit, state: one });
      }
    },
  },
  gauge(
    "ioredoubt.commands.in_flight",
    "{operation}",
    "Commands that are written and unanswered on the clients' own connections.",
    ({ inFlight }) => inFlight,
  ),
  gauge(
    "ioredoubt.commands.waiting",
    "{operation}",
    "Commands that wait for a connection.",
    ({ waiting }) => waiting.commands,
  ),
  gauge(
    "ioredoubt.commands.waiting_size",
    "By",
    "Bytes of the commands that wait for a connection.",
    ({ waiting }) => waiting.bytes,
  ),
  {
    name: "db.client.connection.count",
    kind: "updown",
    unit: "{connection}",
    description:
      "Exclusive connections: of withConnection and transaction (lease), and of blocking commands (blocking).",
    joins: "sum",
    read({ stats }, add) {
      for (const [pool, { idle, leased }] of pools(stats)) {
        add(idle, { [POOL]: pool, "db.client.connection.state": "idle" });
        add(leased, { [POOL]: pool, "db.client.connection.state": "used" });
      }
    },
  },
  {
    name: "db.client.connection.max",
    kind: "updown",
    unit: "{connection}",
    description: "The most exclusive connections that the policy allows.",
    joins: "sum",
    read: ({ maxLeases }, add) => {
      add(maxLeases, { [POOL]: "lease" });
    },
  },
  {
    name: "db.client.connection.pending_requests",
    kind: "updown",
    unit: "{request}",
    description: "Callers that wait for an exclusive connection.",
    joins: "sum",
    read({ stats }, add) {
      for (const [pool, { waiting }] of pools(stats)) add(waiting, { [POOL]: pool });
    },
  },
  {
    name: "db.client.connection.timeouts",
    kind: "counter",
    unit: "{timeout}",
    description: "Callers that got no exclusive connection in time.",
    joins: "sum",
    read: ({ stats }, add) => {
      add(stats.codes.POOL_TIMEOUT ?? 0, { [POOL]: "lease" });
    },
  },
];

/** The histogram, published in seconds. */
export const DURATION = {
  name: "db.client.operation.duration",
  unit: "s",
  description: "From the call to the reply, waiting and resends included, of commands that were answered.",
} as const;

type Counted = "rejected" | "unknownOutcomes" | "deadlines" | "lost" | "fallbacks" | "retried";

function counter(name: string, unit: string, description: string, field: Counted): Metric {
  return {
    name,
    kind: "counter",
    unit,
    description,
    joins: "sum",
    read: ({ stats }, add) => {
      add(stats[field]);
    },
  };
}

function gauge(name: string, unit: string, description: string, of: (stats: Stats) => number): Metric {
  return {
    name,
    kind: "gauge",
    unit,
    description,
    joins: "sum",
    read: ({ stats }, add) => {
      add(of(stats));
    },
  };
}

function pools({ pool }: Stats): (readonly [pool: string, stats: LeaseStats])[] {
  if (pool === undefined) return [];
  return [
    ["lease", pool],
    ["blocking", pool.blocking],
  ];
}
