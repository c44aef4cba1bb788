/**
 * A small checker of linearizability for registers, after Wing and Gong: is there one order of the operations on a key that
 * respects real time and explains every reply? An operation whose outcome is unknown may have taken effect at any moment
 * after its call, or never. The search is bounded; beyond its bound a history counts as undecided.
 */

export interface Operation {
  readonly what: string;
  readonly from: number;
  /** When its caller was told; `Infinity` when nobody knows whether it took effect. */
  readonly to: number;
  /** The state after it and the reply it gives, from the state before. `undefined` as state: no key. */
  readonly apply: (state: string | undefined) => { readonly state: string | undefined; readonly reply: unknown };
  /** What the caller was told; `unknown` accepts anything. */
  readonly reply: unknown;
  readonly isUnknown: boolean;
}

const LIMIT = 20_000;

export type Verdict = "linearizable" | "violated" | "undecided";

export function linearizable(history: readonly Operation[], initial?: string): Verdict {
  const operations = [...history].sort((a, b) => a.from - b.from);
  const seen = new Set<string>();
  let steps = 0;

  /** `done` marks what has taken effect or never will. */
  const search = (state: string | undefined, done: readonly boolean[], first: number): boolean | undefined => {
    let from = first;
    while (from < operations.length && done[from] === true) from++;
    // Only operations with a known outcome must be explained.
    if (operations.every((operation, i) => done[i] === true || operation.isUnknown)) return true;
    const key = `${String(from)}|${state ?? ""}|${rest(done, from)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    if (++steps > LIMIT) return undefined;
    let end = Infinity;
    operations.forEach((operation, i) => {
      if (done[i] !== true && !operation.isUnknown) end = Math.min(end, operation.to);
    });
    for (let i = from; i < operations.length; i++) {
      const operation = operations[i];
      if (operation === undefined || done[i] === true) continue;
      if (operation.from > end) break;
      const next = operation.apply(state);
      if (!operation.isUnknown && JSON.stringify(next.reply) !== JSON.stringify(operation.reply)) continue;
      const found = search(next.state, mark(done, i), from);
      if (found !== false) return found;
    }
    return false;
  };

  const verdict = search(
    initial,
    operations.map(() => false),
    0,
  );
  if (verdict === undefined) return "undecided";
  return verdict ? "linearizable" : "violated";
}

function mark(done: readonly boolean[], at: number): readonly boolean[] {
  const copy = [...done];
  copy[at] = true;
  return copy;
}

function rest(done: readonly boolean[], from: number): string {
  let text = "";
  for (let i = from; i < done.length; i++) text += done[i] === true ? "1" : "0";
  return text;
}
