/** When the clients of one server fail fast together, and when only one of them does. */
import { afterEach, expect, it } from "vitest";
import { clock } from "../../src/clock.js";
import { DialPace } from "../../src/endpoint/dial-pace.js";
import { Endpoint, type Member } from "../../src/endpoint/endpoint.js";
import type { Observer } from "../../src/engine/ports.js";
import type { Diagnosis } from "../../src/failure/diagnosis.js";
import { resolveSources } from "../../src/policy/resolve.js";

const CAUSE = { code: "CONNECTION_REFUSED", title: "refused", breaker: "read-write" } as Diagnosis;

let told: string[] = [];
let endpoint: Endpoint;

function open(): void {
  told = [];
  const { policy } = resolveSources({ resilience: { profile: "production" }, redis: {} });
  const observer = {
    clientFailsFast: () => told.push("client"),
    circuitChanged: ({ state }: { state: string }) => told.push(state),
    closed: () => undefined,
  } as unknown as Observer;
  endpoint = new Endpoint("redis:6379", policy, new DialPace(), () => observer);
}
afterEach(() => endpoint.stop());

/** A client that has had no connection for so long. Milliseconds. */
function away(since: number, downAfter: number, more: Partial<Member> = {}): Member {
  const member = {
    isReady: false,
    downSince: clock.now() - since,
    downAfter,
    downCause: since >= downAfter ? CAUSE : undefined,
    retryIn: () => 100,
    circuitOpened: () => undefined,
    ...more,
  } as unknown as Member;
  endpoint.add(member);
  return member;
}

it("says that one client fails fast while a more patient one still waits, and the circuit opens when that one leaves", () => {
  open();
  const hasty = away(500, 300);
  const patient = away(500, 60_000);
  endpoint.unreachable(CAUSE, hasty);
  expect(told).toEqual(["client"]);
  endpoint.remove(patient);
  expect(told).toEqual(["client", "open"]);
});

it("leaves the circuit closed when somebody leaves while others are connected, or nobody fails fast", () => {
  open();
  const patient = away(500, 60_000);
  const waiting = away(500, 1_000);
  endpoint.remove(patient);
  const connected = away(0, 0, { isReady: true, downSince: undefined });
  const another = away(0, 0, { isReady: true, downSince: undefined });
  away(500, 300);
  endpoint.remove(another);
  endpoint.remove(waiting);
  expect(told).toEqual([]);
  endpoint.remove(connected);
  expect(told).toEqual(["open"]);
});

it("says nothing of a client whose commands wait for ever", () => {
  open();
  away(0, 0, { isReady: true, downSince: undefined });
  endpoint.unreachable(CAUSE, away(500, 0, { downCause: undefined }));
  expect(told).toEqual([]);
});
