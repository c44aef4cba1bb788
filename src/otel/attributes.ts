/** The attributes of an endpoint, as OpenTelemetry's semantic conventions of databases have them. */
import type { MeasuredEndpoint } from "../metrics/collect.js";

const DEFAULT_PORT = 6379;

/** Without a `label`, as in spans, the endpoint goes by its address. */
export function endpointAttributes({
  label,
  address,
  port,
}: Partial<MeasuredEndpoint>): Record<string, string | number> {
  return {
    "db.system.name": "redis",
    ...(label === undefined ? {} : { "ioredoubt.endpoint": label }),
    ...(address === undefined ? {} : { "server.address": address }),
    ...(port === undefined || port === DEFAULT_PORT ? {} : { "server.port": port }),
  };
}
