/**
 * Next steps are made to be pasted: a command whose tool this machine does not have is no step. What is to be run on another
 * machine says so in its first words and stays.
 */
import type { NextStep } from "../../failure/diagnosis.js";
import { isElsewhere, toolsIn } from "../../failure/tools.js";
import type { Machine } from "../machine.js";

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
  if (run === undefined || isElsewhere(say)) return true;
  const has = await Promise.all(
    toolsIn(run).map(async (tool) => (OF_SYSTEMD.has(tool) ? machine.systemd : await machine.has(tool))),
  );
  return has.every((one) => one);
}
