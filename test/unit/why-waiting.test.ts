/** Why a command waited in vain: what is known of the connection decides, the weightiest first. */
import { describe, expect, it } from "vitest";
import type { FailureSnapshot } from "../../src/engine/failure-snapshot.js";
import { whyWaiting } from "../../src/engine/why-waiting.js";
import type { FailureContext } from "../../src/failure/diagnosis.js";

const READONLY = new Error("READONLY You can't write against a read only replica.");
const REFUSAL = { error: READONLY, since: 0, writesOnly: true, againAt: 0 };

function sentenceOf(context: FailureContext, more: Partial<FailureSnapshot> = {}): string {
  return whyWaiting({ label: "h:1", at: 0, context, cause: undefined, ...more }).sentence;
}

function connection(silentMs: number): NonNullable<FailureContext["connection"]> {
  return { ageMs: 9_000, bytesRead: 100, silentMs, everReady: true };
}

describe(whyWaiting, () => {
  it.each<[string, string, FailureContext, Partial<FailureSnapshot>]>([
    [
      "what went wrong with the connection",
      "Last connection error: read ECONNRESET",
      {},
      { cause: new Error("read ECONNRESET") },
    ],
    [
      "an error of several lines, in one and with one full stop",
      "Last connection error: SSL alert number 116",
      { phase: "connect" },
      { cause: new Error("SSL alert\n number 116\n") },
    ],
    [
      "what the server said when it closed the door",
      "The server's last words were: ERR max number of clients reached",
      { phase: "connect", connection: { everReady: false, lastWords: "ERR max number of clients reached" } },
      { cause: new Error("write EPIPE") },
    ],
    [
      "a server that refuses writes",
      `The server refuses writes for now: ${READONLY.message.slice(0, -1)}`,
      { phase: "ready", connection: connection(0) },
      { refusal: REFUSAL },
    ],
    [
      "a server that refuses everything",
      "The server refuses commands for now: LOADING Redis is loading",
      { phase: "ready" },
      { refusal: { ...REFUSAL, error: new Error("LOADING Redis is loading"), writesOnly: false } },
    ],
    [
      "a silent connection, since the reply was due",
      "No reply has come over the connection to h:1 for 1.2 s while replies are due",
      { phase: "ready", connection: connection(1_200), head: { command: "get", forMs: 3_000, behind: 4 } },
      {},
    ],
    [
      "a blocking command, to which nothing is owed yet",
      "BLPOP has the connection to itself, for 3 s so far",
      { phase: "ready", connection: connection(3_000), head: { command: "blpop", forMs: 3_000, behind: 0 } },
      {},
    ],
    ["an attempt that was not accepted yet", "h:1 has not accepted the connection yet", { phase: "connect" }, {}],
    ["a handshake that is under way", "h:1 has not finished the handshake yet", { phase: "handshake" }, {}],
  ])("names %s", (_, sentence, context, more) => {
    expect(sentenceOf(context, more)).toBe(` ${sentence}.`);
  });

  it("says nothing of a connection that answers, or has only just been asked", () => {
    expect(sentenceOf({ phase: "ready", connection: connection(5) })).toBe("");
    const head = { command: "get", forMs: 20, behind: 0 };
    expect(sentenceOf({ phase: "ready", connection: connection(9_000), head })).toBe("");
  });
});
