/**
 * Names the source files that take part in one event: those with a function that was called between the moment before it and
 * the moment after. What a file runs when it is loaded, and what connecting takes, is not counted. Build first.
 *
 *   node scripts/trace-files.mjs get          a GET on a connection that is up
 *   node scripts/trace-files.mjs lost-reply   an INCR that is executed and whose connection is cut before its reply
 *   node scripts/trace-files.mjs lost-read    a GET likewise, until it was sent again and answered
 *
 * `--check` ends with 1 when there are more files than there should be; `--functions` names the functions too.
 */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { SourceMap } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRedis } from "ioredoubt";
import { startProxy } from "../lab/fault-proxy.mjs";
import { startRedis } from "../lab/redis-server.mjs";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

/**
 * @typedef {{ redis: import("ioredoubt").Redis, proxy: import("../lab/fault-proxy.mjs").FaultProxy }} Scene
 * @type {Record<string, { bar: number, event: (scene: Scene) => Promise<unknown> }>}
 */
const EVENTS = {
  get: { bar: 13, event: ({ redis }) => redis.get("k") },
  "lost-reply": {
    bar: 15,
    async event({ redis, proxy }) {
      void proxy.forwardThenCut();
      await redis.incr("n").then(
        () => Promise.reject(new Error("the reply was not lost")),
        () => undefined,
      );
    },
  },
  "lost-read": {
    bar: Infinity,
    async event({ redis, proxy }) {
      void proxy.forwardThenCut();
      await redis.get("k");
    },
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean", default: false }, functions: { type: "boolean", default: false } },
});
const [name = ""] = positionals;
const chosen = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
if (chosen === undefined || positionals.length !== 1) {
  console.error(`node scripts/trace-files.mjs ${Object.keys(EVENTS).join("|")} [--check] [--functions]`);
  process.exit(2);
}

const server = await startRedis();
const proxy = await startProxy({ target: { port: server.port } });
const redis = createRedis({ port: proxy.port, host: proxy.host, resilience: { logger: false, doctor: false } });
redis.on("error", () => undefined);
try {
  // What the first command alone does is not what is asked for.
  for (const key of ["k", "n"]) await redis.get(key);
  const called = await calledDuring(() => chosen.event({ redis, proxy }));
  for (const [file, functions] of [...called].sort(([a], [b]) => a.localeCompare(b)))
    console.log(values.functions ? `${file}: ${[...functions].join(", ")}` : file);
  /** @type {Map<string, number>} */
  const folders = new Map();
  for (const file of called.keys()) {
    const folder = /^src\/(?:(.+?)\/)?/.exec(file)?.[1] ?? "src";
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  console.log(
    `\n${[...folders]
      .map(([folder, count]) => `${folder} ${String(count)}`)
      .sort()
      .join(", ")}`,
  );
  console.log(
    `${name}: ${String(called.size)} source files with calls${chosen.bar < Infinity ? `, the bar is ${String(chosen.bar)}` : ""}`,
  );
  if (values.check && called.size > chosen.bar) process.exitCode = 1;
} finally {
  redis.disconnect();
  await proxy.stop();
  await server.stop();
}

/**
 * Source files to the names of their functions that ran.
 * @param {() => Promise<unknown>} event
 * @returns {Promise<Map<string, Set<string>>>}
 */
async function calledDuring(event) {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await event();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();

  /** @type {Map<string, Set<string>>} */
  const files = new Map();
  for (const { url, functions } of result) {
    if (!url.startsWith("file:") || !fileURLToPath(url).startsWith(dist)) continue;
    const ran = functions.filter((one) => one.ranges.some((range) => range.count > 0));
    if (ran.length === 0) continue;
    const sourceOf = readMap(fileURLToPath(url));
    for (const { functionName, ranges } of ran) {
      const source = sourceOf(ranges[0]?.startOffset ?? 0, ranges[0]?.endOffset ?? 0);
      if (source === undefined) continue;
      files.set(source, (files.get(source) ?? new Set()).add(functionName === "" ? "(anonymous)" : functionName));
    }
  }
  return files;
}

/**
 * From a function's place in a built file to the file under `src` that it was made from; undefined for what was joined from
 * packages, what the joiner wrote itself, and a file as a whole, which is loading it.
 * @param {string} path
 * @returns {(start: number, end: number) => string | undefined}
 */
function readMap(path) {
  const code = readFileSync(path, "utf8");
  /** @type {import("node:module").SourceMapPayload} */
  let payload;
  try {
    payload = JSON.parse(readFileSync(`${path}.map`, "utf8"));
  } catch {
    // The doors in front of the build have no map, and nothing of their own.
    return () => undefined;
  }
  const map = new SourceMap(payload);
  const starts = [0, ...[...code.matchAll(/\n/g)].map((match) => match.index + 1)];
  return (start, end) => {
    if (start === 0) return undefined;
    // The last mapping before the function's end is one of its own, or it has none.
    const line = starts.findLastIndex((from) => from < end);
    const entry = map.findEntry(line, end - 1 - (starts[line] ?? 0));
    if (!("originalSource" in entry)) return undefined;
    if ((starts[entry.generatedLine] ?? 0) + entry.generatedColumn < start) return undefined;
    const source = relative(root, join(path, "..", entry.originalSource));
    return source.startsWith("src/") ? source : undefined;
  };
}
