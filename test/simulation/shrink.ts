/**
 * Makes a failing scenario small: it leaves out steps, faults, clients and options as long as the same property fails, so
 * that what remains is what it takes.
 */
import type { Property } from "./properties/violation.js";
import type { Action, ClientData, CommandData, Scenario, Step } from "./program/scenario.js";

export interface ShrinkOptions {
  /** Whether the property fails in this scenario too. */
  readonly fails: (scenario: Scenario) => Promise<boolean>;
  /** Runs that may be spent. */
  readonly budget: number;
}

export async function shrink(scenario: Scenario, { fails, budget }: ShrinkOptions): Promise<Scenario> {
  let best = scenario;
  let left = budget;
  const attempt = async (candidate: Scenario): Promise<boolean> => {
    if (left <= 0) return false;
    left--;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };

  for (let before = -1; before !== sizeOf(best) && left > 0;) {
    before = sizeOf(best);
    await without(
      () => best.faults,
      (faults) => attempt({ ...best, faults }),
    );
    await without(
      () => best.steps,
      (steps) => attempt({ ...best, steps }),
    );
    for (let i = best.clients.length - 1; i >= 0 && best.clients.length > 1; i--) await attempt(withoutClient(best, i));
    for (let i = 0; i < best.clients.length; i++) {
      for (const key of Object.keys(best.clients[i] ?? {})) {
        if (key !== "profile") await attempt(withClient(best, i, (client) => withoutKey(client, key)));
      }
      await attempt(withClient(best, i, (client) => ({ ...client, profile: "production" })));
    }
    for (let i = 0; i < best.steps.length; i++) {
      for (const simpler of simplerActions(best.steps[i])) {
        if (await attempt({ ...best, steps: best.steps.map((step, at) => (at === i ? simpler : step)) })) break;
      }
    }
    const { password, ...bare } = best;
    if (password !== undefined) await attempt(bare);
    if (best.serverStartsAt > 0) await attempt({ ...best, serverStartsAt: 0 });
    if (best.conditions.dns > 1) await attempt({ ...best, conditions: { ...best.conditions, dns: 1 } });
    await attempt({ ...best, conditions: { ...best.conditions, latency: 1 } });
    await attempt({ ...best, healsAt: lastOf(best) + 100 });
  }
  return best;
}

/** Leaves out half of the items, then quarters, down to single ones. */
async function without<T>(items: () => readonly T[], attempt: (rest: readonly T[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(items().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < items().length;) {
      const rest = [...items().slice(0, at), ...items().slice(at + size)];
      if (!(await attempt(rest))) at += size;
    }
  }
}

function sizeOf({ steps, faults, clients }: Scenario): number {
  return JSON.stringify([steps, faults, clients]).length;
}

function lastOf({ steps, faults }: Scenario): number {
  return Math.max(0, ...steps.map(({ at }) => at), ...faults.map(({ at }) => at));
}

function withoutClient(scenario: Scenario, index: number): Scenario {
  return {
    ...scenario,
    clients: scenario.clients.filter((_, i) => i !== index),
    steps: scenario.steps
      .filter(({ client }) => client !== index)
      .map((step) => (step.client > index ? { ...step, client: step.client - 1 } : step)),
  };
}

function withClient(scenario: Scenario, index: number, change: (client: ClientData) => ClientData): Scenario {
  return { ...scenario, clients: scenario.clients.map((client, i) => (i === index ? change(client) : client)) };
}

function withoutKey(client: ClientData, key: string): ClientData {
  return Object.fromEntries(Object.entries(client).filter(([name]) => name !== key)) as unknown as ClientData;
}

/** The same step with less in it. */
function simplerActions(step: Step | undefined): readonly Step[] {
  if (step === undefined) return [];
  const { action } = step;
  const simpler: Action[] = [];
  if ("commands" in action) {
    for (let i = 0; i < action.commands.length && action.commands.length > 1; i++) {
      const commands: readonly CommandData[] = action.commands.filter((_, at) => at !== i);
      simpler.push({ ...action, commands });
    }
  }
  if ("view" in action) {
    simpler.push(Object.fromEntries(Object.entries(action).filter(([name]) => name !== "view")) as unknown as Action);
  }
  return simpler.map((changed) => ({ ...step, action: changed }));
}

/** In a few words: what is left of a scenario. */
export function outline({ steps, faults, clients }: Scenario): string {
  const count = (n: number, what: string): string => `${String(n)} ${what}${n === 1 ? "" : "s"}`;
  return `${count(clients.length, "client")}, ${count(steps.length, "step")}, ${count(faults.length, "fault")}`;
}

/** What kind of failure it is, as far as its parts tell: two scenarios with the same parts most likely show the same fault. */
export function kindOf({ steps, faults, clients }: Scenario, property: Property): string {
  const options = clients.flatMap((client) =>
    Object.entries(client).map(([key, value]) => (key === "profile" ? "" : `${key}=${JSON.stringify(value)}`)),
  );
  const actions = steps.map(({ action }) =>
    [
      action.do,
      ...("meddling" in action ? [action.meddling] : []),
      ...("view" in action ? ["view"] : []),
      ...("byHand" in action && action.byHand ? ["by hand"] : []),
      ...("inPipeline" in action && action.inPipeline ? ["in pipeline"] : []),
      ...("isBad" in action ? ["bad"] : []),
    ].join(" "),
  );
  const strikes = faults.map(({ action }) => ("code" in action ? `${action.do} ${action.code}` : action.do));
  const list = (words: readonly string[]): string =>
    [...new Set(words.filter((word) => word !== ""))].sort().join(", ");
  return `${property} | ${list(options)} | ${list(actions)} | ${list(strikes)}`;
}
