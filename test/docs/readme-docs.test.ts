/** The programs of README.md and docs/metrics.md run as they stand there, with the built package, through an outage. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { snippets } from "./snippets.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** sdk-trace-node is not installed here. What the page uses of it: the base with a manager of contexts. */
const NODE_SDK = `import { context, trace } from "@opentelemetry/api";
  import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
  import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
  export { BatchSpanProcessor, ConsoleSpanExporter } from "@opentelemetry/sdk-trace-base";
  export class NodeTracerProvider extends BasicTracerProvider {
    register() {
      trace.setGlobalTracerProvider(this);
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      process.once("beforeExit", () => this.shutdown());
    }
  }`;

const folder = mkdtempSync(join(tmpdir(), "readme-"));
let server: RedisServer;
let port: number;
let base: string;
let service: ChildProcess;
let printed = "";

beforeAll(async () => {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@opentelemetry/sdk-trace-node"), { recursive: true });
  symlinkSync(ROOT, join(modules, "ioredoubt"));
  const linked = [
    "prom-client",
    ...["api", "context-async-hooks", "sdk-metrics", "sdk-trace-base"].map((name) => `@opentelemetry/${name}`),
  ];
  for (const name of linked) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  writeFileSync(
    join(modules, "@opentelemetry/sdk-trace-node/package.json"),
    '{ "type": "module", "exports": "./index.js" }',
  );
  writeFileSync(join(modules, "@opentelemetry/sdk-trace-node/index.js"), NODE_SDK);
  const source = (page: string, has: string): string =>
    snippets.find((one) => one.page === page && one.source.includes(has))?.source ?? "";
  writeFileSync(join(folder, "service.mjs"), source("README.md", "createServer"));
  writeFileSync(join(folder, "telemetry.mjs"), source("docs/metrics.md", "NodeTracerProvider"));

  server = await startRedis();
  port = await freePort();
  base = `http://127.0.0.1:${String(port)}`;
  const env = { ...process.env, PORT: String(port), REDIS_URL: `redis://127.0.0.1:${String(server.port)}` };
  service = spawn(process.execPath, ["--import", "./telemetry.mjs", "service.mjs"], { cwd: folder, env });
  for (const stream of [service.stdout, service.stderr]) stream?.on("data", (chunk) => (printed += String(chunk)));
});
afterAll(async () => {
  service.kill("SIGKILL");
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function get(path: string): Promise<{ status: number; text: string; type: string | null }> {
  const response = await fetch(`${base}${path}`, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
}

const soon = { withinMs: 30_000 };

it("the service answers, tells of an outage, is traced, and ends when it is asked to", async () => {
  await eventually(async () => expect(await get("/visits")).toMatchObject({ status: 200, text: "1" }), soon);
  expect(await get("/readyz")).toMatchObject({
    status: 200,
    text: expect.stringContaining('"status":"ready"') as string,
  });
  expect((await get("/nothing")).status).toBe(404);
  // Prometheus refuses pages that do not say what they are.
  expect((await get("/metrics")).type).toMatch(/^text\/plain; version=0\.0\.4/);

  await server.kill();
  await eventually(async () => expect((await get("/readyz")).status).toBe(503), soon);
  expect((await get("/livez")).status).toBe(200);
  expect(await get("/visits")).toMatchObject({
    status: 503,
    text: expect.stringMatching(/^(?:DEADLINE|CIRCUIT_OPEN)$/) as string,
  });
  const metrics = (await get("/metrics")).text;
  expect(metrics).toMatch(/^ioredoubt_clients\{.*status="down"\} 1$/m);
  expect(metrics).toMatch(/^ioredoubt_failing_clients\{.*error_type="CONNECTION_REFUSED"\} 1$/m);

  await server.restart();
  await eventually(async () => expect((await get("/visits")).status).toBe(200), soon);
  // The spans come five seconds later, as the console prints them.
  await eventually(() => expect(printed).toMatch(/'error\.type': '(?:DEADLINE|CIRCUIT_OPEN)'/), soon);
  expect(printed).toMatch(/name: 'INCR',[\s\S]*?kind: 2/);
  service.kill("SIGTERM");
  const [code] = (await once(service, "exit")) as [number | null];
  expect(code).toBe(0);
});
