import { describe, expect, it } from "vitest";
import { createRedis } from "../../src/index.js";
import { createLogSink } from "../helpers/log-sink.js";

function perRequest(port: number, logger: ReturnType<typeof createLogSink>) {
  return createRedis({ port, host: "127.0.0.1", lazyConnect: true, resilience: { logger } });
}

describe("many clients of one server", () => {
  it("are reported once, with the place that makes them", () => {
    const logger = createLogSink();
    const clients = Array.from({ length: 50 }, () => perRequest(1, logger));
    const warnings = logger.at("warn").filter(({ fields }) => fields["event"] === "client.many");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.fields["createdAt"]).toMatch(/perRequest .*client-count\.test\.ts/);
    expect(warnings[0]?.message).toContain("127.0.0.1:1");
    for (const client of clients) client.disconnect();
  });

  it("made at different places, or of different servers, are nobody's mistake", () => {
    const logger = createLogSink();
    const clients = Array.from({ length: 50 }, (_, n) => perRequest(1000 + n, logger));
    clients.push(...Array.from({ length: 20 }, () => clients[0]?.duplicate() ?? perRequest(2, logger)));
    expect(logger.at("warn")).toHaveLength(0);
    for (const client of clients) client.disconnect();
  });

  it("in a pool do not count", async () => {
    const logger = createLogSink();
    const redis = perRequest(3, logger);
    const loans = Array.from({ length: 40 }, () => redis.withConnection((conn) => conn.ping()).catch(() => undefined));
    redis.disconnect();
    await Promise.all(loans);
    expect(logger.at("warn").filter(({ fields }) => fields["event"] === "client.many")).toHaveLength(0);
  });
});
