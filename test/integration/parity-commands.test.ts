/** Replies and errors of every command family under the options that change how a command travels or what becomes of its reply. */
import { describe, expect, it } from "vitest";
import { BLOCKING, FAMILIES } from "./parity-cases.js";
import { atOnce, expectParity, inTurn, invoke, IS_V6, useServers, type Options, type Step } from "./parity-harness.js";

useServers();

const WAYS: Readonly<Record<string, Options>> = {
  "default options": {},
  "a key prefix": { keyPrefix: "app:" },
  "automatic pipelining": { enableAutoPipelining: true },
  stringNumbers: { stringNumbers: true },
  "friendly error stacks": { showFriendlyErrorStack: true },
  "another database": { db: 3 },
  "a read-only connection": { readOnly: true },
  ...(IS_V6
    ? {
        "protocol 2": { protocol: 2 },
        "the resp3 reply mapping": { replyMapping: "resp3" },
        "the resp3 reply mapping and stringNumbers": { replyMapping: "resp3", stringNumbers: true },
      }
    : {}),
};

const families = Object.entries(FAMILIES);

/** In an automatic pipeline ioredis loses the command's name of `callBuffer` and sends its first argument instead. */
function answered(steps: readonly Step[], { enableAutoPipelining }: Options): readonly Step[] {
  return enableAutoPipelining === true ? steps.filter((step) => step[0] !== "callBuffer") : steps;
}

describe.each(Object.entries(WAYS))("with %s, one after the other", (_way, options) => {
  it.each(families)("answers %s as ioredis does", async (_family, steps) => {
    const asked = answered(steps, options);
    const seen = await expectParity((side) => inTurn(side.open(options), asked));
    expect(seen).toHaveLength(asked.length);
  });
});

describe.each(Object.entries(WAYS).slice(0, 3))("with %s, all in one tick", (_way, options) => {
  it.each(families)("answers %s as ioredis does", async (_family, steps) => {
    const asked = answered(unswitched(steps), options);
    const seen = await expectParity((side) => atOnce(side.open(options), asked));
    expect(seen).toHaveLength(asked.length);
  });
});

describe("in a pipeline", () => {
  it.each(families)("answers %s as ioredis does", async (_family, steps) => {
    await expectParity(({ open }) => {
      const pipeline = open().pipeline();
      for (const [method, ...args] of unswitched(steps).map(toArray)) {
        // `send_command` does not exist in a pipeline.
        invoke(pipeline, [method === "send_command" ? "call" : method, ...args]);
      }
      return pipeline.exec();
    });
  });
});

describe("commands that block at the server", () => {
  it("answer as with ioredis", async () => {
    await expectParity((side) => inTurn(side.open(), BLOCKING));
  });

  it("answer in a pipeline and in a transaction as with ioredis", async () => {
    await expectParity(({ open }) =>
      Promise.all([
        open().pipeline(BLOCKING.slice(0, 5).map(toArray)).exec(),
        open({ keyPrefix: "other:" }).multi(BLOCKING.slice(0, 5).map(toArray)).exec(),
      ]),
    );
  });
});

describe("what the server quotes", () => {
  it("is left out of the one message that repeats a command's arguments", async () => {
    await expectParity(async (side) => {
      const error: unknown = await side
        .open()
        .call("NOSUCHCOMMAND", "confidential")
        .catch((thrown: unknown) => thrown);
      const { message } = error as Error;
      expect(message.includes("confidential")).toBe(!side.isOurs);
      return error;
    });
  });
});

/** Without what changes the connection itself: which of two such commands in one tick wins is no question of replies. */
function unswitched(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step) => typeof step !== "string" || !/^(client|select|reset) /.test(step));
}

function toArray(step: Step): [string, ...unknown[]] {
  return typeof step === "string" ? (step.split(" ") as [string, ...string[]]) : [...step];
}
