/** What the incident log writes, and above all what it does not. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { classify } from "../../src/failure/classify.js";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import type { Code } from "../../src/failure/codes.js";
import type { CommandFailure, Recovery } from "../../src/engine/ports.js";
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
const reset = classify("read ECONNRESET", context);
const lost = classify("Connection is closed.", { ...context, written: true });
const loading = classify("LOADING Redis is loading the dataset in memory", context);
const outOfMemory = classify("OOM command not allowed when used memory > 'maxmemory'.", context);
const readOnly = classify("READONLY You can't write against a read only replica.", context);
const wrongPassword = classify("WRONGPASS invalid username-password pair or user is disabled.", context);
const wrongType = classify("WRONGTYPE Operation against a key holding the wrong kind of value", context);
const noPermission = classify("NOPERM this user has no permissions to run the 'set' command", context);

/** What of the endpoint is in trouble. */
let part: string | undefined;

const POLICY = { profile: "cache", fingerprint: "1a2b3c", text: "policy cache (1a2b3c)" };

let written: Written[];
let log: IncidentLog;
let waiting: number;
let troubled: number;
let tookWrites: number;

/** A caller is told. */
function told(code: Code, more: Partial<CommandFailure> = {}): void {
  log.commandFailed({ command: "incr", code, isUnsent: false, isOutcomeUnknown: false, ...more });
}

/** The server refuses a command, and its caller is told so. */
function refuses(diagnosis: Diagnosis): void {
  log.serverRefused(diagnosis);
  told(diagnosis.code);
}

/** This client does not send a command. */
function rejects(code: Code, times = 1): void {
  for (let i = 0; i < times; i++) told(code, { isUnsent: true });
}

function recovers(more: Partial<Recovery> = {}): void {
  troubled = more.troubled ?? 0;
  log.recovered({ reconnected: true, troubled: 0, server: "unknown", ...more });
}

/** All is well, and stays so. */
function isWell(more: Partial<Recovery> = {}): void {
  recovers(more);
  vi.advanceTimersByTime(1_000);
}

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
  troubled = 1;
  tookWrites = -Infinity;
  part = undefined;
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
    troubled: () => troubled,
    tookWrites: () => tookWrites,
    part: () => part,
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

  it("says what of the endpoint is in trouble, where it is several servers and not all of them are", () => {
    part = "2 of 6 nodes (a:1, b:1)";
    log.connectionFailed(refused);
    vi.advanceTimersByTime(250);
    part = "1 of 6 nodes (a:1)";
    vi.advanceTimersByTime(30_000);
    expect(written[0]?.message).toMatch(/^redis 127\.0\.0\.1:6379: 2 of 6 nodes \(a:1, b:1\) are unreachable: /);
    expect(written[1]?.message).toMatch(/^redis 127\.0\.0\.1:6379: 1 of 6 nodes \(a:1\) is still unreachable after /);
    log.tookOver({ from: "a:1", to: "c:1", as: "the nodes say" });
    isWell();
    expect(written.at(-1)).toMatchObject({ event: "incident.closed", from: "a:1", to: "c:1" });
    expect(written.at(-1)).not.toHaveProperty("as");
    log.tookOver({ from: "c:1", to: "a:1", as: "the nodes say" });
    vi.advanceTimersByTime(10_000);
    expect(written.at(-1)?.message).toBe("redis 127.0.0.1:6379: a:1 took over from c:1, as the nodes say.");
  });

  it("tells a 30 s outage under 20 busy clients in at most 6 lines", () => {
    waiting = 12;
    log.connectionFailed(refused);
    for (let ms = 0; ms < 30_500; ms += 50) {
      for (let client = 0; client < 20; client++) {
        if (ms < 2000) told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true });
        else rejects("CIRCUIT_OPEN");
      }
      if (ms === 2000) log.circuitChanged({ kind: "read-write", state: "open", retryAfter: 1000, cause: refused });
      if (ms % 5000 === 0 && ms > 2000) {
        log.circuitChanged({ kind: "read-write", state: "half-open" });
        log.circuitChanged({ kind: "read-write", state: "open", retryAfter: 2000, cause: refused });
        log.connectionFailed(refused);
      }
      vi.advanceTimersByTime(50);
    }
    for (let i = 0; i < 3; i++) log.retried();
    log.circuitChanged({ kind: "read-write", state: "closed" });
    isWell();

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
    expect(summary).toMatchObject({ waiting: 12, codes: { OUTCOME_UNKNOWN: 800 } });
    expect(closed).toMatchObject({
      failed: 12_200,
      rejected: 11_400,
      retried: 3,
      unknownOutcome: 800,
      durationMs: 30_500,
      probes: 6,
    });
    expect(new Set(written.map((line) => line["incident"])).size).toBe(1);
  });

  it("writes one info line for a connection that is back at once", () => {
    log.connectionFailed(lost);
    vi.advanceTimersByTime(3);
    recovers();
    vi.advanceTimersByTime(30_000);
    expect(events()).toEqual(["info connection.blip"]);
    expect(written[0]?.message).toBe(
      "redis 127.0.0.1:6379: connection lost (CONNECTION_LOST), back after 3 ms; no command failed.",
    );
  });

  it("counts with a short cut what is sent again once it is over", () => {
    log.connectionFailed(lost);
    vi.advanceTimersByTime(3);
    recovers();
    log.retried();
    log.retried();
    vi.advanceTimersByTime(30_000);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({ event: "connection.blip", retried: 2 });
  });

  it("tells a row of cuts in one line, with all that they did", () => {
    for (let i = 0; i < 3; i++) {
      log.connectionFailed(i === 1 ? reset : lost);
      log.retried();
      if (i === 1) told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true });
      vi.advanceTimersByTime(80);
      recovers();
      vi.advanceTimersByTime(420);
    }
    expect(events()).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(events()).toEqual(["warn connection.blip"]);
    expect(written[0]).toMatchObject({ code: "CONNECTION_LOST", times: 3, retried: 3, durationMs: 80, failed: 1 });
    expect(written[0]?.message).toBe(
      "redis 127.0.0.1:6379: connection lost (CONNECTION_LOST) 2, connection reset (CONNECTION_RESET) 1, 3 times in 1.08 s, back after at most 80 ms; 1 command with unknown outcome: INCR. It may have been executed: read what it changes before repeating it.",
    );
  });

  it("does not wait for the end of a row that has none", () => {
    for (let ms = 0; ms < 60_000; ms += 500) {
      log.connectionFailed(lost);
      recovers();
      vi.advanceTimersByTime(500);
    }
    // After 5 s, and an interval later.
    expect(events()).toEqual(["info connection.blip", "info connection.blip"]);
    expect(written[0]?.["times"]).toBe(10);
  });

  it("does not let the first that hurts a command wait behind a line about those that hurt none", () => {
    const cut = (): void => {
      log.connectionFailed(lost);
      recovers();
    };
    cut();
    vi.advanceTimersByTime(2_000);
    log.connectionFailed(lost);
    told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true });
    recovers();
    cut();
    vi.advanceTimersByTime(1_000);
    expect(events()).toEqual(["info connection.blip", "warn connection.blip"]);
    expect(written[1]).toMatchObject({ times: 2, failed: 1 });
  });

  it("does not say of one cut that the endpoint keeps failing, where the look that was due came late", () => {
    log.connectionFailed(lost);
    vi.setSystemTime(Date.now() + 270);
    recovers();
    vi.advanceTimersByTime(1_000);
    expect(events()).toEqual(["info connection.blip"]);
    expect(written[0]?.message).toContain("back after 270 ms");
  });

  it("opens an incident when the connection stays away, without any failed command", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(249);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(events()).toEqual(["error incident.open"]);
  });

  it("says in the opening line what fails fast when a circuit opens it", () => {
    log.circuitChanged({ kind: "write", state: "open", retryAfter: 5000, cause: outOfMemory });
    expect(events()).toEqual(["error incident.open"]);
    expect(written[0]).toMatchObject({ code: "OUT_OF_MEMORY", circuit: "write", retryAfterMs: 5000 });
    expect(written[0]?.message).toContain("refuses writes: out of memory (OUT_OF_MEMORY)");
    expect(written[0]?.message).toContain("Writes now fail fast; next probe in 5 s.");
  });

  it("tells of a circuit that stays open while an incident runs, and of none that was open for a moment", () => {
    const circuit = (state: "open" | "half-open" | "closed"): void =>
      log.circuitChanged({ kind: "read-write", state, retryAfter: 1_300, cause: refused });
    log.connectionFailed(refused);
    vi.advanceTimersByTime(5_000);
    circuit("open");
    vi.advanceTimersByTime(300);
    circuit("closed");
    vi.advanceTimersByTime(2_000);
    expect(events()).toEqual(["error incident.open"]);
    circuit("open");
    vi.advanceTimersByTime(500);
    circuit("half-open");
    circuit("open");
    vi.advanceTimersByTime(500);
    expect(events()).toEqual(["error incident.open", "warn incident.circuit"]);
    expect(written[1]?.message).toBe(
      "redis 127.0.0.1:6379: commands now fail fast (CONNECTION_REFUSED); next probe in 800 ms.",
    );
    vi.advanceTimersByTime(5_000);
    circuit("closed");
    isWell();
    expect(events().slice(2)).toEqual(["info incident.closed"]);
  });

  it("writes a wrong password once, at level fatal, and the end of it", () => {
    for (let i = 0; i < 200; i++) {
      log.commandRefused(wrongPassword);
      vi.advanceTimersByTime(1000);
    }
    isWell();
    expect(events()).toEqual(["fatal incident.open", "info incident.closed"]);
  });

  it("counts those whose callers were told of it just before the log was", () => {
    told("AUTH_WRONG");
    told("AUTH_WRONG");
    vi.advanceTimersByTime(5);
    log.connectionFailed(wrongPassword);
    log.closed();
    expect(written.at(-1)).toMatchObject({ event: "incident.closed", failed: 2, codes: { AUTH_WRONG: 2 } });
  });

  it("uses error where a logger has no fatal", () => {
    const lines: string[] = [];
    const plain = (_fields: object, message: string): void => void lines.push(message);
    const poor = new IncidentLog({
      logger: { debug: plain, info: plain, warn: plain, error: plain },
      endpoint: "x",
      summaryInterval: 1000,
      waiting: () => 0,
      troubled: () => 1,
      tookWrites: () => -Infinity,
      policy: POLICY,
    });
    poor.commandRefused(wrongPassword);
    poor.closed();
    expect(lines[0]).toContain("AUTH_WRONG");
  });

  it("still opens an outage that comes after a credential fault", () => {
    log.commandRefused(wrongPassword);
    log.connectionFailed(refused);
    vi.advanceTimersByTime(250);
    log.connectionFailed(refused);
    expect(events()).toEqual(["fatal incident.open", "error incident.open"]);
    expect(written[1]).toMatchObject({ code: "CONNECTION_REFUSED" });
  });

  it("says what the incident has become, once that lasts, and its summaries say so too", () => {
    refuses(refused);
    vi.advanceTimersByTime(29_000);
    refuses(loading);
    vi.advanceTimersByTime(300);
    refuses(loading);
    vi.advanceTimersByTime(700);
    expect(events()).toEqual(["error incident.open", "warn incident.changed", "warn incident.summary"]);
    expect(written[1]).toMatchObject({ code: "LOADING", durationMs: 29_300 });
    expect(written[1]?.message).toContain("cannot serve commands now, after 29 s: loading its data (LOADING).");
    expect(written[2]?.message).toBe(
      "redis 127.0.0.1:6379 still cannot serve commands after 30 s: 3 failed (CONNECTION_REFUSED 1, LOADING 2), 0 retried, 0 waiting.",
    );
  });

  it("never says the same of two moments", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(600_000);
    const said = written.map(({ message }) => message);
    expect(said).toHaveLength(20);
    expect(new Set(said).size).toBe(said.length);
    expect(said[5]).toContain("is still unreachable after 2 min 30 s:");
    expect(said[6]).toContain("is still unreachable after 3 min:");
  });

  it("begins with the first sign of trouble, and counts what failed since", () => {
    vi.advanceTimersByTime(60_000);
    told("DEADLINE");
    vi.advanceTimersByTime(10_000);
    told("DEADLINE", { isOutcomeUnknown: true });
    vi.advanceTimersByTime(2_000);
    log.connectionFailed(lost, Date.now() - 5_000);
    told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true });
    vi.advanceTimersByTime(7_000);
    isWell({ server: "same" });
    expect(events()).toEqual(["warn commands.failed", "error incident.open", "info incident.closed"]);
    expect(written[0]).toMatchObject({ code: "DEADLINE", failed: 1, unknownOutcome: 0 });
    expect(written[2]).toMatchObject({
      durationMs: 12_000,
      failed: 2,
      unknownOutcome: 2,
      unknownCommands: { incr: 2 },
      server: "same",
      codes: { DEADLINE: 1, OUTCOME_UNKNOWN: 1 },
    });
    expect(written[2]?.message).toContain("recovered after 12 s");
    expect(written[2]?.message).toContain("The same server process answers: it was not restarted.");
  });

  it("says of a cut that hurt somebody which commands are in doubt, in one line, and tells all of them", () => {
    const cut = (...commands: string[]): void => {
      log.connectionFailed(lost);
      for (const command of commands) told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true, command });
      vi.advanceTimersByTime(63);
      recovers();
    };
    cut("incr");
    vi.advanceTimersByTime(1_000);
    expect(events()).toEqual(["warn connection.blip"]);
    expect(written[0]?.message).toBe(
      "redis 127.0.0.1:6379: connection lost (CONNECTION_LOST), back after 63 ms; 1 command with unknown outcome: INCR. It may have been executed: read what it changes before repeating it.",
    );
    cut("incr", "lpush");
    vi.advanceTimersByTime(4_000);
    cut("incr", "lpush");
    vi.advanceTimersByTime(30_000);
    expect(events()).toEqual(["warn connection.blip", "warn connection.blip"]);
    expect(written[1]).toMatchObject({
      times: 2,
      failed: 4,
      unknownOutcome: 4,
      unknownCommands: { incr: 2, lpush: 2 },
    });
    expect(written[1]?.message).toContain(
      "2 times in 4.13 s, the last 26 s ago, back after at most 63 ms; 4 commands with unknown outcome",
    );
  });

  it("counts what was under way when all was well again, and begins anew with what comes then", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(1_000);
    recovers({ server: "restarted" });
    vi.advanceTimersByTime(400);
    told("DEADLINE", { isOutcomeUnknown: true });
    expect(events()).toEqual(["error incident.open"]);
    troubled = 1;
    log.connectionFailed(lost);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[1]).toMatchObject({ durationMs: 1_000, recoveryMs: 1_000, server: "restarted", failed: 1 });
    expect(written[1]?.message).toContain(
      "1 failed (DEADLINE 1), 1 with unknown outcome: INCR, 0 retried. Back 1 s after",
    );
    vi.advanceTimersByTime(300);
    recovers();
    log.closed();
    expect(events().slice(2)).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[3]).toMatchObject({ ending: "recovered", durationMs: 300, failed: 0 });
  });

  it("tells of what failed after its closing line, and of what fails while nothing is wrong", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(1_000);
    isWell();
    told("DEADLINE", { isOutcomeUnknown: true });
    told("DEADLINE", { command: "get" });
    vi.advanceTimersByTime(9_000);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    vi.advanceTimersByTime(1_000);
    expect(events().slice(2)).toEqual(["warn commands.failed"]);
    expect(written[2]).toMatchObject({ code: "DEADLINE", failed: 2, unknownOutcome: 1, codes: { DEADLINE: 2 } });
    expect(written[2]?.message).toContain("2 commands failed while no outage was under way (DEADLINE 2)");
    for (let i = 0; i < 100; i++) {
      told("DEADLINE", { command: "get" });
      vi.advanceTimersByTime(100);
    }
    vi.advanceTimersByTime(30_000);
    expect(events().slice(3)).toEqual(["warn commands.failed"]);
    expect(written[3]).toMatchObject({ failed: 100 });
    told("DEADLINE");
    log.closed();
    expect(written[4]).toMatchObject({ event: "commands.failed", failed: 1 });
  });

  it("leaves to the caller what the server says of one command", () => {
    for (const code of ["WRONG_TYPE", "UNKNOWN", "MOVED"] as const) told(code);
    log.closed();
    expect(events()).toEqual([]);
  });

  it("waits for the other clients of the endpoint before it says that all is well", () => {
    log.connectionFailed(refused);
    vi.advanceTimersByTime(1_000);
    recovers({ troubled: 2 });
    told("CIRCUIT_OPEN", { isUnsent: true });
    vi.advanceTimersByTime(100);
    expect(events()).toEqual(["error incident.open"]);
    isWell({ troubled: 0 });
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[1]).toMatchObject({ failed: 1, durationMs: 1_000 });
  });

  it("ends an incident of late replies when they come again on the same connection", () => {
    troubled = 0;
    log.connectionFailed(lost, Date.now() - 1_000);
    expect(events()).toEqual(["error incident.open"]);
    vi.advanceTimersByTime(600);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
  });

  it("speaks of no failed attempt where a silence was answered in time after all", () => {
    vi.advanceTimersByTime(60_000);
    log.connectionFailed(lost, Date.now() - 2_000);
    vi.advanceTimersByTime(2_000);
    isWell({ reconnected: false });
    expect(written.at(-1)?.message).toContain("recovered after 4 s");
    expect(written.at(-1)?.message).not.toContain("attempt");
  });

  it("spends the look from outside on what lasts", async () => {
    const examine = vi.fn(() => new Promise<undefined>((resolve) => setTimeout(resolve, 1_000, undefined)));
    const other = new IncidentLog({
      logger: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
      endpoint: "h:1",
      summaryInterval: 30_000,
      waiting: () => 0,
      troubled: () => 1,
      tookWrites: () => -Infinity,
      policy: POLICY,
      now: () => Date.now(),
      examine,
    });
    const outage = async (lasting: number): Promise<void> => {
      other.connectionFailed(refused);
      await vi.advanceTimersByTimeAsync(lasting);
      other.recovered({ reconnected: true, troubled: 0, server: "unknown" });
      await vi.advanceTimersByTimeAsync(2_000);
    };
    await outage(500);
    await outage(3_000);
    expect(examine).toHaveBeenCalledTimes(2);
    await outage(3_000);
    expect(examine).toHaveBeenCalledTimes(2);
    other.closed();
  });

  it("ends refused writes by itself when an interval passes without one", () => {
    refuses(outOfMemory);
    vi.advanceTimersByTime(30_000);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
  });

  it("ends refused writes two seconds after the last refusal, once a write was taken since", () => {
    refuses(readOnly);
    vi.advanceTimersByTime(3000);
    refuses(readOnly);
    vi.advanceTimersByTime(10_000);
    expect(events()).toEqual(["error incident.open"]);
    tookWrites = Date.now();
    vi.advanceTimersByTime(1000);
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[1]).toMatchObject({ ending: "quiet", durationMs: 3000 });
    expect(written[1]?.message).toContain("no more failures after 3 s (READ_ONLY_REPLICA)");
  });

  it("waits for the interval where a server has no memory: another write says nothing of the next", () => {
    refuses(outOfMemory);
    tookWrites = Date.now();
    vi.advanceTimersByTime(20_000);
    expect(events()).toEqual(["error incident.open"]);
  });

  it("does not end an unreachable endpoint's incident because nobody asked", () => {
    refuses(refused);
    vi.advanceTimersByTime(90_000);
    expect(events()).toEqual([
      "error incident.open",
      "warn incident.summary",
      "warn incident.summary",
      "warn incident.summary",
    ]);
  });

  it("gathers the outages of a flapping endpoint, tells all that they did, and stays awake for what is worse", () => {
    const outage = (diagnosis: Diagnosis, lasting: number): void => {
      troubled = 1;
      log.connectionFailed(diagnosis);
      told("OUTCOME_UNKNOWN", { isOutcomeUnknown: true });
      vi.advanceTimersByTime(lasting);
      recovers();
      vi.advanceTimersByTime(500);
    };
    for (let i = 0; i < 25; i++) outage(lost, 500);
    const opened = ["error incident.open", "info incident.closed"];
    expect(events()).toEqual([...opened, ...opened, ...opened, "warn incident.flapping"]);
    expect(written[6]?.message).toContain(
      "keeps failing and recovering (CONNECTION_LOST): 5 times in 4.5 s, away for at most 500 ms",
    );
    outage(refused, 500);
    outage(lost, 2_500);
    vi.advanceTimersByTime(60_000);
    const flaps = [...opened, ...opened, ...opened, "warn incident.flapping"];
    expect(events()).toEqual([...flaps, ...opened, ...opened, "warn incident.flapping"]);
    const failed = written.reduce((sum, line) => sum + (line.level === "error" ? 0 : Number(line["failed"] ?? 0)), 0);
    expect(failed).toBe(27);
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
    for (let i = 0; i < 100; i++) rejects("QUEUE_FULL");
    vi.advanceTimersByTime(30_000);
    rejects("QUEUE_FULL", 5);
    expect(events()).toEqual(["warn commands.rejected", "warn commands.rejected"]);
    expect(written[1]).toMatchObject({ code: "QUEUE_FULL", rejected: 99 });
    log.closed();
    expect(written[2]).toMatchObject({ code: "QUEUE_FULL", rejected: 5 });
  });

  it("counts 100,000 failures in well under a second", () => {
    vi.useRealTimers();
    // Processor time: what else the machine does is not counted.
    const before = process.cpuUsage();
    for (let i = 0; i < 100_000; i++) refuses(refused);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
    expect(events()).toEqual(["error incident.open"]);
    log.closed();
    expect(written[1]).toMatchObject({
      event: "incident.closed",
      failed: 100_000,
      codes: { CONNECTION_REFUSED: 100_000 },
    });
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
      troubled: () => 1,
      tookWrites: () => -Infinity,
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
    refuses(refused);
    log.closed();
    log.closed();
    expect(events()).toEqual(["error incident.open", "info incident.closed"]);
    expect(written[1]?.message).toMatch(/the client was closed \d+ ms into this incident \(CONNECTION_REFUSED\): /);
  });
});
