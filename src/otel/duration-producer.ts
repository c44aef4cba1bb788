/**
 * The histogram of durations. OpenTelemetry's API takes one value after another, which would cost each command more than all
 * that this package does for it; its SDK takes whole histograms from a producer, and the clients keep one anyway.
 */
import type { HrTime } from "@opentelemetry/api";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { clock } from "../clock.js";
import { DOUBLED_BOUNDS } from "../engine/latency.js";
import { Collector } from "../metrics/collect.js";
import { DURATION } from "../metrics/table.js";
import { endpointAttributes } from "./attributes.js";
import { SCOPE } from "./scope.js";

/** Of the SDK's enumerations: this entry needs the SDK's types only. */
const CUMULATIVE = 1;
const HISTOGRAM = 0;
const DOUBLE = 1;
const BOUNDARIES = DOUBLED_BOUNDS.map((bound) => bound / 1000);

/**
 * `db.client.operation.duration` of every client of this process, in seconds, for `metricProducers` of a metric reader of
 * `@opentelemetry/sdk-metrics`:
 *
 * ```ts
 * new PeriodicExportingMetricReader({ exporter, metricProducers: [durationProducer()] });
 * ```
 *
 * Cumulative from the call on; of many commands one in sixteen is measured and counts for sixteen.
 */
export function durationProducer(): MetricProducer {
  const collector = new Collector();
  const startTime = hrTime(clock.wallTime());
  return {
    collect() {
      const endTime = hrTime(clock.wallTime());
      const dataPoints = collector.collect().durations.map(({ endpoint, buckets: { counts, count, sum } }) => {
        const value = { buckets: { boundaries: BOUNDARIES, counts: [...counts] }, sum: sum / 1000, count };
        return { startTime, endTime, attributes: endpointAttributes(endpoint), value };
      });
      const { name, unit, description } = DURATION;
      const metric = {
        descriptor: { name, unit, description, valueType: DOUBLE },
        aggregationTemporality: CUMULATIVE,
        dataPointType: HISTOGRAM,
        dataPoints,
      };
      // The reader takes the resource from its own SDK.
      const resourceMetrics = { scopeMetrics: [{ scope: SCOPE, metrics: [metric] }] };
      return Promise.resolve({ resourceMetrics, errors: [] } as never);
    },
  };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
