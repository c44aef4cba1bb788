/** Recording rules, one row each: what dashboards and alerts of many services ask for again and again. */

export interface Recorded {
  /** By Prometheus's convention: what is kept of the labels, the metric, what was done to it. */
  readonly name: string;
  readonly expr: string;
  readonly what: string;
}

export const RECORDED: readonly Recorded[] = [
  {
    name: "job_endpoint:ioredoubt_operations:rate5m",
    expr: "sum by (job, endpoint) (rate(ioredoubt_operations_total[5m]))",
    what: "Commands a second that ended.",
  },
  {
    name: "job_endpoint:ioredoubt_operations_failed:ratio_rate5m",
    expr:
      'sum by (job, endpoint) (rate(ioredoubt_operations_total{outcome="failed"}[5m]))' +
      " / job_endpoint:ioredoubt_operations:rate5m",
    what: "The share of them that failed.",
  },
  {
    name: "job_endpoint:db_client_operation_duration_seconds:p99_rate5m",
    expr: "histogram_quantile(0.99, sum by (job, endpoint, le) (rate(db_client_operation_duration_seconds_bucket[5m])))",
    what: "How long all but one in a hundred took at most.",
  },
];
