/** What callers pass to a method is checked where it enters: a wrong limit would never end, or end at once. */
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/failure/errors.js";
import { checkMethodOptions } from "../../src/policy/input/call-options.js";
import { freePort } from "../helpers/free-port.js";
import { client } from "../fault/core-harness.js";

const SECRET = "hunter2";

function problemsOf(run: () => void): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("the limits of a call", () => {
  it.each([
    [
      "with",
      { deadline: Number.NaN },
      "with({ deadline }): NaN; must be a number of milliseconds, 0 to 2147483647, or false for no limit",
    ],
    ["with", { deadline: SECRET }, "with({ deadline }): a string of 7 characters; must be a number of milliseconds"],
    ["with", { deadline: {} }, "with({ deadline }): an object; must be"],
    ["with", { deadline: -1 }, "with({ deadline }): -1; must be"],
    ["with", { deadline: 1e12 }, "with({ deadline }): 1000000000000; must be"],
    ["with", { deadline: Infinity }, "with({ deadline }): Infinity; must be"],
    ["with", { deadline: null }, "with({ deadline }): null; must be"],
    ["with", { deadline: true }, "with({ deadline }): true; must be"],
    ["with", { signal: {} }, "with({ signal }): an object; must be an AbortSignal"],
    ["with", { signal: new AbortController() }, "with({ signal }): an object; must be an AbortSignal"],
    ["with", { ambiguous: SECRET }, 'with({ ambiguous }): a string of 7 characters; must be one of "reads"'],
    ["with", 200, "with(): a number; must be an object with deadline, signal, ambiguous"],
    [
      "withConnection",
      { signal: SECRET },
      "withConnection({ signal }): a string of 7 characters; must be an AbortSignal",
    ],
    ["transaction", { retries: -1 }, "transaction({ retries }): -1; must be a whole number of at least 0, or Infinity"],
    ["transaction", { retries: 1.5 }, "transaction({ retries }): 1.5; must be a whole number"],
    ["transaction", { retries: Number.NaN }, "transaction({ retries }): NaN; must be a whole number"],
    [
      "close",
      { drain: Number.NaN },
      "close({ drain }): NaN; must be a number of milliseconds, 0 to 2147483647, or Infinity",
    ],
    ["close", { drain: "5s" }, "close({ drain }): a string of 2 characters; must be a number of milliseconds"],
    ["close", { drain: 1e12 }, "close({ drain }): 1000000000000; must be"],
  ] as const)("%s(%o) is refused and named", (method, options, says) => {
    const problems = problemsOf(() => checkMethodOptions(method, options));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(says);
    expect(problems.join()).not.toContain(SECRET);
  });

  it("are told of all at once", () => {
    const wrong = { deadline: -1, signal: 1, ambiguous: 1 };
    expect(problemsOf(() => checkMethodOptions("with", wrong))).toHaveLength(3);
  });

  it("may be left out, and may be what they say", () => {
    const { signal } = new AbortController();
    for (const right of [
      {},
      { deadline: undefined },
      { deadline: 0 },
      { deadline: 0.5 },
      { deadline: 2_147_483_647 },
      { deadline: false, signal, ambiguous: "replay" },
    ])
      expect(problemsOf(() => checkMethodOptions("with", right))).toEqual([]);
    for (const right of [{ retries: 0 }, { retries: Infinity, signal }]) {
      expect(problemsOf(() => checkMethodOptions("transaction", right))).toEqual([]);
    }
    for (const right of [{ drain: 0 }, { drain: Infinity }]) {
      expect(problemsOf(() => checkMethodOptions("close", right))).toEqual([]);
    }
  });

  it("are checked by every method of a client, and of a lent connection's views", async () => {
    const redis = client(await freePort(), { lazyConnect: true });
    const wrong = Number.NaN;
    expect(() => redis.with({ deadline: wrong })).toThrow(ConfigError);
    expect(() => redis.withDeadline(wrong)).toThrow(ConfigError);
    expect(() => redis.with({ deadline: 5 }).with({ deadline: wrong })).toThrow(ConfigError);
    expect(() => redis.close({ drain: wrong })).toThrow(ConfigError);
    expect(redis.status).toBe("wait");
    const signal = "no signal" as never;
    await expect(redis.withConnection(() => 1, { signal })).rejects.toBeInstanceOf(ConfigError);
    await expect(redis.transaction(["k"], () => 1, { retries: wrong })).rejects.toBeInstanceOf(ConfigError);
    await expect(redis.transaction("key" as never, () => 1)).rejects.toBeInstanceOf(TypeError);
  });
});
