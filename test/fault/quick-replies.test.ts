/** Replies that are read without ioredis's decoder, against plain ioredis: the same bytes, cut into the same pieces. */
import fc from "fast-check";
import { Redis as PlainRedis, type ChainableCommander } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { internalsOf } from "../../src/ioredis/internals.js";
import { Redis } from "../../src/redis.js";
import { connected } from "../helpers/connected.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, proxyTo } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const isIoredis6 = "replyMapping" in (PlainRedis as unknown as { defaultOptions: object }).defaultOptions;

/** A client of each kind whose server has gone silent: what comes over its connection is what a test says. */
async function silentPair(options: object): Promise<{ readonly plain: PlainRedis; readonly ours: Redis }> {
  const proxy = await proxyTo(server);
  const where = { host: "127.0.0.1", port: proxy.port, ...options };
  const plain = new PlainRedis(where);
  const resilience = { deadline: false, heartbeat: false, silenceHold: false, breaker: false, logger: false } as const;
  const ours = new Redis({ ...where, resilience: { ...resilience, retry: false } });
  for (const client of [plain, ours]) client.on("error", () => undefined);
  await Promise.all([plain.ping(), connected(ours)]);
  proxy.blackhole();
  atEnd(() => {
    plain.disconnect();
    ours.disconnect();
  });
  return { plain, ours };
}

type Method = "get" | "getBuffer" | "incr" | "lrange" | "hgetall" | "set";
type Sending = readonly Method[];

function call(target: PlainRedis | ChainableCommander, method: Method): unknown {
  const args = method === "lrange" ? ["k", "0", "-1"] : method === "set" ? ["k", "v"] : ["k"];
  return Reflect.apply(Reflect.get(target, method) as (...args: unknown[]) => unknown, target, args);
}

/** Sends each group as a pipeline, one that holds a single command as that; what came of it when all have settled. */
function send(client: PlainRedis, groups: readonly Sending[]): Promise<unknown> {
  const sent = groups.flatMap((group): unknown[] => {
    const [first] = group;
    if (first !== undefined && group.length === 1) return [call(client, first)];
    const pipeline = client.pipeline();
    for (const method of group) call(pipeline, method);
    return [pipeline.exec()];
  });
  return Promise.allSettled(sent).then((outcomes) => JSON.stringify(outcomes, shown));
}

/** Buffers and numbers as what they are, errors by name and text. */
function shown(this: unknown, key: string, value: unknown): unknown {
  const raw = (this as Record<string, unknown>)[key];
  if (Buffer.isBuffer(raw)) return `buffer ${raw.toString("hex")}`;
  if (raw instanceof Error) return `${raw.name}: ${raw.message}`;
  if (typeof raw === "number") return `number ${String(raw)}`;
  return typeof raw === "bigint" || raw === undefined ? `${typeof raw} ${String(raw)}` : value;
}

const bulk = (payload: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`$${String(Buffer.byteLength(payload))}\r\n`), Buffer.from(payload), Buffer.from("\r\n")]);
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);

const plainText = fc.string({ unit: "grapheme", maxLength: 30 });
const statusText = fc.stringMatching(/^[ -~é]{1,20}$/);
const scalars: readonly fc.Arbitrary<Buffer>[] = [
  plainText.map(bulk),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => bulk(Buffer.from(bytes))),
  fc.constantFrom("\r\n", "$3\r\nabc\r\n", "").map(bulk),
  fc
    .constantFrom("+OK", "+QUEUED", "+OKAY", "+", "$-1", ":0", ":-1", ":1234567890123456", ":9223372036854775807")
    .map(line),
  fc.integer().map((number) => line(`:${String(number)}`)),
  statusText.map((text) => line(`+${text}`)),
];
const scalars3: readonly fc.Arbitrary<Buffer>[] = [
  fc.constantFrom("_", "#t", "#f", ",1.5", ",-2e-7", ",inf", ",nan", "(123456789012345678901").map(line),
  plainText.map((text) =>
    Buffer.concat([line(`=${String(Buffer.byteLength(text) + 4)}`), Buffer.from(`txt:${text}\r\n`)]),
  ),
];

/** A reply and how many bytes of RESP it is; `isResp3`: with types that RESP2 has not. */
function replyOf(isResp3: boolean): fc.Arbitrary<Buffer> {
  const scalar = fc.oneof(...scalars, ...(isResp3 ? scalars3 : []));
  const list = fc
    .array(fc.oneof({ weight: 6, arbitrary: scalar }, { weight: 1, arbitrary: fc.constant(line("-ERR in a list")) }), {
      maxLength: 6,
    })
    .map((items) => Buffer.concat([line(`*${String(items.length)}`), ...items]));
  const map = fc
    .array(fc.tuple(scalar, fc.oneof(scalar, list)), { maxLength: 4 })
    .map((items) => Buffer.concat([line(`%${String(items.length)}`), ...items.flat()]));
  const set = list.map((bytes) => Buffer.concat([Buffer.from("~"), bytes.subarray(1)]));
  const collection = isResp3 ? fc.oneof(list, map, set) : list;
  const nested = fc
    .array(fc.oneof(scalar, collection), { maxLength: 4 })
    .map((items) => Buffer.concat([line(`*${String(items.length)}`), ...items]));
  return fc.oneof(
    { weight: 8, arbitrary: scalar },
    { weight: 1, arbitrary: fc.constantFrom("-ERR no", "-WRONGTYPE it is another", "*-1", "*0").map(line) },
    { weight: 2, arbitrary: fc.oneof(collection, nested) },
  );
}

const method = fc.constantFrom<Method>("get", "get", "getBuffer", "incr", "lrange", "hgetall", "set");
const groups = fc.array(fc.array(method, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 });

/** The same bytes in pieces: of this size, or cut at these places. */
function pieces(bytes: Buffer, cuts: number | readonly number[]): Buffer[] {
  const places =
    typeof cuts === "number"
      ? Array.from({ length: Math.ceil(bytes.length / cuts) }, (_, i) => i * cuts)
      : [0, ...[...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)];
  return places.map((from, i) => Buffer.from(bytes.subarray(from, places[i + 1] ?? bytes.length)));
}

describe("a reply that is read without ioredis's decoder", () => {
  it.each([
    ["RESP2", { protocol: 2 }],
    ["RESP3", { protocol: 3 }],
    ...(isIoredis6 ? ([["RESP3 as it is", { protocol: 3, replyMapping: "resp3" }]] as const) : []),
    ["numbers as text", { protocol: 2, stringNumbers: true }],
  ] as const)("is what ioredis makes of it, wherever the bytes are cut: %s", async (_name, options) => {
    const isResp3 = isIoredis6 && options.protocol === 3;
    const { plain, ours } = await silentPair(options);
    const reply = replyOf(isResp3);
    const run = groups.chain((sent) => {
      const { length } = sent.flat();
      const cuts = fc.oneof(fc.constantFrom(1, 2, 3, 7, 65_536), fc.array(fc.nat(10_000), { maxLength: 12 }));
      return fc.tuple(fc.constant(sent), fc.array(reply, { minLength: length, maxLength: length }), cuts);
    });
    await fc.assert(
      fc.asyncProperty(run, async ([sent, replies, cuts]) => {
        const bytes = Buffer.concat(replies);
        const told = [plain, ours].map((client) => {
          const outcome = send(client, sent);
          for (const piece of pieces(bytes, cuts)) internalsOf(client).stream?.emit("data", piece);
          return outcome;
        });
        const [theirs, own] = await Promise.all(told);
        expect(own).toBe(theirs);
        expect(internalsOf(ours).commandQueue.length).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
