/** Connects the clients of this process to OpenTelemetry's API: metrics that are read when they are collected, and spans. */
import { metrics, trace, type MeterProvider, type Observable, type TracerProvider } from "@opentelemetry/api";
import { tracing } from "../engine/tracer.js";
import { Collector } from "../metrics/collect.js";
import { METRICS } from "../metrics/table.js";
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

function publish(provider: Pick<MeterProvider, "getMeter">): () => void {
  const meter = provider.getMeter(SCOPE.name, SCOPE.version);
  const collector = new Collector();
  const instruments = new Map(
    METRICS.map((metric) => {
      const { name, description, unit, kind } = metric;
      const options = { description, unit };
      const instrument: Observable =
        kind === "counter" ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options);
      return [metric, instrument] as const;
    }),
  );
  const callback: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    for (const [metric, samples] of collector.collect().samples) {
      const instrument = instruments.get(metric);
      if (instrument === undefined) continue;
      for (const { endpoint, attributes, value } of samples) {
        result.observe(instrument, value, { ...endpointAttributes(endpoint), ...attributes });
      }
    }
  };
  const observables = [...instruments.values()];
  meter.addBatchObservableCallback(callback, observables);
  return () => {
    meter.removeBatchObservableCallback(callback, observables);
    collector.end();
  };
}
