/** The names of the metrics in Prometheus, by the rules that OpenTelemetry's exporters follow. */
import type { Metric } from "./table.js";

const UNITS: Readonly<Record<string, string>> = { By: "_bytes", s: "_seconds" };

/** `redis.client.errors` of kind `counter` is `redis_client_errors_total`. */
export function prometheusName({
  name,
  kind,
  unit,
}: Pick<Metric, "name" | "unit"> & { kind?: Metric["kind"] }): string {
  const suffix = UNITS[unit] ?? "";
  return `${labelName(name)}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** The name of an attribute as a label. */
export function labelName(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, "_");
}
