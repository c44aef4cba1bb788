/** `ioredoubt/otel` with OpenTelemetry's SDK: spans of commands and batches, metrics, the histogram of durations. */
import {
  type Attributes,
  context,
  INVALID_TRACEID,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SamplingDecision,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { durationProducer, instrument } from "../../src/otel/index.js";
import { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

let server: RedisServer;
let proxy: FaultProxy;
const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let end: () => void = () => undefined;
const clients: Redis[] = [];

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  server = await startRedis();
  proxy = await startProxy({ target: { port: server.port } });
});
afterAll(async () => {
  context.disable();
  await proxy.stop();
  await server.stop();
});
beforeEach(() => {
  exporter.reset();
});
afterEach(async () => {
  end();
  await Promise.all(clients.splice(0).map((redis) => redis.close()));
});

function client(options: object = {}): Redis {
  const redis = new Redis(proxy.port, "127.0.0.1", { resilience: { logger: false, ...options } });
  redis.on("error", () => undefined);
  clients.push(redis);
  return redis;
}

const spans = () =>
  exporter.getFinishedSpans().map(({ name, kind, attributes, status, events, parentSpanContext }) => {
    return {
      name,
      kind,
      attributes,
      status: status.code,
      events: events.map((event) => event.name),
      parent: parentSpanContext?.spanId,
    };
  });

describe("spans", () => {
  it("one a command, of kind client, in its caller's context, with the attributes of the conventions and no value", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    const parent = tracerProvider.getTracer("test").startSpan("request");
    await context.with(trace.setSpan(context.active(), parent), () => redis.set("secret-key", "secret-value"));
    expect(spans()).toEqual([
      {
        name: "SET",
        kind: SpanKind.CLIENT,
        status: SpanStatusCode.UNSET,
        events: [],
        parent: parent.spanContext().spanId,
        attributes: {
          "db.system.name": "redis",
          "db.operation.name": "SET",
          "db.namespace": "0",
          "server.address": "127.0.0.1",
          "server.port": proxy.port,
        },
      },
    ]);
    expect(JSON.stringify(exporter.getFinishedSpans().map(({ attributes }) => attributes))).not.toContain("secret");
  });

  it("one a pipeline or transaction, named by what it holds", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    await redis.pipeline().get("a").get("b").exec();
    await redis.multi().set("a", "1").incr("a").exec();
    expect(spans().map(({ name, attributes }) => [name, attributes["db.operation.batch.size"]])).toEqual([
      ["PIPELINE GET", 2],
      ["MULTI", 2],
    ]);
  });

  it("says why a command failed, without the server's words", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    await redis.set("text", "x");
    exporter.reset();
    await redis.lpush("text", "value").catch(() => undefined);
    const [span] = spans();
    expect(span?.status).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes).toMatchObject({ "db.response.status_code": "WRONGTYPE", "error.type": "WRONG_TYPE" });
  });

  it("tells of the attempts of a command that went again", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    await redis.ping();
    exporter.reset();
    const cut = proxy.forwardThenCut();
    await redis.get("k");
    await cut;
    expect(spans()).toMatchObject([{ name: "GET", events: ["retry"], status: SpanStatusCode.UNSET }]);
  });

  it("on leases and views too, once each, and for a command that this client refused", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    await redis.withConnection((connection) => connection.get("k"));
    await redis.withDeadline(1_000).get("k");
    expect(spans().map(({ name }) => name)).toEqual(["GET", "GET"]);
    await redis.close();
    exporter.reset();
    await redis.get("k").catch(() => undefined);
    expect(spans()).toMatchObject([
      { name: "GET", status: SpanStatusCode.ERROR, attributes: { "error.type": "CLIENT_CLOSED" } },
    ]);
  });

  it("hides no unhandled rejection", async () => {
    end = instrument({ tracerProvider, meterProvider: false });
    const redis = client();
    await redis.set("text", "x");
    const unhandled = new Promise<unknown>((resolve) => process.once("unhandledRejection", resolve));
    void redis.lpush("text", "x");
    expect(await unhandled).toMatchObject({ name: "ReplyError" });
  });

  it("builds nothing for a span that is not recorded", async () => {
    const off = new BasicTracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    end = instrument({ tracerProvider: off, meterProvider: false });
    const redis = client();
    expect(await redis.pipeline().set("k", "v").get("k").exec()).toEqual([
      [null, "OK"],
      [null, "v"],
    ]);
    expect(spans()).toEqual([]);
  });

  it("asks for none inside a trace of which nothing is recorded", async () => {
    const asked: string[] = [];
    const sampler = {
      shouldSample(_context: unknown, _traceId: string, name: string) {
        asked.push(name);
        return { decision: SamplingDecision.RECORD_AND_SAMPLED };
      },
      toString: () => "asked",
    };
    const provider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] });
    end = instrument({ tracerProvider: provider, meterProvider: false });
    const redis = client();
    const inside = (span: object, work: () => Promise<unknown>): Promise<unknown> => {
      const ids = { traceId: "0123456789abcdef0123456789abcdef", spanId: "0123456789abcdef", traceFlags: 0 };
      return context.with(trace.setSpanContext(context.active(), { ...ids, ...span }), work);
    };
    await inside({}, () => redis.get("k"));
    await inside({}, () => redis.pipeline().get("k").set("k", "v").exec());
    expect(asked).toEqual([]);
    // The trace is recorded, was begun by another process, or is none.
    await inside({ traceFlags: TraceFlags.SAMPLED }, () => redis.get("k"));
    await inside({ isRemote: true }, () => redis.set("k", "v"));
    await inside({ traceId: INVALID_TRACEID }, () => redis.del("k"));
    await redis.exists("k");
    expect(asked).toEqual(["GET", "SET", "DEL", "EXISTS"]);
    expect(spans().map(({ name }) => name)).toEqual(["GET", "SET", "DEL", "EXISTS"]);
  });

  it("refuses to make them twice", () => {
    end = instrument({ tracerProvider, meterProvider: false });
    expect(() => instrument({ tracerProvider })).toThrow("was called before");
  });
});

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

describe("metrics", () => {
  it("are those of stats(), with the endpoint's attributes; durations come as a histogram", async () => {
    const reader = new Reader({ metricProducers: [durationProducer()] });
    const meterProvider = new MeterProvider({ readers: [reader] });
    end = instrument({ tracerProvider: false, meterProvider });
    const redis = client({ name: "orders" });
    await redis.set("k", "v");
    await redis.lpush("k", "v").catch(() => undefined);
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    const points = (name: string) =>
      all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints as { attributes: object; value: unknown }[]);
    const endpoint = {
      "db.system.name": "redis",
      "ioredoubt.endpoint": `orders (127.0.0.1:${String(proxy.port)})`,
      "server.address": "127.0.0.1",
      "server.port": proxy.port,
    };
    expect(points("redis.client.errors")).toContainEqual(
      expect.objectContaining({ value: 1, attributes: { ...endpoint, "error.type": "WRONG_TYPE" } }),
    );
    expect(points("ioredoubt.operations")).toContainEqual(
      expect.objectContaining({ value: 1, attributes: { ...endpoint, family: "write", outcome: "failed" } }),
    );
    const [duration] = points("db.client.operation.duration").filter(
      ({ attributes }) => (attributes as typeof endpoint)["ioredoubt.endpoint"] === endpoint["ioredoubt.endpoint"],
    );
    expect(duration?.value).toMatchObject({ count: 1 });
    const pool = { ...endpoint, "db.client.connection.pool.name": "lease" };
    expect(points("db.client.connection.max")).toContainEqual(expect.objectContaining({ attributes: pool }));
    await meterProvider.shutdown();
  });

  it("do not leave a client down that was closed while it was", async () => {
    const reader = new Reader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    end = instrument({ tracerProvider: false, meterProvider });
    const redis = new Redis(await freePort(), "127.0.0.1", { resilience: { logger: false, name: "gone" } });
    redis.on("error", () => undefined);
    const seen = async (): Promise<unknown[]> => {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => /clients$/.test(descriptor.name))
        .flatMap(({ dataPoints }) => dataPoints as readonly { attributes: Attributes; value: unknown }[])
        .filter(({ attributes, value }) => /^gone /.test(String(attributes["ioredoubt.endpoint"])) && value !== 0)
        .map(({ attributes: { status, ["error.type"]: code } }) => status ?? code);
    };
    await eventually(() => {
      expect(redis.health().status).toBe("down");
    });
    expect(await seen()).toEqual(["down", "CONNECTION_REFUSED"]);
    await redis.close();
    expect(await seen()).toEqual([]);
    expect(await seen()).toEqual([]);
    await meterProvider.shutdown();
  });
});
