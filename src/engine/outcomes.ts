/** Outcomes of one engine's commands by family, and errors by code. */
import { FAMILIES, type Family } from "../command/families.js";
import type { Code } from "../failure/codes.js";

/** The outcomes of one family of commands. */
export interface FamilyCounts {
  /** Replies and error replies. */
  readonly answered: number;
  /** Commands whose callers got an error. */
  readonly failed: number;
}

export class Outcomes {
  /** By place in `FAMILIES`. Counted for every command. */
  readonly answered: number[] = FAMILIES.map(() => 0);
  readonly #failed: number[] = FAMILIES.map(() => 0);
  readonly #codes = new Map<Code, number>();

  failed(family: number, code: Code): void {
    this.#failed[family] = (this.#failed[family] ?? 0) + 1;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }

  addAll(other: Outcomes): void {
    for (const place of FAMILIES.keys()) {
      this.answered[place] = (this.answered[place] ?? 0) + (other.answered[place] ?? 0);
      this.#failed[place] = (this.#failed[place] ?? 0) + (other.#failed[place] ?? 0);
    }
    for (const [code, count] of other.#codes) this.#codes.set(code, (this.#codes.get(code) ?? 0) + count);
  }

  /** Errors that callers got, by code. */
  codes(): Readonly<Partial<Record<Code, number>>> {
    return Object.fromEntries(this.#codes);
  }

  families(): Readonly<Record<Family, FamilyCounts>> {
    const rows = FAMILIES.map((family, place) => {
      return [family, { answered: this.answered[place] ?? 0, failed: this.#failed[place] ?? 0 }] as const;
    });
    return Object.fromEntries(rows) as Record<Family, FamilyCounts>;
  }
}
