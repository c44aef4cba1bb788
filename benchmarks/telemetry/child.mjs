/** Slices with and without one kind of telemetry, in turn, on one warm client. Started by telemetry.mjs. */
import { context, ROOT_CONTEXT, trace, TraceFlags } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { createRedis } from "ioredoubt";
import { job, report } from "../lib/child.mjs";
import { MODES } from "./modes.mjs";

const GETS_PER_REQUEST = 10;

const { mode: name, port, pairs: wanted, slice, concurrency } = job();
const mode = MODES[name];
if (mode === undefined) throw new Error(`no mode ${name}`);
const redis = createRedis(port, "127.0.0.1", { resilience: { logger: false } });
const KEYS = Array.from({ length: 50 }, (_, i) => `k${i}`);
await Promise.all(KEYS.map((key) => redis.set(key, "x".repeat(100))));
const switchOn = await mode.on();

let running = false;
let done = 0;

/** @param {number} most */
async function gets(most) {
  for (let i = 0; running && i < most; i++, done++) await redis.get(KEYS[i % 50] ?? "k0");
}

let requests = 0;

/** One after the other, each in the context that a traced service gives it, whether spans of commands are made or not. @param {number} sampled */
async function traced(sampled) {
  const every = Math.round(1 / sampled);
  while (running) {
    const hex = (++requests).toString(16);
    const traceFlags = requests % every === 0 ? TraceFlags.SAMPLED : TraceFlags.NONE;
    const span = { traceId: hex.padStart(32, "0"), spanId: hex.padStart(16, "0"), traceFlags };
    await context.with(trace.setSpanContext(ROOT_CONTEXT, span), gets, undefined, GETS_PER_REQUEST);
  }
}

const { sampled } = mode;
const caller = sampled === undefined ? () => gets(Number.POSITIVE_INFINITY) : () => traced(sampled);
if (sampled !== undefined) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

/** @param {(() => Promise<unknown>) | undefined} look */
async function run(look) {
  running = true;
  done = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  setTimeout(() => (running = false), slice);
  const looking = look && new Promise((resolve) => setTimeout(() => resolve(look()), slice / 2));
  await Promise.all([looking, ...Array.from({ length: concurrency }, caller)]);
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { opsPerSecond: (done / elapsed) * 1000, cpuPerOp: (user + system) / done };
}

const off = () => run(undefined);

async function on() {
  const running = switchOn();
  const result = await run(running.look);
  await running.off();
  return result;
}

// Both are warm before either counts.
for (let i = 0; i < 2; i++) {
  await on();
  await off();
}
const pairs = [];
for (let i = 0; i < wanted; i++) {
  if (i % 2 === 0) pairs.push({ off: await off(), on: await on() });
  else {
    const first = await on();
    pairs.push({ off: await off(), on: first });
  }
}
report({ pairs });
