/**
 * The check list while it is being worked through: on a terminal one moving line with what runs now, elsewhere plain lines
 * as checks end. Results appear in the order of the report.
 */
import type { CheckReport } from "./report.js";
import { isNotReached, type RunEvents } from "./run-checks.js";
import { checkLines, notReachedLines, type TextStyle } from "./text-report.js";

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME = 80;
const CLEAR = "\r\u001b[2K";

export class LiveList implements RunEvents {
  readonly #out: Terminal;
  readonly #style: TextStyle;
  readonly #order: readonly string[];
  readonly #ended = new Map<string, CheckReport>();
  readonly #running = new Map<string, { readonly title: string; readonly since: number }>();
  #printed = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `order`: ids of the checks as the report lists them. */
  constructor(out: Terminal, order: readonly string[], style: TextStyle) {
    this.#out = out;
    this.#order = order;
    this.#style = style;
    if (style.color) this.#timer = setInterval(() => this.#spin(), FRAME_TIME);
  }

  started({ id, title }: { readonly id: string; readonly title: string }): void {
    this.#running.set(id, { title, since: performance.now() });
  }

  ended(report: CheckReport): void {
    this.#running.delete(report.id);
    this.#ended.set(report.id, report);
    const lines: string[] = [];
    for (let id = this.#order[this.#printed]; id !== undefined; id = this.#order[this.#printed]) {
      const next = this.#ended.get(id);
      if (next === undefined) break;
      if (!isNotReached(next)) lines.push(...checkLines(next, this.#style));
      this.#printed++;
    }
    if (lines.length > 0) this.#out.write(`${this.#style.color ? CLEAR : ""}${lines.join("\n")}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#style.color) this.#out.write(CLEAR);
    const rest = notReachedLines([...this.#ended.values()], this.#style);
    this.#ended.clear();
    if (rest.length > 0) this.#out.write(`${rest.join("\n")}\n`);
  }

  #spin(): void {
    const now = performance.now();
    const names = [...this.#running.values()].map(
      ({ title, since }) => `${title} ${((now - since) / 1000).toFixed(1)} s`,
    );
    const width = (this.#out.columns ?? 80) - 6;
    const text = names.join(", ");
    this.#out.write(
      `${CLEAR}  ${FRAMES[this.#frame++ % FRAMES.length] ?? ""}  ${text.length > width ? `${text.slice(0, width - 1)}…` : text}`,
    );
  }
}
