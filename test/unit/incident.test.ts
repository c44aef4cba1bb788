/** What the incident log writes, and above all what it does not. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { IncidentLog } from "../../src/observe/incident.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

interface Written {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

const context = { endpoint: { host: "127.0.0.1", port: 6379 }, environment: { container: false, kubernetes: false } };
const refused = classify("connect ECONNREFUSED 127.0.0.1:6379", context);
const lost = classify("Connection is closed.", { ...context, written: true });
const loading = classify("LOADING Redis is loading the dataset in memory", context);
const outOfMemory = classify("OOM command not allowed when used memory > 'maxmemory'.", context);
const wrongPassword = classify("WRONGPASS invalid username-password pair or user is disabled.", context);
const wrongType = classify("WRONGTYPE Operation against a key holding the wrong kind of value", context);
const noPermission = classify("NOPERM this user has no permissions to run the 'set' command", context);

const POLICY = { profile: "cache", fingerprint: "1a2b3c", text: "policy cache (1a2b3c)" };

let written: Written[];
let log: IncidentLog;
let waiting: number;

function write(level: string): (fields: object, message: string) => void {
  return (fields, message) => written.push({ ...fields, level, message });
}

function events(): string[] {
  return written.map((line) => `${line.level} ${String(line["event"])}`);
}

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  waiting = 0;
  log = new IncidentLog({
    logger: {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      fatal: write("fatal"),
    },
    endpoint: "127.0.0.1:6379",
    summaryInterval: 30_000,
    waiting: () => waiting,
    policy: POLICY,
    now: () => Date.now(),
  });
});

afterEach(() => {
  log.closed();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("IncidentLog", () => {
  it("says once with which policy the first client is connected", () => {
    log.firstConnected();
    expect(written).toEqual([
      {
        level: "info",
        event: "client.ready",
        endpoint: "127.0.0.1:6379",
        profile: "cache",
        policy: "1a2b3c",
        message: "redis 127.0.0.1:6379: connected; policy cache (1a2b3c).",
      },
    ]);
  });

  it("tells a 30 s outage under 20 busy clients in at most 6 lines", () => {
    waiting = 12;
    log.connectionFailed(refused);
    for (let ms = 0; ms < 30_500; ms += 50) {
      for (let client = 0; client < 20; client++) {
        if (ms < 2000) log.commandFailed(lost);
        else log.rejected("CIRCUIT_OPEN");
      }
      if (ms === 2000) log.circuitChanged({ kind: "read-write", state: "open", retryAfter: 1000, cause: refused });
      if (ms % 5000 === 0 && ms > 2000) {
        log.circuitChanged({ kind: "read-write", state: "half-open" });
        log.circuitChanged({ kind: "read-write", state: "open", retryAfter: 2000, cause: refused });
        log.connectionFailed(refused);
      }
      vi.advanceTimersByTime(50);
    }
    log.retried(3);
    log.outcomeUnknown(2);
    log.circuitChanged({ kind: "read-write", state: "closed" });
    log.recovered();

    expect(events()).toEqual([
      "error incident.open",
      "warn incident.circuit",
      "warn incident.summary",
      "info incident.closed",
    ]);
    const [open, , summary, closed] = written;
    expect(open?.message).toBe(
      "redis 127.0.0.1:6379 is unreachable: connection refused (CONNECTION_REFUSED). " +
        "Likely: redis-server is not running, or is still starting. Next: redis-cli -h 127.0.0.1 -p 6379 ping",
    );
    expect(summary).toMatchObject({ waiting: 12, codes: { CONNECTION_LOST: 800 } });
    expect(closed).toMatchObject({
      failed: 800,
      rejected: 11_400,
      retried: 3,
      unknownOutcome: 2,
      durationMs: 30_500,
      probes: 6,
    });
    expect(new Set(written.map((line) => line["incident"])).size).toBe(1);
  });

  it("writes one info line for a connection that is back at once, and none for the next such blip", () => {
    for (let i = 0; i < 3; i++) {
      log.connectionFailed(lost);
      log.retried(4);
      vi.advanceTimersByTime(80);
      log.recovered();
    }
    expect(events()).toEqual(["info connection.blip"]);
    expect(written[0]?.message).toBe(
      "redis 127.0.0.1:6379: connection dropped (CONNECTION_LOST) and was back after 80 ms; no command failed.",
    );
  });

  it("opens an incident when the connection stays away, without any failed command", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(249);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(events()).toEqual(["error incident.open"]);
  });

  it("says in the opening line that commands fail fast when the circuit opens it", () => {
    log.circuitChanged({ kind: "write", state: "open", retryAfter: 5000, cause: outOfMemory });
    expect(events()).toEqual(["error incident.open"]);
    expect(written[0]).toMatchObject({ code: "OUT_OF_MEMORY", circuit: "open", retryAfterMs: 5000 });
    expect(written[0]?.message).toContain("refuses writes: out of memory (OUT_OF_MEMORY)");
    expect(written[0]?.message).toContain("Failing fast; next probe in 5 s.");
  });

  it("writes a wrong password once, at level fatal, and the end of it", () => {
    for (let i = 0; i < 200; i++) {
      log.commandRefused(wrongPassword);
      vi.advanceTimersByTime(1000);
    }
    log.recovered();
    expect(events()).toEqual(["fatal incident.open", "info incident.closed"]);
  });

  it("uses error where a logger has no fatal", () => {
    const lines: string[] = [];
    const plain = (_fields: object, message: string): void => void lines.push(message);
    const poor = new IncidentLog({
      logger: { debug: plain, info: plain, warn: plain, error: plain },
      endpoint: "x",
      summaryInterval: 1000,
      waiting: () => 0,
      policy: POLICY,
    });
    poor.commandFailed(wrongPassword);
    poor.closed();
    expect(lines[0]).toContain("AUTH_WRONG");
  });

  it("still opens an outage that comes after a credential fault", () => {
    log.commandRefused(wrongPassword);
    log.commandFailed(refused);
    expect(events()).toEqual(["fatal incident.open", "error incident.open"]);
    expect(written[1]).toMatchObject({ code: "CONNECTION_REFUSED" });
  });

  it("names what the incident has become in the summary", () => {
    log.commandFailed(refused);
    vi.advanceTimersByTime(29_000);
    log.commandFailed(loading);
    vi.advanceTimersByTime(1000);
    expect(written[1]?.message).toBe(
      "redis 127.0.0.1:6379 is still unreachable after 30 s: 2 failed (CONNECTION_REFUSED 1, LOADING 1), 0 retried, 0 with unknown outcome, 0 waiting. Now: loading its data.",
    );
  });

  it("ends refused writes by itself when an interval passes without one", () => {
    log.commandFailed(outOfMemory);
    vi.advanceTimersByTime(30_000);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(log.snapshot()).toEqual({ open: false });
  });

  it("does not end an unreachable endpoint's incident because nobody asked", () => {
    log.commandFailed(refused);
    vi.advanceTimersByTime(90_000);
    expect(events()).toEqual([
      "error incident.open",
      "warn incident.summary",
      "warn incident.summary",
      "warn incident.summary",
    ]);
  });

  it("treats a flapping endpoint as one incident", () => {
    for (let i = 0; i < 30; i++) {
      log.commandFailed(lost);
      vi.advanceTimersByTime(500);
      log.recovered();
      vi.advanceTimersByTime(500);
    }
    vi.advanceTimersByTime(60_000);
    const flaps = events();
    expect(flaps.filter((event) => event === "error incident.open")).toHaveLength(4);
    expect(flaps.filter((event) => event === "warn incident.flapping")).toHaveLength(1);
    expect(flaps.at(-1)).toBe("info incident.closed");
    expect(flaps.length).toBeLessThanOrEqual(11);
  });

  it("keeps what reaches the caller anyway at debug, one line a code in 10 s", () => {
    for (let i = 0; i < 500; i++) log.commandRefused(wrongType);
    log.commandRefused(noPermission);
    vi.advanceTimersByTime(10_000);
    log.commandRefused(wrongType);
    expect(events()).toEqual(["debug command.refused", "warn command.refused", "debug command.refused"]);
    expect(written[2]).toMatchObject({ code: "WRONG_TYPE", suppressed: 499 });
  });

  it("reports refused commands of a healthy endpoint once an interval", () => {
    for (let i = 0; i < 100; i++) log.rejected("QUEUE_FULL");
    vi.advanceTimersByTime(30_000);
    log.rejected("QUEUE_FULL", 5);
    expect(events()).toEqual(["warn commands.rejected", "warn commands.rejected"]);
    expect(written[1]).toMatchObject({ code: "QUEUE_FULL", rejected: 104 });
  });

  it("counts 100,000 failures in well under a second", () => {
    vi.useRealTimers();
    // Processor time: what else the machine does is not counted.
    const before = process.cpuUsage();
    for (let i = 0; i < 100_000; i++) log.commandFailed(refused);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
    expect(log.snapshot()).toMatchObject({ open: true, failed: 100_000, codes: { CONNECTION_REFUSED: 100_000 } });
    expect(events()).toEqual(["error incident.open"]);
    log.closed();
    vi.useFakeTimers();
  });

  it("survives a look from outside that fails", async () => {
    const examine = vi.fn(() => Promise.reject(new Error("not in this bundle")));
    const { info, warn, error, debug } = {
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      debug: write("debug"),
    };
    const other = new IncidentLog({
      logger: { debug, info, warn, error },
      endpoint: "h:1",
      summaryInterval: 30_000,
      waiting: () => 0,
      policy: POLICY,
      examine,
    });
    other.connectionFailed(refused);
    await vi.advanceTimersByTimeAsync(5000);
    expect(examine).toHaveBeenCalledOnce();
    other.closed();
    expect(events()[0]).toBe("error incident.open");
  });

  it("closes an open incident with its owner", () => {
    log.commandFailed(refused);
    log.closed();
    log.closed();
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[1]?.message).toMatch(/the client was closed while the server is unreachable, after \d+ ms/);
  });
});
