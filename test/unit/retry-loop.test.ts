import { afterEach, describe, expect, it, vi } from "vitest";
import { clock } from "../../src/clock.js";
import type { Call } from "../../src/engine/call.js";
import { ConnectionState } from "../../src/engine/connection-state.js";
import { RetryLoop } from "../../src/engine/retry-loop.js";
import { eventually } from "../helpers/eventually.js";
import { makeCall } from "./call-factory.js";

const POLICY = { retries: 3, minTimeout: 5, maxTimeout: 20, factor: 2, ambiguous: "safe", budget: false } as const;
/** A backoff that no test waits for. */
const LONG = { ...POLICY, minTimeout: 60_000, maxTimeout: 60_000 } as const;
const REFUSED = new Error("LOADING");

let loop: RetryLoop | undefined;
let connection: ConnectionState;
let released = 0;
afterEach(() => {
  loop?.stop();
  vi.restoreAllMocks();
});

/** A loop on an open connection; `probe` says what is let go. */
function make(probe: () => Call | undefined, policy: typeof POLICY | typeof LONG = POLICY): RetryLoop {
  released = 0;
  connection = new ConnectionState();
  connection.connected(false);
  connection.released();
  loop = new RetryLoop(policy, connection, {
    probe: () => {
      const call = probe();
      return call === undefined ? [] : [call];
    },
    release: () => {
      released++;
    },
  });
  return loop;
}

describe("a backoff", () => {
  it("holds until its delay is over, and is one for all that join it", async () => {
    const retry = make(() => undefined);
    for (let i = 0; i < 10; i++) retry.hold(REFUSED, false);
    expect(retry.isHolding).toBe(true);
    expect(connection.isPausedOnlyBy("backoff")).toBe(true);
    expect(released).toBe(0);
    await eventually(() => expect(released).toBe(1));
    expect(retry.isHolding).toBe(false);
    expect(connection.isPausedBy("backoff")).toBe(false);
  });

  it("begins again when the server refuses again, and ends with the first good answer", async () => {
    const calls: Call[] = [];
    const retry = make(() => {
      const call = makeCall();
      calls.push(call);
      return call;
    });
    retry.hold(REFUSED, false);
    for (let round = 1; round <= 3; round++) {
      await eventually(() => expect(calls).toHaveLength(round));
      expect(retry.isHolding).toBe(true);
      const refused = calls.at(-1);
      if (refused !== undefined) retry.probeRefused(refused);
      retry.hold(REFUSED, false);
    }
    await eventually(() => expect(calls).toHaveLength(4));
    expect(released).toBe(0);
    calls.at(-1)?.close();
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(1);
    retry.hold(REFUSED, false);
    await eventually(() => expect(calls).toHaveLength(5));
  });

  it("ends at once when the connection goes, and can begin again on the next", async () => {
    const retry = make(() => undefined);
    retry.hold(REFUSED, false);
    retry.stop();
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(0);
    retry.hold(REFUSED, false);
    await eventually(() => expect(released).toBe(1));
  });

  it("leaves alone who else waits for the call that was let go", async () => {
    const call = makeCall();
    let told = 0;
    call.whenSettled(() => told++);
    let probes = 0;
    const retry = make(() => {
      probes++;
      return call;
    });
    retry.hold(REFUSED, false);
    await eventually(() => expect(probes).toBe(1));
    call.whenSettled(() => told++);
    call.close();
    expect(retry.isHolding).toBe(false);
    expect(told).toBe(2);
  });

  it("says when it ends, as long as it runs", async () => {
    vi.spyOn(clock, "random").mockReturnValue(1);
    const retry = make(() => undefined, LONG);
    expect(retry.backoffUntil).toBe(0);
    const before = performance.now();
    retry.hold(REFUSED, false);
    await eventually(() => expect(retry.backoffUntil).toBeGreaterThanOrEqual(before + 60_000));
    expect(retry.backoffUntil).toBeLessThanOrEqual(performance.now() + 60_000);
    retry.stop();
    expect(retry.backoffUntil).toBe(0);
  });
});

describe("a backoff that was cut with its connection", () => {
  /** In a later turn, as connections are made. */
  async function reconnect(): Promise<void> {
    connection.lost();
    await new Promise((resolve) => setImmediate(resolve));
    connection.connected(false);
  }

  it("lets one command go first on the next connection, and everything after its good answer", async () => {
    vi.spyOn(clock, "random").mockReturnValue(1);
    const calls: Call[] = [];
    const retry = make(() => {
      const call = makeCall();
      calls.push(call);
      return call;
    }, LONG);
    retry.hold(REFUSED, true);
    await eventually(() => expect(retry.backoffUntil).toBeGreaterThan(0));
    retry.cut(false);
    expect(retry.isHolding).toBe(false);
    await reconnect();
    expect(retry.resume()).toBe(true);
    expect(retry.isHolding).toBe(true);
    expect(retry.writesOnly).toBe(true);
    await eventually(() => expect(calls).toHaveLength(1));
    expect(released).toBe(0);
    calls[0]?.close();
    expect(retry.isHolding).toBe(false);
    expect(released).toBe(1);
  });

  it("holds nothing on the next connection where nothing was held", async () => {
    const retry = make(() => undefined);
    retry.cut(false);
    await reconnect();
    expect(retry.resume()).toBe(false);
    expect(connection.mayRelease).toBe(true);
  });

  it("is resumed also when refusals were not decided yet, but once only", async () => {
    const retry = make(() => makeCall());
    retry.cut(true);
    await reconnect();
    expect(retry.resume()).toBe(true);
    retry.finish();
    await eventually(() => expect(released).toBe(1));
    retry.cut(false);
    await reconnect();
    expect(retry.resume()).toBe(false);
  });
});
