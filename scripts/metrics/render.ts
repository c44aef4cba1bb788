/** The documents that are made from the tables of metrics, panels and alerts. */
import { METRICS, DURATION, type Metric } from "../../src/metrics/table.js";
import { prometheusName } from "../../src/metrics/prometheus-names.js";
import { ALERTS, type Alert } from "./alerts.js";
import { PANELS, type Panel } from "./panels.js";
import { RECORDED } from "./records.js";

/** Path below docs/ to the text of the file. */
export function renderFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["metrics/alerts.yml", alertsFile()],
    ["metrics/dashboard.json", `${JSON.stringify(dashboard(), undefined, 2)}\n`],
  ]);
}

/** Puts the tables into docs/metrics.md, each between its two marks. */
export function withTables(page: string): string {
  const tables = {
    metrics: metricsTable(),
    panels: panelsTable(),
    alerts: alertsTable(),
    recorded: recordedTable(),
  };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/metrics.md has no place for ${name}`);
    return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
  }, page);
}

function metricsTable(): string {
  const rows = METRICS.map((metric) => [
    code(metric.name),
    code(prometheusName(metric)),
    metric.kind === "updown" ? "up-down counter; a gauge in Prometheus" : metric.kind,
    metric.description,
    [...attributesOf(metric)].map(code).join(", "),
  ]);
  const duration = [code(DURATION.name), code(prometheusName(DURATION)), "histogram", DURATION.description, ""];
  return table(["OpenTelemetry", "Prometheus", "kind", "what", "attributes"], [...rows, duration]);
}

/** The names of the attributes that a metric gives its samples. */
function attributesOf(metric: Metric): ReadonlySet<string> {
  const names = new Set<string>();
  const lease = { open: 0, idle: 0, leased: 0, waiting: 0 };
  const circuit = { state: "closed", trips: 0 };
  const reading = {
    stats: {
      families: { read: { answered: 0, failed: 0 } },
      codes: { DEADLINE: 0 },
      breaker: { readWrite: circuit, write: circuit },
      waiting: { commands: 0, bytes: 0 },
      pool: { ...lease, blocking: lease },
    },
    health: { status: "down", code: "DEADLINE", since: 0 },
    maxLeases: 0,
  };
  metric.read(reading as never, (_, attributes = {}) => {
    for (const name of Object.keys(attributes)) names.add(name);
  });
  return names;
}

function panelsTable(): string {
  return table(
    ["panel", "shows"],
    PANELS.map(({ title, shows }) => [title, shows]),
  );
}

function alertsTable(): string {
  return table(
    ["alert", "fires when", "after", "severity", "what to do"],
    ALERTS.map(({ name, expr, for: after, severity, runbook }) => {
      return [code(name), code(expr.replaceAll("|", "\\|")), after, severity, `[${runbook}](${runbook})`];
    }),
  );
}

function recordedTable(): string {
  return table(
    ["series", "what", "of"],
    RECORDED.map(({ name, what, expr }) => [code(name), what, code(expr)]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function alertsFile(): string {
  return [
    "# Recording and alerting rules for the metrics of ioredoubt. Made by scripts/generate-metrics-docs.mjs; the tables are in docs/metrics.md.",
    "groups:",
    "  - name: ioredoubt-recorded",
    "    rules:",
    ...RECORDED.flatMap(({ name, expr }) => [`      - record: ${name}`, `        expr: ${quoted(expr)}`]),
    "  - name: ioredoubt",
    "    rules:",
    ...ALERTS.flatMap(alertLines),
    "",
  ].join("\n");
}

function alertLines({ name, expr, for: after, severity, summary, runbook }: Alert): string[] {
  return [
    `      - alert: ${name}`,
    `        expr: ${quoted(expr)}`,
    `        for: ${after}`,
    "        labels:",
    `          severity: ${severity}`,
    "        annotations:",
    `          summary: ${JSON.stringify(summary)}`,
    `          runbook: ${JSON.stringify(`node_modules/ioredoubt/docs/${runbook}`)}`,
  ];
}

/** As prettier writes it. */
function quoted(text: string): string {
  return text.includes('"') ? `'${text}'` : JSON.stringify(text);
}

function dashboard(): object {
  return {
    title: "ioredoubt",
    uid: "ioredoubt",
    schemaVersion: 39,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Data source" }],
    },
    panels: PANELS.map(panel),
  };
}

function panel({ title, shows, unit, queries }: Panel, place: number): object {
  const datasource = { type: "prometheus", uid: "${datasource}" };
  return {
    id: place + 1,
    type: "timeseries",
    title,
    description: shows,
    datasource,
    gridPos: { x: (place % 2) * 12, y: Math.floor(place / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat: legend,
    })),
  };
}
