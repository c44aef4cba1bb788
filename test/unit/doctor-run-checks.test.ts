import { describe, expect, it } from "vitest";
import type { Check, Context } from "../../src/doctor/check.js";
import { ok, skip, type Draft } from "../../src/doctor/finding.js";
import { isNotReached, runChecks } from "../../src/doctor/run-checks.js";
import { verdictOf } from "../../src/doctor/verdict.js";

/** What the runner reads of a context: how long the run may take, what is left of that, and what is installed. */
function runOf(timeout: number): Context {
  const end = performance.now() + timeout;
  const machine = { systemd: false, has: () => Promise.resolve(true) };
  return { options: { timeout }, left: () => end - performance.now(), machine } as unknown as Context;
}
const context = runOf(5500);
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
  it("lets no control character of a server reach the report", async () => {
    const hostile = "\u001b]0;title\u0007\r\n\u009b31m\u202etxt\u2028end";
    const draft: Draft = {
      status: "warn",
      evidence: hostile,
      meaning: hostile,
      threshold: hostile,
      next: [{ say: hostile, run: `redis-cli config set x '${hostile}'` }],
    };
    const { reports } = await runChecks([check("a", () => Promise.resolve([draft]))], context);
    expect(JSON.stringify(reports)).toContain("]0;title");
    expect(JSON.stringify(reports)).not.toMatch(/\\u00|\\r|\\n|[\p{Cc}\u2028\u202e]/u);
  });

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
    const hanging = check("a", () => new Promise(() => undefined), { deadline: 50 });
    const { reports } = await runChecks([hanging, check("b", good)], context);
    expect(reports[0]?.findings[0]?.evidence).toBe("not finished after 50 ms");
  });

  it("ends with the run's time: cuts what runs then, does not begin the rest, and says so in numbers", async () => {
    const hanging = (): Promise<never> => new Promise(() => undefined);
    const checks = [
      check("a", good),
      check("b", hanging, { after: ["a"], deadline: 60_000 }),
      check("c", good, { after: ["b"] }),
      check("d", good, { needs: ["b"] }),
    ];
    const { reports, faulty, unreached } = await runChecks(checks, runOf(400));
    expect(reports.map((one) => one.status)).toEqual(["ok", "skip", "skip", "skip"]);
    const said = reports.map((one) => one.findings[0]?.evidence);
    expect(said[1]).toMatch(/^the run's 400 ms were used up; this check got the last \d+ ms$/);
    expect(said[2]).toBe("the run's 400 ms were used up; none was left for this check");
    expect(said[3]).toBe("b was not reached");
    expect(unreached).toEqual(["b", "c"]);
    expect(faulty).toEqual([]);
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
  async function judgeIn(timeout: number, ...checks: Check[]): Promise<ReturnType<typeof verdictOf>> {
    const { reports, ...open } = await runChecks(checks, runOf(timeout));
    return verdictOf(reports, "h:1", { ...open, timeout });
  }
  const judge = (...checks: Check[]): ReturnType<typeof judgeIn> => judgeIn(5500, ...checks);
  const hangs = (id: string, more: Partial<Check> = {}): Check =>
    check(id, () => new Promise(() => undefined), { deadline: 60_000, ...more });
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

  it("is unknown when the time ended before a link of the chain did, and says how to go on", async () => {
    const verdict = await judgeIn(100, check("a", good), hangs("b", { chain: true }), hangs("c", { after: ["b"] }));
    expect(verdict).toMatchObject({ status: "unknown", check: "b" });
    expect(verdict.sentence).toBe(
      'The run\'s 100 ms ended before the check "B" did. Nothing had failed until then; it only took long.',
    );
    expect(verdict.next?.say).toContain("--timeout 30s");
  });

  it("is not healthy when there was no time to look at everything", async () => {
    expect(await judgeIn(100, check("a", good), hangs("b"))).toMatchObject({
      status: "warnings",
      check: "b",
      sentence: 'h:1 answers, and slowly: the run\'s 100 ms ended before it could look at "B".',
    });
  });

  it("is healthy, or healthy with warnings", async () => {
    expect(await judge(check("a", good))).toMatchObject({ status: "healthy" });
    expect(await judge(fails("a", { status: "warn", meaning: "Slow." }))).toMatchObject({
      status: "warnings",
      sentence: "h:1 answers, with one warning: Slow.",
    });
  });
});
