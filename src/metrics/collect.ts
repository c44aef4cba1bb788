/**
 * Reads the clients of this process into samples, one for each endpoint and set of attributes. What an ended client has counted
 * stays in the sums, because a counter must not fall.
 */
import { liveClients, onRetired, type LiveClient } from "../client/live-clients.js";
import type { LatencyBuckets } from "../engine/latency.js";
import { METRICS, type Attributes, type Metric } from "./table.js";

/** Who is measured: what the log calls the endpoint, and its address where it has one. */
export interface MeasuredEndpoint {
  readonly label: string;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

export interface Sample {
  readonly endpoint: MeasuredEndpoint;
  readonly attributes: Attributes;
  readonly value: number;
}

/** The durations of one endpoint, in milliseconds. */
export interface Durations {
  readonly endpoint: MeasuredEndpoint;
  readonly buckets: LatencyBuckets;
}

export interface Collected {
  readonly samples: ReadonlyMap<Metric, readonly Sample[]>;
  readonly durations: readonly Durations[];
}

type Samples = Map<string, Sample>;

/** What one client, or several, have counted. */
interface Counts {
  readonly samples: Map<Metric, Samples>;
  readonly durations: Map<string, Durations>;
}

/** Each who publishes has one. Clients that ended before it was made are not in its sums. */
export class Collector {
  readonly #ended = nothing();
  /** What is in `ended` of a client, which `connect()` may revive: it goes on counting from there. */
  readonly #taken = new WeakMap<LiveClient, Counts>();
  /** Stops it. */
  readonly end: () => void;

  constructor() {
    this.end = onRetired((client) => {
      addTo(this.#ended, this.#since(client), isKept);
      this.#taken.set(client, read(client));
    });
  }

  collect(): Collected {
    const all = nothing();
    addTo(all, this.#ended);
    for (const client of liveClients()) addTo(all, this.#since(client));
    return {
      samples: new Map([...all.samples].map(([metric, samples]) => [metric, [...samples.values()]])),
      durations: [...all.durations.values()],
    };
  }

  /** What a client has counted that is not among the ended. */
  #since(client: LiveClient): Counts {
    const now = read(client);
    const before = this.#taken.get(client);
    if (before === undefined) return now;
    for (const [metric, samples] of now.samples) {
      if (!isKept(metric)) continue;
      for (const [key, sample] of samples) {
        const value = sample.value - (before.samples.get(metric)?.get(key)?.value ?? 0);
        samples.set(key, { ...sample, value });
      }
    }
    for (const [label, { endpoint, buckets }] of now.durations) {
      const taken = before.durations.get(label)?.buckets;
      if (taken !== undefined) now.durations.set(label, { endpoint, buckets: combined(buckets, taken, -1) });
    }
    return now;
  }
}

function nothing(): Counts {
  return { samples: new Map(), durations: new Map() };
}

/** A budget is the endpoint's: it ends with its last client. */
function isKept({ kind, joins }: Metric): boolean {
  return kind === "counter" && joins === "sum";
}

function read(client: LiveClient): Counts {
  const { label, endpoint, maxLeases } = client;
  const counts = nothing();
  const reading = { stats: client.stats(), health: client.health(), maxLeases };
  const { host, path, sentinelName, port } = endpoint;
  const measured = { label, address: host ?? path ?? sentinelName, port };
  for (const metric of METRICS) {
    const samples: Samples = new Map();
    metric.read(reading, (value, attributes = {}) => {
      const key = [label, ...Object.values(attributes)].join("\n");
      samples.set(key, { endpoint: measured, attributes, value });
    });
    counts.samples.set(metric, samples);
  }
  counts.durations.set(label, { endpoint: measured, buckets: client.latency() });
  return counts;
}

function addTo(sum: Counts, more: Counts, wanted: (metric: Metric) => boolean = () => true): void {
  for (const [metric, samples] of more.samples) {
    if (!wanted(metric)) continue;
    const into = sum.samples.get(metric) ?? new Map<string, Sample>();
    sum.samples.set(metric, into);
    for (const [key, sample] of samples) {
      const before = into.get(key)?.value;
      const value = before === undefined ? sample.value : join(metric, before, sample.value);
      into.set(key, { ...sample, value });
    }
  }
  for (const [label, { endpoint, buckets }] of more.durations) {
    const before = sum.durations.get(label)?.buckets;
    sum.durations.set(label, { endpoint, buckets: before === undefined ? buckets : combined(before, buckets, 1) });
  }
}

function join({ joins }: Metric, a: number, b: number): number {
  return joins === "sum" ? a + b : Math.max(a, b);
}

function combined(a: LatencyBuckets, b: LatencyBuckets, sign: 1 | -1): LatencyBuckets {
  return {
    counts: a.counts.map((count, place) => count + sign * (b.counts[place] ?? 0)),
    count: a.count + sign * b.count,
    sum: a.sum + sign * b.sum,
  };
}
