import { describe, expect, it } from "vitest";
import type { Check, Context } from "../../src/doctor/check.js";
import { ok, skip, type Draft } from "../../src/doctor/finding.js";
import { isNotReached, runChecks } from "../../src/doctor/run-checks.js";
import { verdictOf } from "../../src/doctor/verdict.js";

const context = {} as Context;
const bad: Draft = {
  status: "fail",
  code: "CONNECTION_REFUSED",
  evidence: "refused",
  meaning: "It refused.",
  next: [{ say: "Start it" }],
};

function check(id: string, run: () => Promise<readonly Draft[]>, more: Partial<Check> = {}): Check {
  return { id, title: id.toUpperCase(), topic: "1.3 Network tests", deadline: 1000, run, ...more };
}
const good = (): Promise<readonly Draft[]> => Promise.resolve([ok("fine", "Fine.")]);

describe(runChecks, () => {
  it("turns a crash into a finding and lets the others run", async () => {
    const { reports } = await runChecks(
      [check("a", () => Promise.reject(new Error("boom"))), check("b", good)],
      context,
    );
    expect(reports.map((one) => one.status)).toEqual(["warn", "ok"]);
    expect(reports[0]?.findings[0]).toMatchObject({ check: "a", evidence: "Error: boom" });
  });

  it("also a crash before the first await, and hides credentials in its text", async () => {
    const crash = check("a", () => {
      throw new Error("redis://:hunter22@h failed");
    });
    const { reports } = await runChecks([crash], context);
    expect(JSON.stringify(reports)).not.toContain("hunter22");
  });

  it("leaves a check behind at its deadline", async () => {
    const start = performance.now();
    const hanging = check("a", () => new Promise(() => undefined), { deadline: 50 });
    const { reports } = await runChecks([hanging, check("b", good)], context);
    expect(performance.now() - start).toBeLessThan(900);
    expect(reports[0]?.findings[0]?.evidence).toBe("not finished after 50 ms");
  });

  it("runs independent checks side by side", async () => {
    let meet: () => void = () => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const first = check("a", async () => (await met, [ok("met", "Met.")]));
    const second = check("b", () => (meet(), good()));
    expect((await runChecks([first, second], context)).reports.map((one) => one.status)).toEqual(["ok", "ok"]);
  });

  it("skips what needs a failed check, and what needs that, with the reason", async () => {
    const { reports } = await runChecks(
      [
        check("a", () => Promise.resolve([bad])),
        check("b", good, { needs: ["a"] }),
        check("c", good, { needs: ["b"] }),
        check("d", good, { after: ["a"] }),
      ],
      context,
    );
    expect(reports.map((one) => one.status)).toEqual(["fail", "skip", "skip", "ok"]);
    expect(reports[1]?.findings[0]?.evidence).toBe("a failed");
    expect(reports[2]?.findings[0]?.evidence).toBe("b was not reached");
    expect(reports.map(isNotReached)).toEqual([false, true, true, false]);
  });

  it("goes on after a check that skipped itself", async () => {
    const { reports } = await runChecks(
      [check("a", () => Promise.resolve([skip("not needed")])), check("b", good, { needs: ["a"] })],
      context,
    );
    expect(reports.map((one) => one.status)).toEqual(["skip", "ok"]);
  });

  it("tells about starts and ends", async () => {
    const seen: string[] = [];
    await runChecks([check("a", good)], context, {
      started: ({ id }) => seen.push(`+${id}`),
      ended: ({ id }) => seen.push(`-${id}`),
    });
    expect(seen).toEqual(["+a", "-a"]);
  });
});

describe(verdictOf, () => {
  async function judge(...checks: Check[]): Promise<ReturnType<typeof verdictOf>> {
    const { reports, faulty } = await runChecks(checks, context);
    return verdictOf(reports, "h:1", faulty);
  }
  const fails = (id: string, draft: Partial<Draft> = {}): Check =>
    check(id, () => Promise.resolve([{ ...bad, ...draft }]), { chain: true });

  it("is the first broken link", async () => {
    expect(await judge(fails("a", { meaning: "First." }), fails("b", { meaning: "Second." }))).toMatchObject({
      status: "failed",
      check: "a",
      sentence: "First.",
    });
  });

  it("is told by the finding that explains the link", async () => {
    const verdict = await judge(
      fails("a"),
      fails("b", { explains: "a", meaning: "Because.", next: [{ say: "Do", run: "it" }] }),
    );
    expect(verdict).toMatchObject({
      check: "a",
      code: "CONNECTION_REFUSED",
      sentence: "Because.",
      next: { say: "Do", run: "it" },
    });
  });

  it("is unknown when the doctor could not finish an earlier link", async () => {
    const broken = check("a", () => Promise.reject(new Error("boom")), { chain: true });
    expect(await judge(broken, fails("b"))).toMatchObject({ status: "unknown", check: "a" });
    expect(await judge(fails("b"), broken)).toMatchObject({ status: "failed", check: "b" });
  });

  it("is healthy, or healthy with warnings", async () => {
    expect(await judge(check("a", good))).toMatchObject({ status: "healthy" });
    expect(await judge(fails("a", { status: "warn", meaning: "Slow." }))).toMatchObject({
      status: "warnings",
      sentence: "h:1 answers, with one warning: Slow.",
    });
  });
});
