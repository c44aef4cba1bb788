/** Connects the clients of this process to OpenTelemetry's API: metrics that are read when they are collected, and spans. */
import {
  metrics,
  trace,
  type Attributes,
  type MeterProvider,
  type Observable,
  type TracerProvider,
} from "@opentelemetry/api";
import { tracing } from "../engine/tracer.js";
import { Collector } from "../metrics/collect.js";
import { METRICS, type Metric } from "../metrics/table.js";
import { endpointAttributes } from "./attributes.js";
import { SCOPE } from "./scope.js";
import { SpanTracer } from "./span-tracer.js";

export interface InstrumentOptions {
  /** Default: the global one, even if it is set later. `false`: no metrics. */
  readonly meterProvider?: MeterProvider | false | undefined;
  /** Default: the global one, even if it is set later. `false`: no spans. */
  readonly tracerProvider?: TracerProvider | false | undefined;
}

/**
 * Publishes every client of this process, present and future. Metrics are read from the clients when they are collected. One
 * span a command, one a pipeline or transaction; none while another agent has wrapped ioredis's `sendCommand`, which makes its
 * own, and none inside a trace of which nothing is recorded. Names and attributes are in docs/metrics.md. No key, argument or
 * value is in any of them.
 *
 * @returns a function that ends it.
 * @throws Error when spans are made already: by an earlier call that was not ended.
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const { meterProvider, tracerProvider } = options;
  if (tracerProvider !== false && tracing.tracer !== undefined) {
    throw new Error(
      "instrument() of ioredoubt/otel was called before: call the function that it returned, then call it again.",
    );
  }
  const endMetrics = meterProvider === false ? undefined : publish(meterProvider ?? metrics);
  if (tracerProvider !== false)
    tracing.tracer = new SpanTracer((tracerProvider ?? trace).getTracer(SCOPE.name, SCOPE.version));
  return () => {
    endMetrics?.();
    if (tracerProvider !== false) tracing.tracer = undefined;
  };
}

const MAKERS = {
  counter: "createObservableCounter",
  gauge: "createObservableGauge",
  updown: "createObservableUpDownCounter",
} as const satisfies Record<Metric["kind"], string>;

interface Observation {
  readonly value: number;
  readonly attributes: Attributes;
}

/**
 * An SDK that reports sums since the start repeats the last value of attributes that are observed no more: a client that was
 * closed while it was down would be down for ever. What was the case and is not is therefore observed as 0.
 */
class Observed {
  readonly #known = new Map<Metric, Map<string, Attributes>>();

  completed(metric: Metric, now: readonly Observation[]): readonly Observation[] {
    if (metric.kind === "counter") return now;
    const before = this.#known.get(metric);
    const all = new Map(now.map(({ attributes }) => [JSON.stringify(attributes), attributes]));
    const gone = [...(before ?? [])].filter(([key]) => !all.has(key));
    this.#known.set(metric, new Map([...all, ...gone]));
    return [...now, ...gone.map(([, attributes]) => ({ value: 0, attributes }))];
  }
}

function publish(provider: Pick<MeterProvider, "getMeter">): () => void {
  const meter = provider.getMeter(SCOPE.name, SCOPE.version);
  const collector = new Collector();
  const instruments = new Map(
    METRICS.map((metric) => {
      const { name, description, unit, kind } = metric;
      const instrument: Observable = meter[MAKERS[kind]](name, { description, unit });
      return [metric, instrument] as const;
    }),
  );
  const observed = new Observed();
  const callback: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    const { samples } = collector.collect();
    for (const [metric, instrument] of instruments) {
      const now = (samples.get(metric) ?? []).map(({ endpoint, attributes, value }) => {
        return { value, attributes: { ...endpointAttributes(endpoint), ...attributes } };
      });
      for (const { value, attributes } of observed.completed(metric, now))
        result.observe(instrument, value, attributes);
    }
  };
  const observables = [...instruments.values()];
  meter.addBatchObservableCallback(callback, observables);
  return () => {
    meter.removeBatchObservableCallback(callback, observables);
    collector.end();
  };
}
