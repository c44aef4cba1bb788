/**
 * Every piece of JavaScript and TypeScript in the documents runs, as it stands there. Pages whose code is run by tests of their own:
 * recipes, testing, migrate, and the providers of credentials. docs/api.md holds signatures.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import * as promClient from "prom-client";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { startChaos, startCluster } from "../../lab/testing.mjs";
import * as doctor from "../../src/doctor/index.js";
import * as ioredoubt from "../../src/index.js";
import * as prometheus from "../../src/prometheus/index.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { run, snippets, type Modules, type Snippet } from "./snippets.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OWN_TESTS = /^docs\/(?:recipes|testing|migrate|api)\.md$/;
const isCode = ({ language }: Snippet): boolean => language === "ts" || language === "js";
const code = snippets.filter((snippet) => isCode(snippet) && !OWN_TESTS.test(snippet.page));
/** Run by credentials-docs.test.ts, and the programs by readme-docs.test.ts. */
const isElsewhere = ({ page, source }: Snippet): boolean =>
  (page === "docs/credentials.md" && source.includes("export const redis")) ||
  /createServer|NodeTracerProvider/.test(source);

let server: RedisServer;
let url: string;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  server = await startRedis({ acl: ["user app on >from-the-store ~* &* +@all"] });
  url = `redis://127.0.0.1:${String(server.port)}`;
  vi.stubEnv("REDIS_URL", url);
  vi.stubEnv("IOREDOUBT_LOG_LEVEL", "silent");
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});

type Client = ioredoubt.Redis | ioredoubt.Cluster;
const made: Client[] = [];
const kept = <T extends Client>(client: T): T => {
  made.push(client);
  ends.push(() => client.close());
  return client;
};
/** As it is exported, and closed after the test. */
const fromEnv = new Proxy(ioredoubt.createRedis.fromEnv, {
  apply: (made, self, args) => kept(Reflect.apply(made, self, args) as Client),
});
const createRedis = new Proxy(ioredoubt.createRedis, {
  apply: (made, self, args) => kept(Reflect.apply(made, self, args) as Client),
  get: (made, name) => (name === "fromEnv" ? fromEnv : (Reflect.get(made, name) as unknown)),
});
const modules: Modules = {
  ioredoubt: { ...ioredoubt, createRedis },
  "ioredoubt/doctor": doctor,
  "ioredoubt/prometheus": prometheus,
  "prom-client": promClient,
};
/** The pages take these as given. */
const client = () => createRedis(url, { resilience: { logger: false } });
const signal = (): AbortSignal => new AbortController().signal;

/** An application of Express, as far as the pages use one: answers as status and body. */
function application() {
  const routes = new Map<string, (request: object, response: object) => unknown>();
  const ask = async (path: string): Promise<{ status: number; body: unknown }> => {
    const answer = { status: 200, body: undefined as unknown };
    await new Promise<void>((resolve) => {
      const ended = (body?: unknown): void => {
        answer.body = body;
        resolve();
      };
      const status = (code: number): object => {
        answer.status = code;
        return response;
      };
      const response = { status, type: (): object => response, json: ended, send: ended, end: ended };
      void routes.get(path)?.({}, response);
    });
    return answer;
  };
  return { app: { get: (path: string, handler: () => unknown) => routes.set(path, handler) }, ask };
}

/** What is to be seen when a snippet runs; by page and a text that only it has. */
const CHECKS: readonly [page: string, has: string, check: (source: string) => Promise<void>][] = [
  [
    "README.md",
    "withDeadline(200)",
    async (source) => {
      await run(source, { modules, given: { request: { signal: signal() } } });
      expect(made.at(-1)?.health().status).toBe("closed");
    },
  ],
  [
    "docs/cluster.md",
    "new Cluster([",
    async (source) => {
      const nodes = await startCluster({ masters: 3, replicas: 0 });
      ends.push(() => nodes.stop());
      const [start] = nodes.startNodes;
      const [sessions] = code.filter(
        ({ page, source }) => page === "docs/cluster.md" && source.includes("transaction"),
      );
      const both = `${source.replace('{ host: "10.0.0.7", port: 6379 }', JSON.stringify(start))}${sessions?.source ?? ""}`;
      const { cluster } = await run(both, { modules, given: {}, wanted: ["cluster"] });
      const own = kept(cluster as ioredoubt.Cluster);
      expect(await own.mget("user:{42}:name", "user:{42}:visits")).toEqual(["Ada", "1"]);
    },
  ],
  ["docs/cluster.md", "cluster.transaction", () => Promise.resolve()],
  [
    "docs/cluster.md",
    "{ cluster: true }",
    async (source) => {
      const environment = { REDIS_CLUSTER_NODES: `127.0.0.1:${String(await freePort())}`, REDIS_LAZY_CONNECT: "true" };
      const given = { createRedis, process: { env: environment } };
      expect((await run(source, { modules, given, wanted: ["redis"] }))["redis"]).toBeInstanceOf(ioredoubt.Cluster);
    },
  ],
  [
    "docs/doctor.md",
    "diagnoseConnection",
    async (source) => {
      const process = { env: { REDIS_URL: url }, exitCode: undefined as number | undefined };
      const log = vi.fn();
      const { report } = await run(source, { modules, given: { process, console: { log } }, wanted: ["report"] });
      expect(process.exitCode).toBe(0);
      expect(log.mock.calls.flat().join()).toContain("Verdict");
      // The report has what the page's other piece of code says, and nothing else.
      const shape = code.find(({ page, source }) => page === "docs/doctor.md" && source.startsWith("interface Report"));
      const names = new Set(
        [...(shape?.source ?? "").matchAll(/^ *(\w+)\??:|[{;] (\w+)\??:/gm)].map(([, a, b]) => a ?? b),
      );
      const keys = (value: unknown): string[] =>
        Array.isArray(value)
          ? value.flatMap(keys)
          : typeof value === "object" && value !== null
            ? Object.entries(value).flatMap(([key, inner]) => [key, ...(key === "origins" ? [] : keys(inner))])
            : [];
      const found = new Set(keys(JSON.parse(JSON.stringify(report))));
      expect([...found].filter((key) => !names.has(key))).toEqual([]);
      expect(found.size).toBeGreaterThan(20);
    },
  ],
  ["docs/doctor.md", "interface Report", () => Promise.resolve()],
  [
    "docs/drop-in.md",
    'ambiguous: "replay"',
    async (source) => {
      const { connection } = await run(source, { modules, given: { createRedis, url }, wanted: ["connection"] });
      expect(await (connection as ioredoubt.Redis).ping()).toBe("PONG");
    },
  ],
  [
    "docs/health.md",
    "nextAttemptMs",
    async (source) => {
      const redis = createRedis({ port: await freePort(), host: "127.0.0.1", resilience: { logger: false } });
      redis.on("error", () => undefined);
      await vi.waitFor(() => expect(redis.health().status).toBe("down"), 10_000);
      const { shown } = await run(`const shown = ${source}`, { modules, given: { redis }, wanted: ["shown"] });
      const comment = /\/\/ (\{.*\})/.exec(source)?.[1] ?? "";
      const names = [...comment.matchAll(/(\w+): /g)].map(([, name]) => name);
      expect(Object.keys(shown as object).sort()).toEqual(names.sort());
    },
  ],
  [
    "docs/health.md",
    '"/readyz"',
    async (source) => {
      const { app, ask } = application();
      await run(source, { modules, given: { app, redis: client() } });
      expect(await ask("/livez")).toEqual({ status: 200, body: undefined });
      await vi.waitFor(
        async () => expect(await ask("/readyz")).toMatchObject({ status: 200, body: { status: "ready" } }),
        10_000,
      );
    },
  ],
  [
    "docs/health.md",
    "isConsuming",
    async (source) => {
      const redis = client();
      const pop = redis.blpop("jobs", 0);
      await vi.waitFor(() => expect(redis.isConsuming().waits).toHaveLength(1), 10_000);
      await server.call("RPUSH", "jobs", "one");
      await pop;
      const next = redis.blpop("jobs", 0).catch(() => undefined);
      await vi.waitFor(() => expect(redis.isConsuming().consuming).toBe(true), 10_000);
      const { shown } = await run(`const shown = ${source}`, { modules, given: { redis }, wanted: ["shown"] });
      expect(shown).toMatchObject({
        consuming: true,
        waits: [{ for: "BLPOP", count: 1, connection: expect.stringMatching(/^(?:own|dedicated)$/) as string }],
      });
      expect(shown).toHaveProperty("lastElementAt");
      redis.disconnect();
      await next;
    },
  ],
  [
    "docs/health.md",
    "onEvent",
    async (source) => {
      const relay = await startChaos({ port: server.port });
      ends.push(() => relay.stop());
      const redis = createRedis(relay.port, "127.0.0.1", { resilience: { logger: false } });
      const reconcile = vi.fn();
      const { stop } = await run(source, { modules, given: { redis, reconcile }, wanted: ["stop"] });
      relay.rule({ match: "incr", do: "cut", times: 2 });
      await redis.incr("orders").catch(() => undefined);
      expect(reconcile.mock.calls).toEqual([["incr"]]);
      (stop as () => void)();
      await redis.incr("orders").catch(() => undefined);
      expect(reconcile).toHaveBeenCalledOnce();
    },
  ],
  [
    "docs/log.md",
    "log.child",
    async (source) => {
      const child = vi.fn(() => pino({ level: "silent" }));
      await run(source, { modules, given: { createRedis, url, log: { child } } });
      expect(child).toHaveBeenCalledWith({ component: "cart" });
    },
  ],
  [
    "docs/log.md",
    "serializeError",
    async (source) => {
      const lines: string[] = [];
      const to = (options: pino.LoggerOptions) => pino(options, { write: (line: string) => lines.push(line) });
      const { log } = await run(source, { modules, given: { pino: to }, wanted: ["log"] });
      const error = await client()
        .withDeadline(0.001)
        .get("k")
        .catch((reason: unknown) => reason);
      (log as pino.Logger).error({ err: error });
      expect(lines.join()).toContain('"code":"DEADLINE"');
    },
  ],
  [
    "docs/metrics.md",
    '"/metrics"',
    async (source) => {
      const { app, ask } = application();
      ends.push(() => promClient.register.clear());
      await client().ping();
      await run(source, { modules, given: { app } });
      expect((await ask("/metrics")).body).toMatch(/^ioredoubt_clients\{.*status="ready"\} 1$/m);
    },
  ],
  [
    "docs/policy.md",
    "defineProfile",
    async (source) => {
      const given = { createRedis, url, defineProfile: ioredoubt.defineProfile };
      await run(source, { modules, given });
      expect(await Promise.all(made.slice(-3).map((one) => one.ping()))).toEqual(["PONG", "PONG", "PONG"]);
    },
  ],
  [
    "docs/pool.md",
    "NO-EVICT",
    async (source) => {
      await run(source, { modules, given: { redis: client(), signal: signal() } });
      expect(await server.call("GET", "k")).toBe("v");
    },
  ],
  [
    "docs/pool.md",
    "conflicts",
    async (source) => {
      await server.call("SET", "balance:1", "30");
      const wanted = ["value", "results", "conflicts"];
      const all = await run(source, { modules, given: { redis: client(), signal: signal() }, wanted });
      expect(all).toEqual({ value: 20, results: [20, 1], conflicts: 0 });
    },
  ],
  [
    "docs/pool.md",
    "resubscribed",
    async (source) => {
      const redis = client();
      const catchUp = vi.fn();
      await run(source, { modules, given: { redis, catchUp } });
      await redis.subscribe("news");
      await server.call("CLIENT", "KILL", "TYPE", "pubsub");
      await vi.waitFor(() => expect(catchUp).toHaveBeenCalled(), 20_000);
      expect(catchUp.mock.calls[0]?.[0]).toEqual(["news"]);
    },
  ],
];

const isOf =
  (page: string, has: string) =>
  (snippet: Snippet): boolean =>
    snippet.page === page && snippet.source.includes(has);

it("there is a check for each piece of code", () => {
  const unchecked = code.filter(
    (snippet) => !isElsewhere(snippet) && CHECKS.filter(([page, has]) => isOf(page, has)(snippet)).length !== 1,
  );
  expect(unchecked.map(({ page, source }) => `${page}: ${source.split("\n")[0] ?? ""}`)).toEqual([]);
});

it.each(CHECKS)("%s, the piece with %s", async (page, has, check) => {
  const found = code.filter((snippet) => !isElsewhere(snippet)).filter(isOf(page, has));
  expect(found).toHaveLength(1);
  await check(found[0]?.source ?? "");
});

it("shell is shell, and what it runs exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const shell = snippets.filter(({ language }) => language === "sh");
  expect(shell.length).toBeGreaterThan(15);
  for (const { page, source } of shell) expect(spawnSync("sh", ["-n", "-c", source]).status, page).toBe(0);
  const prose = [...new Set(snippets.map(({ page }) => page))].map((page) => [
    page,
    readFileSync(join(ROOT, page), "utf8"),
  ]);
  for (const [page = "", text = ""] of prose) {
    for (const [, path = ""] of text.matchAll(/\bnode ((?:benchmarks|scripts|demo)\/[\w/-]+\.mjs)/g))
      expect(existsSync(join(ROOT, path)), `${page}: ${path}`).toBe(true);
    for (const [, name = ""] of text.matchAll(/\bnpm run ([\w:-]+)/g)) expect(scripts, page).toHaveProperty(name);
  }
});

it("options of the command line that the documents name exist", () => {
  const help = ["doctor", "config", "explain"].map((command) => [
    command,
    execFileSync(process.execPath, [join(ROOT, "dist/cli/main.js"), command, "--help"], { encoding: "utf8" }),
  ]);
  const texts = [...new Set(snippets.map(({ page }) => page))].map((page) => readFileSync(join(ROOT, page), "utf8"));
  for (const [command = "", text = ""] of help) {
    const used = texts.flatMap((page) => [
      ...page.matchAll(new RegExp(`ioredoubt ${command}((?: [^\\s\`#|]+)+)`, "g")),
    ]);
    const options = used.flatMap(([, rest = ""]) => rest.match(/(?<= )--[a-z-]+/g) ?? []);
    for (const option of options) expect(text, `${command} ${option}`).toContain(option);
  }
});
