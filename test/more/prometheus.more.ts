/**
 * A real Prometheus scrapes a service through an outage of its Redis: every query of the dashboard has an answer, and the alerts
 * are valid and fire. Needs `prometheus` and `promtool` (Debian: `apt-get install prometheus`).
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PANELS } from "../../scripts/metrics/panels.js";
import { RECORDED } from "../../scripts/metrics/records.js";
import { register } from "../../src/prometheus/index.js";
import { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const run = promisify(execFile);
const RULES = fileURLToPath(new URL("../../docs/metrics/alerts.yml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "prometheus-"));

let redisServer: RedisServer;
let proxy: FaultProxy;
let service: Server;
let prometheus: ChildProcess;
let base: string;
let redis: Redis;
let work: NodeJS.Timeout;
const began = Date.now() / 1000;

/** Series of an instant query. */
async function query(
  expr: string,
): Promise<readonly { readonly metric: Readonly<Record<string, string>>; readonly value: string }[]> {
  const answer = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(expr)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value: [, value] }) => ({ metric, value }));
}

/** Every value of a query from the start on, by its series: what a dashboard draws. */
async function drawn(
  expr: string,
): Promise<readonly { readonly metric: Readonly<Record<string, string>>; readonly values: readonly number[] }[]> {
  const parameters = new URLSearchParams({
    query: expr,
    start: String(began),
    end: String(Date.now() / 1000),
    step: "1",
  });
  const answer = await fetch(`${base}/api/v1/query_range?${String(parameters)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return data.result.map(({ metric, values }) => ({ metric, values: values.map(([, value]) => Number(value)) }));
}

beforeAll(async () => {
  redisServer = await startRedis();
  proxy = await startProxy({ target: { port: redisServer.port } });
  const registry = new Registry();
  register(registry);
  redis = new Redis(proxy.port, "127.0.0.1", {
    resilience: {
      profile: "production",
      logger: false,
      name: "shop",
      deadline: 300,
      breaker: { volumeThreshold: 5, downAfter: 500 },
    },
  });
  redis.on("error", () => undefined);
  service = createServer((_, response) => {
    void registry.metrics().then((text) => response.setHeader("content-type", registry.contentType).end(text));
  });
  const [servicePort, port] = [await freePort(), await freePort()];
  await new Promise<void>((resolve) => service.listen(servicePort, "127.0.0.1", resolve));
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    `global: { scrape_interval: 500ms, evaluation_interval: 500ms }
rule_files: [${RULES}]
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ["127.0.0.1:${String(servicePort)}"] }]
`,
  );
  base = `http://127.0.0.1:${String(port)}`;
  prometheus = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
    ],
    { stdio: "ignore" },
  );
  work = setInterval(() => {
    redis.incr("n").catch(() => undefined);
    redis.get("n").catch(() => undefined);
    redis.withConnection((connection) => connection.get("n")).catch(() => undefined);
  }, 20);
  await eventually(async () => expect(await query('ioredoubt_clients{status="ready"} == 1')).toHaveLength(1), {
    withinMs: 60_000,
  });
});

afterAll(async () => {
  clearInterval(work);
  prometheus.kill("SIGKILL");
  await new Promise((resolve) => service.close(resolve));
  await redis.close();
  await proxy.stop();
  await redisServer.stop();
  rmSync(folder, { recursive: true });
});

describe("through an outage", () => {
  it("the alerts of the client and of its circuit go off, and are silent again after it", async () => {
    const firing = 'ALERTS{alertname="RedisCircuitOpen"}';
    await proxy.refuse();
    proxy.cutAll();
    // `pending`: it would fire if the outage lasted.
    await eventually(async () => expect((await query(firing)).length).toBeGreaterThan(0), { withinMs: 60_000 });
    await eventually(
      async () => expect((await query('ALERTS{alertname="RedisClientDown"}')).length).toBeGreaterThan(0),
      { withinMs: 60_000 },
    );
    await proxy.pass();
    await eventually(async () => expect(await query(firing)).toEqual([]), { withinMs: 60_000 });
  });

  it.each(PANELS.flatMap(({ title, queries }) => queries.map(({ expr }) => [title, expr])))(
    "the panel %s has an answer: %s",
    async (_, expr) => {
      const series = await drawn(expr.replaceAll("$__rate_interval", "60s"));
      expect(series.length).toBeGreaterThan(0);
      for (const { metric } of series) expect(metric["endpoint"]).toContain("shop (127.0.0.1:");
      expect(series.flatMap(({ values }) => values).some((value) => Number.isFinite(value))).toBe(true);
    },
  );

  it.each(RECORDED)("$name is recorded", async ({ name }) => {
    await eventually(
      async () => {
        const series = await query(name);
        expect(series).toHaveLength(1);
        expect(series[0]?.metric).toMatchObject({ job: "shop" });
        expect(Number(series[0]?.value)).toBeGreaterThan(0);
      },
      { withinMs: 30_000 },
    );
  });

  it("a client whose password is refused once, before anybody looked, is told, and as long as it lasts", async () => {
    const locked = await startRedis({ password: "right" });
    const away = new Redis(locked.port, "127.0.0.1", {
      password: "wrong",
      resilience: { logger: false, name: "locked" },
    });
    away.on("error", () => undefined);
    const firing = 'ALERTS{alertname="RedisCredentialsRefused",alertstate="firing",error_type="AUTH_WRONG"}';
    await eventually(async () => expect(await query(firing)).toHaveLength(1), { withinMs: 60_000 });
    await locked.call("CONFIG", "SET", "requirepass", "wrong");
    await eventually(async () => expect(await query(firing)).toEqual([]), { withinMs: 60_000 });
    await away.close();
    await locked.stop();
  });

  it("what the outage did is counted: the same numbers as in stats()", async () => {
    const { failed } = redis.stats();
    expect(failed).toBeGreaterThan(0);
    clearInterval(work);
    await eventually(
      async () => {
        const [sum] = await query("sum(redis_client_errors_total)");
        expect(Number(sum?.value)).toBe(redis.stats().failed);
      },
      { withinMs: 30_000 },
    );
  });
});

describe("the rules", () => {
  it("are valid", async () => {
    const { stdout } = await run("promtool", ["check", "rules", RULES]);
    expect(stdout).toContain("SUCCESS");
  });

  it("are taken in as docs/metrics.md says", async () => {
    const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
    const config = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    writeFileSync(join(folder, "documented.yml"), config.replaceAll(/^ {2}/gm, ""));
    copyFileSync(RULES, join(folder, "alerts.yml"));
    const { stdout } = await run("promtool", ["check", "config", join(folder, "documented.yml")]);
    expect(stdout).toMatch(/rule files found[\s\S]*9 rules found/);
  });

  it("each fire when they should: an unknown outcome at once, a lost connection after a minute", async () => {
    const file = join(folder, "rules-test.yml");
    const labels = 'job="shop",endpoint="redis"';
    writeFileSync(
      file,
      `rule_files: [${RULES}]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - series: 'ioredoubt_outcome_unknown_total{${labels}}'
        values: "0 0 0 3 3 3 3 3"
      - series: 'ioredoubt_clients{${labels},status="down"}'
        values: "0 1 1 1 1 1 1 1"
      - series: 'ioredoubt_failing_clients{${labels},error_type="CREDENTIALS_FAILED"}'
        values: "_ 1 1 1 1 1 1 1"
      - series: 'ioredoubt_operations_total{${labels},family="read",outcome="answered"}'
        values: "0+90x40"
      - series: 'ioredoubt_operations_total{${labels},family="read",outcome="failed"}'
        values: "0+10x40"
      - series: 'db_client_connection_timeouts_total{${labels},db_client_connection_pool_name="lease"}'
        values: "0 0 2 2 2"
      - series: 'ioredoubt_circuit_state{${labels},circuit="write",state="open"}'
        values: "1x40"
    alert_rule_test:
      - { eval_time: 30s, alertname: RedisOutcomeUnknown, exp_alerts: [] }
      - eval_time: 1m
        alertname: RedisOutcomeUnknown
        exp_alerts:
          - exp_labels: { severity: warning, job: shop, endpoint: redis }
            exp_annotations:
              summary: "Commands to redis may have changed data, and nobody knows: their callers must look."
              runbook: node_modules/ioredoubt/docs/errors/OUTCOME_UNKNOWN.md
      - { eval_time: 1m, alertname: RedisClientDown, exp_alerts: [] }
      - eval_time: 1m30s
        alertname: RedisClientDown
        exp_alerts:
          - exp_labels: { severity: critical, job: shop, endpoint: redis }
            exp_annotations:
              summary: "No connection to redis for a minute; clients that have none: 1."
              runbook: node_modules/ioredoubt/docs/errors/README.md
      - eval_time: 30s
        alertname: RedisCredentialsRefused
        exp_alerts:
          - exp_labels: { severity: critical, job: shop, endpoint: redis, error_type: CREDENTIALS_FAILED }
            exp_annotations:
              summary: "redis refuses the credentials of this service (CREDENTIALS_FAILED)."
              runbook: node_modules/ioredoubt/docs/errors/AUTH_WRONG.md
      - eval_time: 45s
        alertname: RedisPoolExhausted
        exp_alerts:
          - exp_labels: { severity: warning, job: shop, endpoint: redis }
            exp_annotations:
              summary: "Callers waited in vain for an exclusive connection to redis."
              runbook: node_modules/ioredoubt/docs/errors/POOL_TIMEOUT.md
      - eval_time: 1m
        alertname: RedisCircuitOpen
        exp_alerts:
          - exp_labels: { severity: critical, job: shop, endpoint: redis, circuit: write }
            exp_annotations:
              summary: "The write circuit of redis is open: commands are refused at once."
              runbook: node_modules/ioredoubt/docs/errors/CIRCUIT_OPEN.md
      - { eval_time: 4m, alertname: RedisErrorRatio, exp_alerts: [] }
      - eval_time: 8m
        alertname: RedisErrorRatio
        exp_alerts:
          - exp_labels: { severity: warning, job: shop, endpoint: redis }
            exp_annotations:
              summary: "10% of the commands to redis have failed for 5 minutes."
              runbook: node_modules/ioredoubt/docs/errors/README.md
`,
    );
    const { stdout } = await run("promtool", ["test", "rules", file]);
    expect(stdout).toContain("SUCCESS");
  });
});
