/** Alerts, one row each: what to be woken for, and which page says what to do. */

export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "critical" | "warning";
  readonly summary: string;
  /** A page of docs/errors, or a document of docs. */
  readonly runbook: string;
}

export const ALERTS: readonly Alert[] = [
  {
    name: "RedisClientDown",
    expr: 'sum by (job, endpoint) (ioredoubt_clients{status="down"}) > 0',
    for: "1m",
    severity: "critical",
    summary: "No connection to {{ $labels.endpoint }} for a minute; clients that have none: {{ $value }}.",
    runbook: "errors/README.md",
  },
  {
    name: "RedisCircuitOpen",
    expr: 'max by (job, endpoint, circuit) (ioredoubt_circuit_state{state="open"}) == 1',
    for: "30s",
    severity: "critical",
    summary: "The {{ $labels.circuit }} circuit of {{ $labels.endpoint }} is open: commands are refused at once.",
    runbook: "errors/CIRCUIT_OPEN.md",
  },
  {
    name: "RedisOutcomeUnknown",
    expr: "sum by (job, endpoint) (increase(ioredoubt_outcome_unknown_total[5m])) > 0",
    for: "0m",
    severity: "warning",
    summary: "Commands to {{ $labels.endpoint }} may have changed data, and nobody knows: their callers must look.",
    runbook: "errors/OUTCOME_UNKNOWN.md",
  },
  {
    name: "RedisErrorRatio",
    expr: "job_endpoint:ioredoubt_operations_failed:ratio_rate5m > 0.05",
    for: "5m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the commands to {{ $labels.endpoint }} have failed for 5 minutes.",
    runbook: "errors/README.md",
  },
  {
    name: "RedisCredentialsRefused",
    // A counter that begins at its first error has not risen since: a client that cannot log in at all is told by its state.
    expr:
      'sum by (job, endpoint, error_type) (ioredoubt_failing_clients{error_type=~"AUTH_.*|CREDENTIALS_FAILED"}' +
      ' or increase(redis_client_errors_total{error_type=~"AUTH_.*"}[5m])) > 0',
    for: "0m",
    severity: "critical",
    summary: "{{ $labels.endpoint }} refuses the credentials of this service ({{ $labels.error_type }}).",
    runbook: "errors/AUTH_WRONG.md",
  },
  {
    name: "RedisPoolExhausted",
    expr: "sum by (job, endpoint) (increase(db_client_connection_timeouts_total[5m])) > 0",
    for: "0m",
    severity: "warning",
    summary: "Callers waited in vain for an exclusive connection to {{ $labels.endpoint }}.",
    runbook: "errors/POOL_TIMEOUT.md",
  },
];
