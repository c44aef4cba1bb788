/** The code in docs/recipes.md that uses packages of others does what the page says. Needs a package registry once. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { recipes, writeRecipe } from "../docs/recipe-files.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { consumerProject } from "./consumer-project.js";

const run = promisify(execFile);
let server: RedisServer;
let project: string;
let folder: string;
beforeAll(async () => {
  [server, project] = await Promise.all([startRedis(), consumerProject()]);
  folder = join(project, "recipes");
  mkdirSync(folder, { recursive: true });
}, 600_000);
afterAll(() => server.stop());

const environment = () => ({
  ...process.env,
  REDIS_URL: `redis://127.0.0.1:${server.port}`,
  SESSION_SECRET: "for the test",
  IOREDOUBT_PROFILE: "production",
  IOREDOUBT_LOG_LEVEL: "silent",
});

/** Programs that use the recipe of the same name, and what they print. */
const PROGRAMS: readonly [name: string, program: string, prints: string][] = [
  [
    "bullmq",
    `import { QueueEvents } from "bullmq";
    import { mail, worker, stop } from "./bullmq.mjs";
    const done = new Promise((resolve) => worker.once("completed", (job, result) => resolve(result)));
    await mail.add("welcome", { to: "ada" });
    console.log(await done);
    await stop();`,
    "sent to ada",
  ],
  [
    "bull",
    `import { mail, stop } from "./bull.mjs";
    mail.process(async (job) => "sent to " + job.data.to);
    const job = await mail.add({ to: "ada" });
    console.log(await job.finished());
    await stop();`,
    "sent to ada",
  ],
  [
    "fastify",
    `import { app } from "./fastify.mjs";
    app.get("/broken", async () => app.redis.lpush("visits", "x"));
    const answers = [await app.inject("/visits"), await app.inject("/readyz"), await app.inject("/livez"), await app.inject("/broken")];
    await app.redis.close();
    answers.push(await app.inject("/visits"));
    console.log(answers.map(({ statusCode }) => statusCode).join(" "), answers[4].headers["retry-after"]);
    await app.close();`,
    "200 200 200 500 503 1",
  ],
  [
    "express",
    `import { once } from "node:events";
    import { app, redis } from "./express.mjs";
    const http = app.listen(0, "127.0.0.1");
    await once(http, "listening");
    const url = "http://127.0.0.1:" + http.address().port;
    const get = async (path, cookie = "") => { const r = await fetch(url + path, { headers: { cookie, connection: "close" } }); return [r.status, await r.text(), r.headers.get("set-cookie")]; };
    const [, , cookie] = await get("/");
    console.log((await get("/", cookie.split(";")[0]))[1], (await get("/about"))[1]);
    http.close();
    await redis.close();`,
    "2 views no session needed",
  ],
  [
    "nest",
    `import "reflect-metadata";
    import { NestFactory } from "@nestjs/core";
    import { REDIS, RedisModule } from "./nest.mjs";
    const app = await NestFactory.createApplicationContext(RedisModule, { logger: false });
    const redis = app.get(REDIS);
    console.log(await redis.set("k", "v"));
    await app.close();
    console.log(redis.status);`,
    "OK\nend",
  ],
  [
    "rate-limit",
    `import { limiter, redis } from "./rate-limit.mjs";
    await redis.ping();
    console.log((await limiter.consume("ip")).remainingPoints);
    redis.disconnect();
    console.log((await limiter.consume("ip")).remainingPoints);
    process.exit();`,
    "99\n9",
  ],
  [
    "socket-io",
    `import { once } from "node:events";
    import { createServer } from "node:http";
    import { io as connect } from "socket.io-client";
    import { io, stop } from "./socket-io.mjs";
    const http = createServer().listen(0, "127.0.0.1");
    await once(http, "listening");
    io.attach(http);
    const client = connect("http://127.0.0.1:" + http.address().port, { transports: ["websocket"] });
    await once(client, "connect");
    const heard = once(client, "news");
    io.emit("news", "hello");
    console.log(...(await heard));
    client.close();
    await stop();
    process.exit();`,
    "hello",
  ],
];

it.each(PROGRAMS)("%s", async (name, program, prints) => {
  writeRecipe(folder, name);
  const file = join(folder, `use-${name}.mjs`);
  writeFileSync(file, program);
  const { stdout } = await run(process.execPath, [file], { cwd: folder, env: environment(), timeout: 60_000 });
  expect(stdout.trim()).toBe(prints);
});

it.each([
  ["jest", ["node_modules/jest/bin/jest.js", "--rootDir", "recipes/jest"]],
  ["vitest", ["node_modules/vitest/vitest.mjs", "run", "--root", "recipes/vitest", "--globals"]],
])("visits.test in %s", async (runner, command) => {
  const place = join(folder, runner);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), JSON.stringify({ type: runner === "jest" ? "commonjs" : "module" }));
  const source = (recipes.get("visits.test") ?? "")
    .replace(
      /import \{ createRedis, type Redis \} from "ioredoubt";/,
      runner === "jest" ? 'const { createRedis } = require("ioredoubt");' : 'import { createRedis } from "ioredoubt";',
    )
    .replace("let redis: Redis;", "let redis;");
  writeFileSync(join(place, "visits.test.js"), source);
  const env = { ...environment(), IOREDOUBT_PROFILE: undefined, NODE_ENV: "test" };
  const { stdout, stderr } = await run(process.execPath, command, { cwd: project, env, timeout: 100_000 });
  expect(stdout + stderr).toMatch(/1 passed/);
});
