/** The events of an endpoint: each type, with what it holds, by listener and by channel; and that nobody's events cost nothing. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { EventObserver } from "../../src/observe/event-observer.js";
import { CHANNEL, EventHub, type ResilienceEvent } from "../../src/observe/events.js";
import { SILENT } from "../../src/observe/guarded-logger.js";
import { IncidentLog } from "../../src/observe/incident.js";
import { Observers } from "../../src/observe/observers.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

const endpoint = "127.0.0.1:6379";
const refused = classify("connect ECONNREFUSED 127.0.0.1:6379");
const loading = classify("LOADING Redis is loading the dataset in memory");

let hub: EventHub;
let observer: Observers;
let thrown: unknown[];

beforeEach(() => {
  vi.useFakeTimers();
  thrown = [];
  hub = new EventHub((error) => thrown.push(error));
  const log = new IncidentLog({
    logger: SILENT,
    endpoint,
    summaryInterval: 30_000,
    waiting: () => 0,
    troubled: () => 1,
    tookWrites: () => -Infinity,
    policy: { profile: "production", fingerprint: "x", text: "x" },
    hub,
    now: () => Date.now(),
  });
  observer = new Observers(log, new EventObserver(endpoint, hub));
});

afterEach(() => {
  observer.closed();
  vi.useRealTimers();
});

/** A server that goes, loads, and is another one when it is back. */
function outage(): void {
  observer.connectionFailed(refused);
  observer.commandFailed({ command: "incr", code: "OUTCOME_UNKNOWN", isUnsent: false, isOutcomeUnknown: true });
  observer.circuitChanged({ kind: "read-write", state: "open", retryAfter: 500, cause: refused });
  observer.commandFailed({ command: "get", code: "CIRCUIT_OPEN", isUnsent: true, isOutcomeUnknown: false });
  vi.advanceTimersByTime(1_000);
  observer.serverRefused(loading);
  vi.advanceTimersByTime(300);
  observer.serverRefused(loading);
  observer.reconnected({ away: 1_300.4, server: "other" });
  observer.circuitChanged({ kind: "read-write", state: "closed" });
  observer.recovered({ reconnected: false, troubled: 0, server: "other" });
  vi.advanceTimersByTime(1_000);
}

describe("events", () => {
  it("tell an outage from its opening to its end, each with the facts of its type", () => {
    const heard: ResilienceEvent[] = [];
    hub.add((event) => heard.push(event));
    outage();
    const incident: unknown = expect.stringMatching(/^\w{1,6}$/);
    expect(heard).toEqual([
      { type: "command.outcomeUnknown", endpoint, command: "incr", code: "OUTCOME_UNKNOWN" },
      { type: "incident.opened", endpoint, incident, code: "CONNECTION_REFUSED", diagnosis: refused },
      {
        type: "circuit.changed",
        endpoint,
        circuit: "read-write",
        state: "open",
        code: "CONNECTION_REFUSED",
        retryAfterMs: 500,
      },
      { type: "command.refused", endpoint, command: "get", code: "CIRCUIT_OPEN" },
      { type: "incident.changed", endpoint, incident, code: "LOADING", diagnosis: loading },
      { type: "reconnected", endpoint, awayMs: 1_300, server: "other" },
      { type: "failedOver", endpoint, awayMs: 1_300 },
      { type: "circuit.changed", endpoint, circuit: "read-write", state: "closed" },
      {
        type: "incident.closed",
        endpoint,
        incident,
        code: "CONNECTION_REFUSED",
        ending: "recovered",
        durationMs: 1_300,
        failed: 2,
        rejected: 1,
        unknownOutcome: 1,
        retried: 0,
        fallbacks: 0,
        codes: { OUTCOME_UNKNOWN: 1, CIRCUIT_OPEN: 1 },
      },
    ]);
  });

  it("are the same on the channel, without a listener", () => {
    const published: unknown[] = [];
    const subscriber = (message: unknown): void => void published.push(message);
    subscribe(CHANNEL, subscriber);
    outage();
    unsubscribe(CHANNEL, subscriber);
    expect(published).toHaveLength(9);
  });

  it("are not built while nobody listens", () => {
    const tell = vi.spyOn(hub, "tell");
    outage();
    expect(tell).not.toHaveBeenCalled();
  });

  it("reach the others when one listener throws, which is reported", () => {
    let heard = 0;
    hub.add(() => {
      throw new Error("mine");
    });
    hub.add(() => heard++);
    outage();
    expect(heard).toBe(9);
    expect(thrown).toHaveLength(9);
  });
});
