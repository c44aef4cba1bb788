/** What the dashboard shows, one row a panel; docs/metrics.md shows the same table. */

export interface Panel {
  readonly title: string;
  /** What a person reads off it. */
  readonly shows: string;
  /** In Grafana's terms. */
  readonly unit: "ops" | "s" | "short" | "bytes";
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
}

const RATE = "[$__rate_interval]";

export const PANELS: readonly Panel[] = [
  {
    title: "Commands answered",
    shows: "Work that is done, by family.",
    unit: "ops",
    queries: [
      {
        expr: `sum by (endpoint, family) (rate(ioredoubt_operations_total{outcome="answered"}${RATE}))`,
        legend: "{{endpoint}} {{family}}",
      },
    ],
  },
  {
    title: "Errors that callers got, by code",
    shows: "What is wrong, in the words of docs/errors.",
    unit: "ops",
    queries: [
      {
        expr: `sum by (endpoint, error_type) (rate(redis_client_errors_total${RATE}))`,
        legend: "{{endpoint}} {{error_type}}",
      },
    ],
  },
  {
    title: "Duration",
    shows: "From the call to the reply, waiting and resends included.",
    unit: "s",
    queries: [0.5, 0.99].map((share) => ({
      expr: `histogram_quantile(${String(share)}, sum by (endpoint, le) (rate(db_client_operation_duration_seconds_bucket${RATE})))`,
      legend: `{{endpoint}} p${String(share * 100)}`,
    })),
  },
  {
    title: "Clients by status",
    shows: "How many clients are connected, how many are not, and why not.",
    unit: "short",
    queries: [
      { expr: "sum by (endpoint, status) (ioredoubt_clients) > 0", legend: "{{endpoint}} {{status}}" },
      { expr: "sum by (endpoint, error_type) (ioredoubt_failing_clients) > 0", legend: "{{endpoint}} {{error_type}}" },
    ],
  },
  {
    title: "Open circuits",
    shows: "1 while commands, or writes only, are refused at once.",
    unit: "short",
    queries: [
      {
        expr: 'max by (endpoint, circuit) (ioredoubt_circuit_state{state="open"})',
        legend: "{{endpoint}} {{circuit}}",
      },
    ],
  },
  {
    title: "Outcome unknown, refused, resent",
    shows: "What an outage did to commands: unknown outcomes need a look at the data, refused ones were not executed.",
    unit: "ops",
    queries: [
      { expr: `sum by (endpoint) (rate(ioredoubt_outcome_unknown_total${RATE}))`, legend: "{{endpoint}} unknown" },
      { expr: `sum by (endpoint) (rate(ioredoubt_rejected_total${RATE}))`, legend: "{{endpoint}} refused" },
      {
        expr: `sum by (endpoint) (rate(redis_client_operation_retry_attempts_total${RATE}))`,
        legend: "{{endpoint}} resent",
      },
    ],
  },
  {
    title: "Connections lost",
    shows: "A connection that is lost again and again while Redis is up: a balancer, a limit or a network that cuts.",
    unit: "ops",
    queries: [
      { expr: `sum by (endpoint) (rate(redis_client_connection_closed_total${RATE}))`, legend: "{{endpoint}}" },
    ],
  },
  {
    title: "Waiting and in flight",
    shows: "A queue that grows while commands are answered means that Redis or this process is too slow.",
    unit: "short",
    queries: [
      { expr: "sum by (endpoint) (ioredoubt_commands_waiting)", legend: "{{endpoint}} waiting" },
      { expr: "sum by (endpoint) (ioredoubt_commands_in_flight)", legend: "{{endpoint}} in flight" },
    ],
  },
  {
    title: "Exclusive connections",
    shows: "Connections lent by withConnection and transaction, and those of blocking commands.",
    unit: "short",
    queries: [
      {
        expr: "sum by (endpoint, db_client_connection_pool_name, db_client_connection_state) (db_client_connection_count)",
        legend: "{{endpoint}} {{db_client_connection_pool_name}} {{db_client_connection_state}}",
      },
      {
        expr: "sum by (endpoint, db_client_connection_pool_name) (db_client_connection_pending_requests)",
        legend: "{{endpoint}} {{db_client_connection_pool_name}} waiting",
      },
    ],
  },
];
