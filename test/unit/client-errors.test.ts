/** What errors say where a number would be 0: "open for 0 ms" and "next probe in 0 ms" tell nobody anything. */
import { describe, expect, it } from "vitest";
import { Breaker } from "../../src/endpoint/breaker.js";
import { circuitOpen, deadlineWaiting } from "../../src/engine/client-errors.js";
import { classify } from "../../src/failure/classify.js";
import { circuitOpened, clientFailsFast, opening } from "../../src/observe/incident-lines.js";
import { makeCall } from "./call-factory.js";

const cause = classify("connect ECONNREFUSED 127.0.0.1:6379");

const POLICY = {
  downAfter: 2_000,
  errorThresholdPercentage: 50,
  volumeThreshold: 20,
  rollingCountTimeout: 10_000,
  resetTimeout: 1_000,
  maxResetTimeout: 4_000,
  probeTimeout: 500,
};

function told(openFor: number, retryAfter: number): string {
  const circuit = new Breaker("read-write", POLICY, { probe: () => Promise.resolve(false), changed: () => undefined });
  circuit.trip(cause);
  const at = circuit.changedAt + openFor;
  const { message } = circuitOpen(
    makeCall(),
    { label: "h:1", at, context: {}, cause: undefined },
    circuit,
    retryAfter,
    at,
  );
  circuit.shutdown();
  return message;
}

describe("a circuit that has just opened", () => {
  it("says so, and that somebody asks the server now", () => {
    expect(told(0, 0)).toMatch(/the circuit for h:1 has just opened\..*A probe is under way\.$/);
    expect(told(20, 300)).toMatch(/has been open for 20 ms\..*Next probe in 300 ms\.$/);
  });

  it("is told so in the log", () => {
    const circuit = { kind: "read-write", retryAfter: 0 } as const;
    for (const { message } of [
      circuitOpened("h:1", "x", circuit, cause),
      opening("h:1", "x", cause, circuit),
      clientFailsFast("h:1", "x", 0, cause),
    ]) {
      expect(message).toMatch(/probing now|dialling now/);
      expect(message).not.toContain(" 0 ms");
    }
  });
});

describe("the last connection error", () => {
  it("ends its sentence once, also where it is one itself", () => {
    const snapshot = (text: string) => ({ label: "h:1", at: 10, context: {}, cause: new Error(text) });
    const said = (text: string): string => deadlineWaiting(makeCall(), snapshot(text), 10).message;
    expect(said('Unknown RESP type 62 ">". Please report this.')).toMatch(/Please report this\.(?!\.)/);
    expect(said("connect ECONNREFUSED 127.0.0.1:1")).toContain("ECONNREFUSED 127.0.0.1:1.");
  });
});
