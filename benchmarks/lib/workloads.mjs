/** What is measured: operations of `throughput-child.mjs`, and how many run at once. */

/**
 * @typedef {{
 *   label: string, operation: "get" | "set" | "mget" | "hgetall" | "multi" | "pipeline", concurrency: number,
 *   size?: number, keys?: number, tls?: boolean, bar: number,
 * }} Workload `size`: bytes of each value, default 100; `keys`: of each MGET, hash or batch, default 10 (pipelines: 50). `bar`: the least
 *   ratio to plain ioredis.
 */

/** @type {Readonly<Record<string, Workload>>} */
export const WORKLOADS = {
  "get-1": { label: "GET, 1 at a time", operation: "get", concurrency: 1, bar: 0.95 },
  "get-4": { label: "GET, 4 concurrent", operation: "get", concurrency: 4, bar: 0.95 },
  "get-8": { label: "GET, 8 concurrent", operation: "get", concurrency: 8, bar: 0.95 },
  "get-16": { label: "GET, 16 concurrent", operation: "get", concurrency: 16, bar: 1.1 },
  "get-64": { label: "GET, 64 concurrent", operation: "get", concurrency: 64, bar: 2 },
  "get-1000": { label: "GET, 1000 concurrent", operation: "get", concurrency: 1000, bar: 4 },
  "get-1k-64": { label: "GET 1 KB, 64 concurrent", operation: "get", concurrency: 64, size: 1_000, bar: 1 },
  "get-100k-8": { label: "GET 100 KB, 8 concurrent", operation: "get", concurrency: 8, size: 100_000, bar: 0.95 },
  "set-1": { label: "SET 100 B, 1 at a time", operation: "set", concurrency: 1, bar: 0.95 },
  "set-64": { label: "SET 100 B, 64 concurrent", operation: "set", concurrency: 64, bar: 1 },
  "set-1k-64": { label: "SET 1 KB, 64 concurrent", operation: "set", concurrency: 64, size: 1_000, bar: 1 },
  "set-100k-8": { label: "SET 100 KB, 8 concurrent", operation: "set", concurrency: 8, size: 100_000, bar: 0.95 },
  "mget-16": { label: "MGET of 10, 16 concurrent", operation: "mget", concurrency: 16, bar: 0.95 },
  "mget-100-16": { label: "MGET of 100, 16 concurrent", operation: "mget", concurrency: 16, keys: 100, bar: 0.95 },
  "hgetall-16": { label: "HGETALL of 100, 16 concurrent", operation: "hgetall", concurrency: 16, keys: 100, bar: 0.95 },
  "multi-8": { label: "MULTI of 10 GETs, 8 concurrent", operation: "multi", concurrency: 8, bar: 1.5 },
  "pipeline-1": { label: "pipeline of 50 GETs, 1 at a time", operation: "pipeline", concurrency: 1, bar: 1.5 },
  "pipeline-8": { label: "pipeline of 50 GETs, 8 concurrent", operation: "pipeline", concurrency: 8, bar: 2.1 },
  "pipeline-10-8": {
    label: "pipeline of 10 GETs, 8 concurrent",
    operation: "pipeline",
    concurrency: 8,
    keys: 10,
    bar: 1.5,
  },
  "pipeline-500-1": {
    label: "pipeline of 500 GETs, 1 at a time",
    operation: "pipeline",
    concurrency: 1,
    keys: 500,
    bar: 1.5,
  },
  "tls-get-1": { label: "TLS: GET, 1 at a time", operation: "get", concurrency: 1, tls: true, bar: 0.95 },
  "tls-get-16": { label: "TLS: GET, 16 concurrent", operation: "get", concurrency: 16, tls: true, bar: 1.1 },
  "tls-get-64": { label: "TLS: GET, 64 concurrent", operation: "get", concurrency: 64, tls: true, bar: 1.3 },
};
