/** The package as it is published: packed, installed beside ioredis into an empty project, and used from there. */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { consumerOf } from "./consumer-lock.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "pack-"));
let server: RedisServer;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(file: string, args: readonly string[], cwd: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, maxBuffer: 1 << 24 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, out, err });
    });
  });
}

async function must(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, out, err } = await run(file, args, cwd);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${String(code)}:\n${out}\n${err}`);
  return out;
}

/** Runs a file in the project and returns what it printed. */
function node(name: string, source: string, ...args: string[]): Promise<string> {
  writeFileSync(join(project, name), source);
  return must(process.execPath, [name, ...args], project);
}

beforeAll(async () => {
  server = await startRedis();
  const packed = await must("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", project], ROOT);
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
  const { manifest, lock } = consumerOf(new URL("../..", import.meta.url), filename);
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(project, "package-lock.json"), JSON.stringify(lock));
  await must("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"], project);
}, 180_000);

afterAll(async () => {
  await server.stop();
  rmSync(project, { recursive: true });
});

const USE = `
  const redis = createRedis(Number(process.argv[2]), "127.0.0.1", { resilience: { logger: false } });
  redis.set("k", "v").then(() => redis.get("k")).then((value) => {
    console.log(value);
    return redis.close();
  });
`;

describe("the packed package", () => {
  it("holds the build, its sources and its documents, and nothing of the workshop", () => {
    const installed = join(project, "node_modules/ioredoubt");
    const entries = readdirSync(installed);
    expect(entries).toEqual(expect.arrayContaining(["LICENSE", "dist", "docs", "package.json", "src"]));
    for (const kept of ["test", "lab", "scripts", "node_modules", "tsconfig.json"]) expect(entries).not.toContain(kept);
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /\.test\.|\.env|\.pem$|\.log$/.test(file))).toEqual([]);
    expect(files.filter((file) => file.startsWith("benchmarks/"))).toEqual(["benchmarks/README.md"]);
  });

  it("has documents whose links lead to what is in it", () => {
    const installed = join(project, "node_modules/ioredoubt");
    const pages = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".md"));
    const broken = pages.flatMap((page) => {
      const prose = readFileSync(join(installed, page), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
      const links = [...prose.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)].map(([, link = ""]) => link);
      const own = links.filter((link) => !/^[a-z]+:/.test(link));
      return own.filter((link) => !existsSync(join(installed, dirname(page), link))).map((link) => `${page}: ${link}`);
    });
    expect(pages.length).toBeGreaterThan(80);
    expect(broken).toEqual([]);
  });

  it("is imported as an ES module, and its default export is the class", async () => {
    const out = await node(
      "import.mjs",
      `import Default, { Redis, createRedis } from "ioredoubt";
       import { Redis as Plain } from "ioredis";
       console.log(Default === Redis, Redis.prototype instanceof Plain);
       ${USE}`,
      String(server.port),
    );
    expect(out).toBe("true true\nv\n");
  });

  it("is required from CommonJS", async () => {
    const source = `const { default: Default, Redis, createRedis } = require("ioredoubt");
      console.log(Default === Redis, require("ioredoubt/doctor").diagnoseConnection.name);
      ${USE}`;
    expect(await node("require.cjs", source, String(server.port))).toBe("true diagnoseConnection\nv\n");
  });

  it("is the class itself when it is required, as ioredis is, and the same class for those who import it", async () => {
    const source = `const Redis = require("ioredoubt");
      const createRedis = (...args) => new Redis(...args);
      const { Cluster } = require("ioredis");
      import("ioredoubt").then((ours) => console.log(ours.Redis === Redis, Redis.Cluster.prototype instanceof Cluster, Redis.__esModule));
      ${USE}`;
    expect(await node("class.cjs", source, String(server.port))).toBe("true true true\nv\n");
  });

  it("is required where Node, a test runner or an older setting can require no ES module", async () => {
    const source = `const Redis = require("ioredoubt"); require("ioredoubt/doctor"); console.log(Redis.createRedis.name);`;
    writeFileSync(join(project, "strictly.cjs"), source);
    const out = await must(process.execPath, ["--no-experimental-require-module", "strictly.cjs"], project);
    expect(out).toBe("createRedis\n");
  });

  it.each(["before", "after"])(
    "shows its commands to a tracer that wrapped sendCommand %s it was loaded",
    async (when) => {
      const wrap = `{
      const { sendCommand } = Redis.prototype;
      Redis.prototype.sendCommand = function (command, stream) {
        seen.push(command.name);
        return sendCommand.call(this, command, stream);
      };
    }`;
      const source = `const seen = [];
      const { Redis } = require("ioredis");
      ${when === "before" ? wrap : ""}
      const { createRedis } = require("ioredoubt");
      ${when === "after" ? wrap : ""}
      process.on("exit", () => console.log(seen.filter((name) => name === "set" || name === "get").join()));
      ${USE}`;
      expect(await node("tracer.cjs", source, String(server.port))).toBe("v\nset,get\n");
    },
  );

  it("works in a process that may read nothing but its own folder", async () => {
    const source = `const { classify, createRedis } = require("ioredoubt");
      const refused = new Error("connect ECONNREFUSED 127.0.0.1:1");
      console.log(classify(Object.assign(refused, { code: "ECONNREFUSED", syscall: "connect" })).code);
      ${USE}`;
    writeFileSync(join(project, "permitted.cjs"), source);
    const flags = ["--permission", "--experimental-permission"];
    const flag = flags.find((name) => process.allowedNodeEnvironmentFlags.has(name)) ?? "--permission";
    const args = [flag, `--allow-fs-read=${project}/*`, "permitted.cjs", String(server.port)];
    expect(await must(process.execPath, args, project)).toBe("CONNECTION_REFUSED\nv\n");
  });

  it("loads and works with a release of ioredis that keeps its handler of replies elsewhere", async () => {
    const moved = `const Module = require("node:module");
      const { _resolveFilename: find } = Module;
      Module._resolveFilename = (request, ...rest) => {
        if (request !== "ioredis/built/DataHandler.js") return find(request, ...rest);
        console.log("asked");
        throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
      };`;
    const source = `${moved} const { createRedis } = require("ioredoubt"); ${USE}`;
    expect(await node("moved.cjs", source, String(server.port))).toBe("asked\nv\n");
  });

  it.each(["esm", "cjs"] as const)("works inside what a bundler makes of a service, as %s", async (format) => {
    const source = `import Default, { Redis, createRedis } from "ioredoubt";
      import { diagnoseConnection } from "ioredoubt/doctor";
      console.log(Default === Redis, diagnoseConnection.name);
      const refused = createRedis({ port: 1, host: "127.0.0.1", resilience: { deadline: 500 } });
      refused.on("error", () => undefined);
      const logger = { warn: ({ event, createdAt }) => event === "client.many" && console.log(event, createdAt) };
      const quiet = { port: 1, host: "127.0.0.1", lazyConnect: true, resilience: { logger: { ...console, ...logger } } };
      const elsewhere = () => createRedis(quiet);
      const perRequest = () => createRedis(quiet);
      for (let n = 0; n < 20; n++) elsewhere().disconnect();
      for (let n = 0; n < 30; n++) perRequest().disconnect();
      refused.get("k").catch((error) => {
        console.log(error.diagnosis.code);
        refused.disconnect();
      });
      ${USE}`;
    writeFileSync(join(project, "service.mjs"), source);
    const bundle = await rolldown({
      input: join(project, "service.mjs"),
      platform: "node",
      cwd: project,
      logLevel: "silent",
    });
    const file = `bundled-${format}.${format === "esm" ? "mjs" : "cjs"}`;
    // Apart from the project, so that nothing is found beside it.
    const apart = mkdtempSync(join(tmpdir(), "bundled-"));
    await bundle.write({ file: join(apart, file), format, codeSplitting: false });
    await bundle.close();
    // The bundler has followed what is required where a failure is caught.
    expect(readFileSync(join(apart, file), "utf8")).not.toContain('require("ioredis/built');
    const { code, out, err } = await run(process.execPath, [file, String(server.port)], apart);
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    rmSync(apart, { recursive: true });
    expect(out).toContain("true diagnoseConnection\n");
    expect(out).toContain("DEADLINE\n");
    expect(out).toContain("v\n");
    // The default logger writes pino's lines without pino.
    expect(err).toMatch(/"name":"ioredoubt","event":"incident.open".*"code":"CONNECTION_REFUSED"/);
    // All code is one file there, and still the place of many clients is the caller's.
    expect(out.match(/client\.many .*/g)).toEqual([expect.stringContaining("perRequest")]);
  });

  it("has a kit with which ten lines tell a handler that repeats an unknown INCR from one that does not", async () => {
    const lines = `import assert from "node:assert/strict";
      import { createRedis } from "ioredoubt";
      import { chaos, startRedis } from "ioredoubt/testing";
      const { handler } = await import(process.argv[2]);
      const server = await startRedis();
      const redis = createRedis({ port: server.port, host: server.host, resilience: { profile: "test", logger: false } });
      const relay = await chaos(redis, { match: "incr", after: "sent", do: "dropReply" });
      await handler(redis);
      await Promise.all([redis.close(), server.stop(), relay.stop()]);
      assert.equal(relay.executions("incr"), 1);`;
    expect(lines.split("\n")).toHaveLength(10);
    writeFileSync(join(project, "kit.mjs"), lines);
    const handle = (
      unknown: string,
    ): string => `export const handler = (redis) => redis.incr("orders").catch((error) => {
      if (error.applied !== "maybe") throw error;
      return ${unknown};
    });`;
    writeFileSync(join(project, "once.mjs"), handle("undefined"));
    writeFileSync(join(project, "again.mjs"), handle('redis.incr("orders").catch(() => undefined)'));
    expect(await run(process.execPath, ["kit.mjs", "./once.mjs"], project)).toMatchObject({ code: 0, err: "" });
    const again = await run(process.execPath, ["kit.mjs", "./again.mjs"], project);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("actual: 2")]);
  });

  it.each(["ioredoubt", "ioredoubt/doctor", "ioredoubt/testing"])(
    "has one list of names for %s: imported, required and typed",
    async (from) => {
      const lists = await node(
        "names.cjs",
        `const own = (all) => Object.keys(all).filter((name) => name !== "default" && name !== "module.exports").sort();
       import("${from}").then((all) => console.log(JSON.stringify([own(all), own(require("${from}"))])));`,
      );
      const [imported, required] = JSON.parse(lists) as readonly [readonly string[], readonly string[]];
      expect(imported.length).toBeGreaterThan(4);
      expect(required).toEqual(imported);
      const source = `import type * as all from "${from}";
      type Names = Exclude<keyof typeof all, "default">;
      type Listed = ${imported.map((name) => JSON.stringify(name)).join(" | ")};
      export const same: [[Names] extends [Listed] ? true : Exclude<Names, Listed>, [Listed] extends [Names] ? true : Exclude<Listed, Names>] = [true, true];`;
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const flags = ["--strict", "--skipLibCheck", "--noEmit", "--target", "es2022", "--module", "nodenext"];
      const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
      const files = ["names-imported.mts", "names-required.cts"];
      for (const file of files) writeFileSync(join(project, file), source);
      const args = [tsc, ...flags, ...types, ...files];
      expect(await run(process.execPath, args, project)).toMatchObject({ code: 0, out: "" });
    },
  );

  it("exports every name that ioredis exports", async () => {
    const out = await node(
      "exports.mjs",
      `const [ours, theirs] = [await import("ioredoubt"), await import("ioredis")];
       const names = Object.keys(theirs).filter((name) => name !== "module.exports" && name !== "__esModule");
       console.log(JSON.stringify({ count: names.length, missing: names.filter((name) => !(name in ours)) }));`,
    );
    const { count, missing } = JSON.parse(out) as { readonly count: number; readonly missing: readonly string[] };
    expect(count).toBeGreaterThan(8);
    expect(missing).toEqual([]);
  });

  it("shows its own sources in a stack, and brings the licence of what was joined into it", async () => {
    const source = `import { createRedis } from "ioredoubt"; try { createRedis(""); } catch (e) { console.log(e.stack); }`;
    writeFileSync(join(project, "stack.mjs"), source);
    const stack = await must(process.execPath, ["--enable-source-maps", "stack.mjs"], project);
    expect(stack).toContain("ioredoubt/src/create-redis.ts:");
    for (const joined of ["is-network-error", "p-retry", "valibot"]) {
      expect(existsSync(join(project, "node_modules", joined))).toBe(false);
      const licence = readFileSync(join(project, `node_modules/ioredoubt/dist/licenses/${joined}.md`), "utf8");
      expect(licence).toContain("MIT License");
    }
  });

  it("loads the long texts of the error pages for the command line only", () => {
    const dist = join(project, "node_modules/ioredoubt/dist");
    const text = "Let the application's user in";
    const holders = readdirSync(dist).filter(
      (file) => file.endsWith(".js") && readFileSync(join(dist, file), "utf8").includes(text),
    );
    expect(holders).toEqual(["explain.js"]);
  });

  it("does not open what is not exported", async () => {
    const source = `await import("ioredoubt/dist/redis.js").catch((error) => console.log(error.code));`;
    expect(await node("closed.mjs", source)).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED\n");
  });

  it("has a command that helps, and subpaths that load", async () => {
    const help = await must("npx", ["--no-install", "ioredoubt", "--help"], project);
    expect(help).toContain("ioredoubt config");
    if (existsSync(join(ROOT, "dist/doctor/index.js"))) {
      const out = await node("doctor.mjs", `console.log(Object.keys(await import("ioredoubt/doctor")).length > 0);`);
      expect(out).toBe("true\n");
    }
  });

  it.each([
    [
      "knows no `exports`, as older projects are set up",
      "--module commonjs --moduleResolution node10 --esModuleInterop",
    ],
    ["requires no ES module", "--module node16"],
    ["requires ES modules", "--module nodenext"],
  ])(
    "has types for a CommonJS project whose TypeScript %s",
    async (_, flags) => {
      const file = join(project, "classic.ts");
      writeFileSync(
        file,
        `import Redis, { createRedis } from "ioredoubt";
       import { diagnoseConnection } from "ioredoubt/doctor";
       console.log(new Redis({ lazyConnect: true }).status, createRedis.name, diagnoseConnection.name);`,
      );
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const always = ["--strict", "--skipLibCheck", "--target", "es2022"];
      const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
      expect(await run(process.execPath, [tsc, ...always, ...flags.split(" "), ...types, file], project)).toMatchObject(
        {
          code: 0,
          out: "",
        },
      );
      expect(await must(process.execPath, ["classic.js"], project)).toBe("wait createRedis diagnoseConnection\n");
    },
    120_000,
  );

  it("compiles in a strict TypeScript project with module nodenext, declarations checked", async () => {
    const folder = join(project, "typed");
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module: "nodenext",
          target: "es2023",
          lib: ["es2023", "esnext.disposable"],
          strict: true,
          skipLibCheck: false,
          noEmit: true,
          types: ["node"],
          typeRoots: [join(ROOT, "node_modules/@types")],
        },
        include: ["*.ts"],
      }),
    );
    writeFileSync(
      join(folder, "main.ts"),
      `import Default, { createRedis, Redis, IoredoubtError, type RedisOptions, type Diagnosis } from "ioredoubt";
       import type { Redis as Plain } from "ioredis";
       const options: RedisOptions = { keyPrefix: "a:", resilience: { deadline: 100, breaker: false } };
       const redis: Redis = createRedis("redis://h", options);
       const plain: Plain = redis;
       const value: Promise<string | null> = new Default().with({ deadline: 5 }).get("k");
       // @ts-expect-error a misspelt option
       createRedis({ resilience: { deadlne: 1 } });
       export function why(error: unknown): Diagnosis | undefined {
         return IoredoubtError.is(error) ? error.diagnosis : undefined;
       }
       export { plain, value };`,
    );
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    expect(await run(process.execPath, [tsc, "-p", folder], project)).toMatchObject({ code: 0, out: "" });
  }, 120_000);

  it("publishes the same clients through ioredoubt/prometheus and ioredoubt/otel, as an ES module and from CommonJS", async () => {
    // Optional peers: linked here, as if installed.
    for (const name of ["prom-client", "@opentelemetry/api"]) {
      const at = join(project, "node_modules", name);
      mkdirSync(join(at, ".."), { recursive: true });
      symlinkSync(join(ROOT, "node_modules", name), at);
    }
    const use = `
      const end = instrument();
      register();
      const redis = new Redis(Number(process.argv[2]), "127.0.0.1", { resilience: { logger: false, name: "packed" } });
      redis.get("k").then(() => promClient.register.metrics()).then((text) => {
        console.log(text.split("\\n").filter((line) => line.includes('family="read",outcome="answered"'))[0]);
        end();
        return redis.close();
      });
    `;
    const out = `ioredoubt_operations_total{endpoint="packed (127.0.0.1:${String(server.port)})",family="read",outcome="answered"} 1\n`;
    const imports = `import { Redis } from "ioredoubt"; import { instrument } from "ioredoubt/otel";
      import { register } from "ioredoubt/prometheus"; import promClient from "prom-client";`;
    expect(await node("metrics.mjs", imports + use, String(server.port))).toBe(out);
    const requires = `const { Redis } = require("ioredoubt"); const { instrument } = require("ioredoubt/otel");
      const { register } = require("ioredoubt/prometheus"); const promClient = require("prom-client");`;
    expect(await node("metrics.cjs", requires + use, String(server.port))).toBe(out);
  });
});
