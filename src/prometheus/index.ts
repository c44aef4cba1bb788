/** `ioredoubt/prometheus`: the clients of this process as metrics of prom-client. */
import { register as defaultRegistry, type Registry } from "prom-client";
import { DOUBLED_BOUNDS } from "../engine/latency.js";
import { Collector, type Collected, type MeasuredEndpoint } from "../metrics/collect.js";
import { labelName, prometheusName } from "../metrics/prometheus-names.js";
import { DURATION, METRICS, type Attributes } from "../metrics/table.js";

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/**
 * Publishes every client of this process, present and future, in a registry of prom-client. The numbers are read from the
 * clients when the registry is scraped; commands pay nothing. The names and labels are in docs/metrics.md.
 *
 * @param registry - prom-client's default registry if none is given.
 * @returns a function that takes the metrics out again.
 * @throws Error of prom-client when the registry holds a metric of the same name, as after a second call.
 */
export function register(
  registry: Pick<Registry, "registerMetric" | "removeSingleMetric"> = defaultRegistry,
): () => void {
  const collector = new Collector();
  const collect = oncePerTurn(() => collector.collect());
  const published = [
    ...METRICS.map((metric) => {
      const values = (): Value[] =>
        (collect().samples.get(metric) ?? []).map(({ endpoint, attributes, value }) => {
          return { value, labels: labelsOf(endpoint, attributes) };
        });
      const type = metric.kind === "counter" ? "counter" : "gauge";
      return new Published(prometheusName(metric), metric.description, type, values);
    }),
    new Published(prometheusName(DURATION), DURATION.description, "histogram", () => durations(collect())),
  ];
  try {
    for (const metric of published) registry.registerMetric(metric as never);
  } catch (error) {
    collector.end();
    throw error;
  }
  return () => {
    collector.end();
    for (const { name } of published) registry.removeSingleMetric(name);
  };
}

/** What a registry of prom-client needs of a metric. Its own classes take increments, and we have sums. */
class Published {
  /** The registry writes it anew for the OpenMetrics format. */
  name: string;
  readonly help: string;
  readonly type: string;
  /** What prom-client does with the values of several processes of a Node cluster. */
  readonly aggregator = "sum";
  readonly #values: () => Value[];

  constructor(name: string, help: string, type: string, values: () => Value[]) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.#values = values;
  }

  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.#values() });
  }

  /** The registry's `resetMetrics()`: these are sums since the clients were made, which nobody but they can reset. */
  reset(): void {
    // Nothing is kept here.
  }
}

function durations({ durations }: Collected): Value[] {
  const name = prometheusName(DURATION);
  return durations.flatMap(({ endpoint, buckets }) => {
    const labels = labelsOf(endpoint, {});
    let below = 0;
    const rows = buckets.counts.map((count, place): Value => {
      below += count;
      const bound = DOUBLED_BOUNDS[place];
      return {
        metricName: `${name}_bucket`,
        value: below,
        labels: { ...labels, le: bound === undefined ? "+Inf" : bound / 1000 },
      };
    });
    return [
      ...rows,
      { metricName: `${name}_sum`, value: buckets.sum / 1000, labels },
      { metricName: `${name}_count`, value: buckets.count, labels },
    ];
  });
}

/** The endpoint as the log names it: the label to join logs and metrics by. */
function labelsOf({ label }: MeasuredEndpoint, attributes: Attributes): Record<string, string> {
  const named = Object.entries(attributes).map(([name, value]) => [labelName(name), value]);
  return { endpoint: label, ...(Object.fromEntries(named) as Attributes) };
}

/** A scrape asks for one metric after another in one turn: all are read at once, which also makes them agree. */
function oncePerTurn<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    if (made === undefined) {
      made = { value: make() };
      queueMicrotask(() => (made = undefined));
    }
    return made.value;
  };
}
