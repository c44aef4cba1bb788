/**
 * Next steps are made to be pasted: a command whose tool this machine does not have is no step. What is to be run on another
 * machine says so in its first words and stays; so do redis-cli and what a person has at hand on a workstation.
 */
import type { NextStep } from "../../failure/diagnosis.js";
import type { Machine } from "../machine.js";

/** Tools that look at or change the machine they run on, or the way from it. */
const OF_THIS_MACHINE: ReadonlySet<string> = new Set([
  "brew",
  "dig",
  "docker",
  "firewall-cmd",
  "getent",
  "iostat",
  "ip",
  "iptables",
  "journalctl",
  "lsof",
  "namei",
  "nc",
  "nft",
  "podman",
  "ps",
  "redis-server",
  "service",
  "ss",
  "systemctl",
  "top",
  "traceroute",
  "ufw",
  "valkey-server",
  "vmstat",
]);
const OF_SYSTEMD: ReadonlySet<string> = new Set(["systemctl", "journalctl"]);

/** The steps that can be taken, in their order; where there is none, the first, and that its tool is to be installed. */
export async function offered(steps: readonly NextStep[], machine: Machine): Promise<NextStep[]> {
  const keep = await Promise.all(steps.map((step) => isOffered(step, machine)));
  const kept = steps.filter((_, i) => keep[i]);
  const [first] = steps;
  if (kept.length > 0 || first === undefined) return kept;
  return [{ ...first, say: `${first.say} (its tool is not installed here)` }];
}

async function isOffered({ say, run }: NextStep, machine: Machine): Promise<boolean> {
  if (run === undefined || say.startsWith("On the ")) return true;
  const has = await Promise.all(
    toolsOf(run)
      .filter((tool) => OF_THIS_MACHINE.has(tool))
      .map(async (tool) => (OF_SYSTEMD.has(tool) ? machine.systemd : await machine.has(tool))),
  );
  return has.every((one) => one);
}

/** The first word of each part of a pipeline. */
function toolsOf(run: string): string[] {
  return run.split("|").flatMap((part) => /^[\s(]*(?:time\s+|sudo\s+)?([\w-]+)/.exec(part)?.[1] ?? []);
}
