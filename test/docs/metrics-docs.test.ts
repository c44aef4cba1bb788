/** docs/metrics.md and docs/metrics are what the tables of metrics, panels and alerts give, and name nothing that does not exist. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { prometheusName } from "../../src/metrics/prometheus-names.js";
import { DURATION, METRICS } from "../../src/metrics/table.js";
import { ALERTS } from "../../scripts/metrics/alerts.js";
import { PANELS } from "../../scripts/metrics/panels.js";
import { RECORDED } from "../../scripts/metrics/records.js";
import { renderFiles, withTables } from "../../scripts/metrics/render.js";

const docs = new URL("../../docs/", import.meta.url);
const EXPRESSIONS = [
  ...PANELS.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
  ...ALERTS.map(({ expr }) => expr),
  ...RECORDED.map(({ expr }) => expr),
];
const published = new Set([
  ...METRICS.map(prometheusName),
  ...["bucket", "sum", "count"].map((end) => `${prometheusName(DURATION)}_${end}`),
  ...RECORDED.map(({ name }) => name),
  // Labels.
  "db_client_connection_state",
  "db_client_connection_pool_name",
]);

describe("docs/metrics", () => {
  it.each([...renderFiles()])("%s is up to date (node scripts/generate-metrics-docs.mjs)", (name, text) => {
    expect(readFileSync(new URL(name, docs), "utf8")).toBe(text);
  });

  it("the tables of metrics.md are up to date (node scripts/generate-metrics-docs.mjs)", () => {
    const page = readFileSync(new URL("metrics.md", docs), "utf8");
    expect(withTables(page)).toBe(page);
  });

  it.each(EXPRESSIONS)("%s names metrics that are published", (expr) => {
    const names = expr.match(/\b(?:job_endpoint:[\w:]+|(?:ioredoubt|redis_client|db_client)_\w+)/g) ?? [];
    expect(names.filter((name) => !published.has(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(0);
  });

  it.each(ALERTS.map(({ name, runbook }) => [name, runbook]))("%s has a page: %s", (_, runbook) => {
    expect(existsSync(new URL(runbook, docs))).toBe(true);
  });
});
