/**
 * The catalogue's texts for one failure at one endpoint. An outage classifies the same failure thousands of times, so
 * the filled texts are kept for the last few combinations.
 */
import type { Entry } from "./catalogue/entry.js";
import type { NextStep } from "./diagnosis.js";
import type { Facts } from "./facts.js";
import { fill, select, sentence, shellQuoted } from "./template.js";
import { isHere } from "./tools.js";

const WHY_LIMIT = 5;
const NEXT_LIMIT = 4;
const KEPT_LIMIT = 200;

/** Title, causes and next steps of a failure, with what is known filled in; frozen. */
export interface Advice {
  readonly title: string;
  readonly why: readonly string[];
  readonly next: readonly NextStep[];
}

const kept = new Map<string, Advice>();

/** `beneath` is the failure that one of this client's own errors stands for: its causes and steps come first. */
export function adviceFor(entry: Entry, beneath: Entry | undefined, facts: Facts): Advice {
  const key = `${entry.code} ${beneath?.code ?? ""} ${Object.values(facts).join("\u0000")}`;
  let advice = kept.get(key);
  if (advice === undefined) {
    const causes = beneath === undefined ? entry.why : [...beneath.why.slice(0, 3), ...entry.why];
    const steps = beneath === undefined ? entry.next : [...beneath.next.slice(0, 3), ...entry.next];
    const chosen = select(steps, facts, NEXT_LIMIT + 2);
    advice = {
      title: sentence(entry.title, facts),
      why: Object.freeze(select(causes, facts, WHY_LIMIT).map((line) => line.say)),
      next: Object.freeze(unique(orDoctor(chosen, facts)).slice(0, NEXT_LIMIT)),
    };
    if (kept.size >= KEPT_LIMIT) kept.clear();
    kept.set(key, advice);
  }
  return advice;
}

/** Without redis-cli, as in most images of services, the doctor is what can be run. */
function orDoctor(steps: readonly NextStep[], facts: Facts): readonly NextStep[] {
  if (!facts.onlyHere || isHere("redis-cli") || !isHere("npx")) return steps;
  if (steps.some(({ run }) => run?.includes("ioredoubt doctor") === true)) return steps;
  const run = fill("npx --no ioredoubt doctor {place}", facts, shellQuoted);
  return [
    { say: "Let the doctor look, from the application's directory (its verdict says what is wrong)", run },
    ...steps,
  ];
}

/** The cause and the error around it often begin with the same PING. */
function unique(steps: readonly NextStep[]): NextStep[] {
  return steps
    .filter((step, i) => step.run === undefined || steps.findIndex((other) => other.run === step.run) === i)
    .map((step) => Object.freeze(step));
}
