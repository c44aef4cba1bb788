/**
 * A client ends when it is told to, in every state, with everything that can wait: at once where nothing can be expected any more,
 * and then its process ends by itself. Each state is looked at in a process of its own.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runScript } from "../helpers/child.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

interface Ended {
  readonly ending: string;
  readonly waiting: string;
  readonly outcome: { readonly value?: string; readonly error?: string };
  /** Milliseconds from the call to the event `end`, and until everything that waited had settled. */
  readonly endAfter: number;
  readonly settledAfter: number;
  readonly outcomes: readonly { readonly value?: string; readonly error?: string }[];
  readonly status: string;
}

/** With the child's own deadline of 1500 ms. */
const AT_ONCE = 700;
const WITH_THE_DEADLINE = 2_600;

/** What the state allows: `at once`, or waiting for an answer that may still come. */
const STATES: Readonly<Record<string, number>> = {
  wait: AT_ONCE,
  connecting: AT_ONCE,
  // The first attempt may succeed yet.
  connect: WITH_THE_DEADLINE,
  ready: AT_ONCE,
  reconnecting: AT_ONCE,
  "circuit open": AT_ONCE,
  "waits for ever": AT_ONCE,
  blocked: AT_ONCE,
  draining: AT_ONCE,
  // Nothing says that it is more than slow.
  frozen: WITH_THE_DEADLINE,
  "sentinel lookup": WITH_THE_DEADLINE,
  "sentinel refused": AT_ONCE,
  lanes: AT_ONCE,
};

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

describe("quit(), close() and disconnect()", () => {
  it.each(Object.entries(STATES))("end a client and its process in the state: %s", async (state, limit) => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const args = [entry, state, String(redis.port), String(await freePort())];
    const { stdout, stderr, code, timedOut, unhandled, elapsed } = await runScript(
      fileURLToPath(new URL("ends-child.mjs", import.meta.url)),
      { args },
    );
    expect({ stderr, code, timedOut, unhandled }).toEqual({ stderr: "", code: 0, timedOut: false, unhandled: [] });
    const { results, lasted } = JSON.parse(stdout) as { results: Ended[]; lasted: number };
    expect(results).toHaveLength(9);
    for (const { ending, waiting, outcome, endAfter, settledAfter, status } of results) {
      const where = `${ending} with ${waiting}`;
      expect([where, status]).toEqual([where, "end"]);
      expect([where, endAfter < limit, settledAfter < limit]).toEqual([where, true, true]);
      if (ending === "disconnect") expect([where, endAfter < AT_ONCE]).toEqual([where, true]);
      // QUIT has what it wanted, unless another one was first.
      if (ending === "quit")
        expect(outcome).toMatchObject(state === "draining" ? { error: "CLIENT_CLOSED" } : { value: "OK" });
    }
    // Nothing of the clients keeps the process.
    expect(elapsed - lasted).toBeLessThan(1_500);
  });

  it("do not lose what can still be done", async () => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    for (const state of ["wait", "connecting", "ready"]) {
      const args = [entry, state, String(redis.port), "1"];
      const { stdout } = await runScript(fileURLToPath(new URL("ends-child.mjs", import.meta.url)), { args });
      const { results } = JSON.parse(stdout) as { results: Ended[] };
      for (const { ending, waiting, outcomes } of results) {
        if (ending === "disconnect" || waiting !== "commands") continue;
        expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
      }
    }
  });
});
