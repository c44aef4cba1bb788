/** The check list while it is being worked through: lines as checks end, in the order of the report. */
import type { CheckReport } from "./report.js";
import { isNotReached, type RunEvents } from "./run-checks.js";
import { checkLines, notReachedLines, type TextStyle } from "./text-report.js";

/** Where the doctor writes. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal, if it is one. */
  readonly columns?: number | undefined;
}

/** Writes each check once it and all before it have ended. `stop` writes the line about those that were not reached. */
export class LiveList implements RunEvents {
  readonly #out: Terminal;
  readonly #style: TextStyle;
  readonly #order: readonly string[];
  readonly #ended = new Map<string, CheckReport>();
  #printed = 0;

  /** `order`: ids of the checks as the report lists them. */
  constructor(out: Terminal, order: readonly string[], style: TextStyle) {
    this.#out = out;
    this.#order = order;
    this.#style = style;
  }

  ended(report: CheckReport): void {
    this.#ended.set(report.id, report);
    const lines: string[] = [];
    for (let id = this.#order[this.#printed]; id !== undefined; id = this.#order[this.#printed]) {
      const next = this.#ended.get(id);
      if (next === undefined) break;
      if (!isNotReached(next)) lines.push(...checkLines(next, this.#style));
      this.#printed++;
    }
    if (lines.length > 0) this.#out.write(`${lines.join("\n")}\n`);
  }

  /** Writes what is left; safe to call twice. */
  stop(): void {
    const rest = notReachedLines([...this.#ended.values()], this.#style);
    this.#ended.clear();
    if (rest.length > 0) this.#out.write(`${rest.join("\n")}\n`);
  }
}
