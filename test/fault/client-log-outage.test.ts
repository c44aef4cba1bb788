/** Twenty busy clients of one server that dies and comes back: one story in a few lines, where plain ioredis writes hundreds. */
import { Redis as PlainRedis } from "ioredis";
import { expect, it } from "vitest";
import { createLogSink } from "../helpers/log-sink.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis } from "../helpers/redis-server.js";
import { createRedis, type Redis } from "../../src/index.js";
import { atEnd, sleep } from "./core-harness.js";
import { CANARY, events } from "./client-log-harness.js";

const CLIENTS = 20;
/**
 * How long the server is away, and how often the log sums up, in milliseconds. The lines are an opening, a circuit, one
 * an interval and a closing: what counts is the outage in intervals, so a short one with one summary shows what 30 s do with
 * the default of 30 s. `OUTAGE=30000 npx vitest run test/fault/client-log-outage` takes the real time.
 */
const OUTAGE = Number(process.env["OUTAGE"] ?? 7_000);
const SUMMARY = OUTAGE >= 30_000 ? 30_000 : 4_000;

it(
  "an outage under twenty busy clients is one incident of at most six lines; plain ioredis reports it hundreds of times",
  async () => {
    const server = await startRedis({ password: CANARY });
    atEnd(() => server.stop());
    const log = createLogSink();
    const connection = { host: "127.0.0.1", port: server.port, password: CANARY };
    const clients: Redis[] = Array.from({ length: CLIENTS }, () =>
      createRedis({ ...connection, resilience: { profile: "production", logger: log, summaryInterval: SUMMARY } }),
    );
    const plains = Array.from({ length: CLIENTS }, () => new PlainRedis(connection));
    atEnd(() => {
      for (const client of [...clients, ...plains]) client.disconnect();
    });
    let plainEvents = 0;
    for (const plain of plains) plain.on("error", () => plainEvents++);
    await Promise.all([...clients, ...plains].map((client) => client.ping()));
    await eventually(() => expect(log.text()).toContain("client.ready"));
    log.clear();

    const errors: Error[] = [];
    let answered = 0;
    let isBusy = true;
    const keepBusy = async (client: Redis | PlainRedis): Promise<void> => {
      for (let i = 0; isBusy; i++) {
        const command = i % 2 === 0 ? client.incr("n") : client.get("n");
        await command.then(
          () => client instanceof Object && answered++,
          (error: unknown) => error instanceof Error && "applied" in error && errors.push(error),
        );
        await sleep(10);
      }
    };
    const work = [...clients, ...plains].map(keepBusy);
    await eventually(() => expect(answered).toBeGreaterThan(CLIENTS * 5));

    await server.kill();
    await sleep(OUTAGE);
    await server.restart();
    const closed = await eventually(
      () => {
        const lines = events(log, "incident.closed");
        expect(lines).toHaveLength(1);
        return lines[0];
      },
      { withinMs: 15_000 },
    );
    const before = answered;
    await eventually(() => expect(answered).toBeGreaterThan(before + CLIENTS * 5));
    isBusy = false;
    await Promise.all(work);

    const story = log.lines.map(({ level, fields }) => `${level} ${String(fields["event"])}`);
    expect(story[0]).toBe("error incident.open");
    expect(story.at(-1)).toBe("info incident.closed");
    expect(story.filter((line) => line === "warn incident.circuit")).toHaveLength(1);
    expect(story.filter((line) => line === "warn incident.summary").length).toBeGreaterThanOrEqual(
      OUTAGE > SUMMARY ? 1 : 0,
    );
    expect(story.length, log.text()).toBeLessThanOrEqual(6);
    expect(new Set(log.lines.map(({ fields }) => fields["incident"])).size).toBe(1);
    const { failed, rejected, durationMs, ending } = closed?.fields ?? {};
    expect(ending).toBe("recovered");
    expect(Number(durationMs)).toBeGreaterThan(OUTAGE * 0.9);
    // Every failure that a caller saw is in the counts, and no other.
    expect(failed).toBe(errors.length);
    expect(rejected).toBe(errors.filter((error) => (error as { applied?: unknown }).applied === "no").length);
    expect(clients.reduce((sum, client) => sum + client.stats().failed, 0)).toBe(errors.length);
    expect(plainEvents).toBeGreaterThan(story.length * 20);
    expect(log.text()).not.toContain(CANARY);
  },
  60_000 + OUTAGE,
);
