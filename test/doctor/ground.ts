/**
 * What the doctor's tests stand on: a machine on which only this test's own servers run, time enough for a machine that other
 * tests keep busy, and what to expect of a report.
 */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { diagnoseConnection, type DiagnoseOptions, type TargetOptions } from "../../src/doctor/index.js";
import type { Finding } from "../../src/doctor/finding.js";
import { thisMachine, type Machine } from "../../src/doctor/machine.js";
import type { Report } from "../../src/doctor/report.js";

/** This machine, without the Redis processes of others, without their logs, and not known to be a container. */
export function ownMachine(more: Partial<Machine> = {}): Machine {
  const machine = thisMachine({});
  return {
    ...machine,
    container: false,
    kubernetes: false,
    systemd: false,
    list: async (path) => {
      const names = await machine.list(path);
      return path === "/proc" ? names.filter((name) => isOurs(name)) : names;
    },
    read: (path) => (path.startsWith("/var/log/") ? Promise.resolve(undefined) : machine.read(path)),
    ...more,
  };
}

/** Other processes count as they are, Redis servers only when this process started them. */
function isOurs(pid: string): boolean {
  try {
    const comm = readFileSync(`/proc/${pid}/comm`, "utf8");
    if (!/redis|valkey|keydb|dragonfly|memurai/.test(comm)) return true;
    return new RegExp(`^PPid:\\t${String(process.pid)}$`, "m").test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** As often as this machine may stand still in the middle of a look before that is taken for the truth. */
const LOOKS = 10;

/**
 * The doctor's look at such a machine, with more time than by default: what a server suffers from does not depend on how
 * busy this machine is. Taken while the machine was quick enough for one: some answers late and others not means that it
 * stood still in between, which is no part of any scene; a server that is slow is always slow.
 */
export async function examine(target: string | TargetOptions | undefined, more: DiagnoseOptions = {}): Promise<Report> {
  for (let looks = 1; ; looks++) {
    const report = await diagnoseConnection(target, { machine: ownMachine(), env: {}, timeout: 20_000, ...more });
    const stoodStill = findingsOf(report, "answers").some(({ meaning }) => STOOD_STILL.test(meaning));
    if (!stoodStill || looks === LOOKS) return report;
  }
}

/** What the doctor says of answers of which only some were late. */
export const STOOD_STILL = /Most replies are fast and some are not|This process was busy itself/;

export function findingsOf(report: Report, check: string): readonly Finding[] {
  return report.checks.find((one) => one.id === check)?.findings ?? [];
}

/** The verdict is a failure with this code, and its sentence says this. */
export function expectVerdict(report: Report, code: string, says: RegExp): void {
  expect(report.verdict, report.verdict.sentence).toMatchObject({ status: "failed", code });
  expect(report.verdict.sentence).toMatch(says);
  expect(report.verdict.next?.say).toBeTruthy();
}

/** Checks that measure time, and rightly warn on a machine that other tests keep busy. */
const OF_TIME: ReadonlySet<string> = new Set(["name", "answers", "server/load"]);

/** Nothing failed, and nothing warned but of slowness. */
export function expectHealthy(report: Report): void {
  const alarms = report.checks
    .flatMap((check) => check.findings)
    .filter((one) => one.status === "fail" || (one.status === "warn" && !OF_TIME.has(one.check)));
  expect(alarms).toEqual([]);
  expect(["healthy", "warnings"]).toContain(report.verdict.status);
}

/** This check warns, by this code or in such words, and nothing failed. */
export function expectWarning(report: Report, check: string, says: string | RegExp): void {
  const warnings = findingsOf(report, check).filter((one) => one.status === "warn");
  const texts = warnings.map(({ code = "", meaning }) => `${code} ${meaning}`);
  expect(texts.join("\n"), report.verdict.sentence).toMatch(says);
  expect(report.verdict.status).toBe("warnings");
}
