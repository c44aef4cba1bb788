/** What is switched on, as a service would switch it on. Each looks at or exports what it has once in every slice, which is far more often than in production. */
/**
 * @typedef {{ off: () => unknown, look?: () => Promise<unknown> }} Running `look`: a scrape, or an export
 * @typedef {{ label: string, bar?: number, sampled?: number, on: () => Promise<() => Running> }} Mode `bar`: the least share of the
 *   throughput without it. `sampled`: of all requests, the share that is traced. `on` loads what it needs; what it resolves
 *   with switches it on.
 */

/** @type {Readonly<Record<string, Mode>>} */
export const MODES = {
  prometheus: { label: "metrics for Prometheus", bar: 0.97, on: prometheus },
  "otel-metrics": { label: "metrics for OpenTelemetry", bar: 0.97, on: otelMetrics },
  sampled: { label: "spans, 1 % sampled", bar: 0.85, sampled: 0.01, on: spans },
  always: { label: "spans, all sampled", sampled: 1, on: spans },
};

/** @returns {Promise<() => Running>} */
async function prometheus() {
  const [{ register }, { Registry }] = await Promise.all([import("ioredoubt/prometheus"), import("prom-client")]);
  return () => {
    const registry = new Registry();
    return { off: register(registry), look: () => registry.metrics() };
  };
}

/** @returns {Promise<() => Running>} */
async function otelMetrics() {
  const [{ durationProducer, instrument }, sdk] = await Promise.all([
    import("ioredoubt/otel"),
    import("@opentelemetry/sdk-metrics"),
  ]);
  const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } = sdk;
  return () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const metricProducers = [durationProducer()];
    const reader = new PeriodicExportingMetricReader({ exporter, metricProducers, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const end = instrument({ meterProvider, tracerProvider: false });
    return {
      look: () => meterProvider.forceFlush(),
      off: () => {
        end();
        return meterProvider.shutdown();
      },
    };
  };
}

/** @returns {Promise<() => Running>} */
async function spans() {
  const [{ instrument }, sdk] = await Promise.all([import("ioredoubt/otel"), import("@opentelemetry/sdk-trace-base")]);
  const { AlwaysOffSampler, BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler } = sdk;
  return () => {
    /** An exporter that takes everything and keeps nothing. @type {import("@opentelemetry/sdk-trace-base").SpanExporter} */
    const exporter = {
      export: (_spans, done) => done(/** @type {any} */ ({ code: 0 })),
      shutdown: () => Promise.resolve(),
    };
    const processor = new BatchSpanProcessor(exporter, { maxQueueSize: 100_000, maxExportBatchSize: 10_000 });
    // Whether a request is traced was decided where it came in.
    const sampler = new ParentBasedSampler({ root: new AlwaysOffSampler() });
    const tracerProvider = new BasicTracerProvider({ sampler, spanProcessors: [processor] });
    const end = instrument({ meterProvider: false, tracerProvider });
    return {
      off: async () => {
        end();
        await tracerProvider.shutdown();
      },
    };
  };
}
