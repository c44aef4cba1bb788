/** Errors and arguments of another realm, as test runners' sandboxes and `vm` contexts make them: no `instanceof` holds for them. */
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { serializeError } from "../../src/failure/serialize.js";
import { isErrorLike } from "../../src/failure/unwrap.js";
import type { Check, Context } from "../../src/doctor/check.js";
import { runChecks } from "../../src/doctor/run-checks.js";
import { checkRedisArguments } from "../../src/policy/input/arguments.js";

const foreign = runInNewContext(`
  const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.5:6379"), {
    code: "ECONNREFUSED", syscall: "connect", address: "10.0.0.5", port: 6379,
  });
  ({ refused, all: new AggregateError([refused], ""), caused: new TypeError("lost", { cause: refused }), promise: Promise.resolve() })
`) as Readonly<Record<"refused" | "all" | "caused", Error>> & { readonly promise: unknown };

describe("another realm", () => {
  it("has errors that are no instance of this one's, and are errors all the same", () => {
    for (const error of [foreign.refused, foreign.all, foreign.caused]) {
      expect(error).not.toBeInstanceOf(Error);
      expect(isErrorLike(error)).toBe(true);
    }
    expect(isErrorLike({ name: "ReplyError", message: "ERR" })).toBe(true);
    for (const other of ["text", null, undefined, 1, {}, { message: "only" }]) expect(isErrorLike(other)).toBe(false);
  });

  it.each(["refused", "all", "caused"] as const)("is understood when it throws: %s", (kind) => {
    const { code, why } = classify(foreign[kind], { phase: "connect" });
    expect(code).toBe("CONNECTION_REFUSED");
    expect(why.join(" ")).not.toMatch(/maxclients|speaks TLS/);
    expect(JSON.stringify(serializeError(foreign[kind]))).toContain("ECONNREFUSED");
  });

  it("does not hide what a doctor's check threw", async () => {
    const check: Check = {
      id: "target",
      title: "Target",
      topic: "1.1 Host and port",
      deadline: 1000,
      run: () => Promise.reject(foreign.caused),
    };
    const context = { left: () => 1000, options: { timeout: 1000, passive: true } } as unknown as Context;
    const { reports } = await runChecks([check], context);
    expect(reports[0]?.findings[0]?.evidence).toBe("TypeError: lost");
  });

  it("has promises that are told from options", () => {
    expect(() => checkRedisArguments([foreign.promise])).toThrow(/await the promise first/);
  });
});
