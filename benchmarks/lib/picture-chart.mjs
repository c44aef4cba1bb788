/** The part of a picture that is one scene: two panels a client, the faults over both, one axis of time below. */
import { COLOURS, LETTER, LINE, MARGIN, WIDTH } from "./picture-style.mjs";
import { placeLabels, wrapped } from "./picture-labels.mjs";
import { levels, rateScale, rateText, tickStep, timeScale, timeText } from "./picture-scales.mjs";
import { element, textElement } from "./svg.mjs";

/** Below a scene. */
export const GAP = 16;
const LEFT = 86;
const RIGHT = WIDTH - MARGIN;
const PLOT = RIGHT - LEFT;
/** Heights of the panels: calls a second, and how long the slowest took. */
const CALLS = 90;
const TOOK = 62;
const BETWEEN = 8;

/** @typedef {import("./picture.mjs").Scene["clients"][number]} Client */

export class Chart {
  /** @type {string[]} */
  parts = [];
  height = 0;
  #clients;
  #seconds;
  #rates;
  #times;
  /** Kinds of faults by the numbers that stand for them, where their names do not fit. @type {readonly string[]} */
  #kinds = [];

  /** @param {import("./picture.mjs").Scene} scene */
  constructor({ title, clients }) {
    this.#clients = clients;
    const all = clients.map(({ columns }) => columns);
    this.#seconds = Math.max(1, ...all.map(({ column, answered }) => (answered.length * column) / 1000));
    this.#rates = rateScale(all);
    this.#times = timeScale(all);
    const labels = clients.map(({ columns }) => this.#labelsOf(columns.marks, (label) => label));
    if (labels.some(({ omitted }) => omitted > 0))
      this.#kinds = [...new Set(all.flatMap(({ marks }) => marks.map(({ label }) => label)))];
    if (title !== undefined) {
      this.#line();
      this.parts.push(textElement("text", { class: "name", x: MARGIN, y: this.height }, title));
    }
    for (const client of clients) this.#client(client);
    this.#axis();
    this.#key();
  }

  /** @param {Client} client */
  #client({ label, columns }) {
    this.#line();
    this.parts.push(textElement("text", { class: "name", x: LEFT, y: this.height }, label));
    const short = (/** @type {string} */ kind) =>
      this.#kinds.length === 0 ? kind : String(this.#kinds.indexOf(kind) + 1);
    const { rows, placed } = this.#labelsOf(columns.marks, short);
    for (const { text, x, row } of placed)
      this.parts.push(textElement("text", { class: "faint", x, y: this.height + (row + 1) * LINE - 4 }, text));
    const top = this.height + rows * LINE + BETWEEN;
    const bottom = top + CALLS + BETWEEN + TOOK;
    for (const mark of columns.marks) this.parts.push(this.#mark(mark, top, bottom));
    this.#calls(columns, top);
    this.#took(columns, top + CALLS + BETWEEN);
    this.height = bottom + BETWEEN;
  }

  /** @param {import("./timeline.mjs").Columns} columns @param {number} top */
  #calls({ column, answered, failed }, top) {
    const base = top + CALLS;
    const { most, ticks } = this.#rates;
    this.parts.push(element("line", { class: "grid", x1: LEFT, y1: base, x2: RIGHT, y2: base }));
    for (const rate of ticks) this.#grid(base - (rate / most) * CALLS, rateText(rate));
    const rates = answered.map((calls, i) => ({
      answered: (calls / column) * 1000,
      all: ((calls + (failed[i] ?? 0)) / column) * 1000,
    }));
    const height = (/** @type {number} */ rate) => Math.min(1, rate / most) * CALLS;
    const both = rates.map((rate) => (rate.all > rate.answered ? height(rate.all) : 0));
    this.#area("failed", column, both, base);
    this.#area(
      "answered",
      column,
      rates.map((rate) => height(rate.answered)),
      base,
    );
    // What is cut off is told: after an outage the calls of all its time may be answered at once.
    const highest = Math.max(...rates.map((rate) => rate.all));
    if (highest <= most) return;
    const at = rates.findIndex((rate) => rate.all === highest);
    const text = `↑ ${rateText(highest)}`;
    const right = this.#x((at + 1) * column) + 4;
    const isRoom = right + text.length * LETTER <= RIGHT;
    const x = isRoom ? right : this.#x(at * column) - 4;
    this.parts.push(textElement("text", { class: isRoom ? "over" : "over end", x, y: top + LINE * 0.7 }, text));
  }

  /** @param {import("./timeline.mjs").Columns} columns @param {number} top */
  #took({ column, slowest, unsettled }, top) {
    const base = top + TOOK;
    const { height, ticks } = this.#times;
    for (const ms of ticks) this.#grid(base - height(ms) * TOOK, timeText(ms));
    const heights = slowest.map((ms) => (ms === null ? 0 : Math.max(1, height(ms) * TOOK)));
    this.#area("slowest", column, heights, base);
    const never = unsettled.map((calls) => (calls > 0 ? TOOK : 0));
    if (never.some((units) => units > 0)) this.#area("unsettled", column, never, base);
    this.parts.push(element("line", { class: "axis", x1: LEFT, y1: base, x2: RIGHT, y2: base }));
  }

  /**
   * Steps from column to column.
   * @param {keyof typeof COLOURS} kind
   * @param {number} column
   * @param {readonly number[]} heights
   * @param {number} base
   */
  #area(kind, column, heights, base) {
    if (heights.every((units) => units === 0)) return;
    const d = levels(
      heights.map((units) => base - units),
      base,
      (i) => this.#x(i * column),
    );
    this.parts.push(element("path", { class: kind, d }, [textElement("title", {}, COLOURS[kind])]));
  }

  /** @param {import("./timeline.mjs").Mark} mark @param {number} top @param {number} bottom */
  #mark({ label, from, to }, top, bottom) {
    const title = textElement("title", {}, label);
    const x = this.#x(from);
    if (to === undefined) return element("line", { class: "moment", x1: x, y1: top, x2: x, y2: bottom }, [title]);
    const width = Math.max(2, this.#x(to) - x);
    return element("rect", { class: "mark", x, y: top, width, height: bottom - top }, [title]);
  }

  /** @param {number} y @param {string} text */
  #grid(y, text) {
    this.parts.push(
      element("line", { class: "grid", x1: LEFT, y1: y, x2: RIGHT, y2: y }),
      textElement("text", { class: "faint end", x: LEFT - 6, y: y + 5 }, text),
    );
  }

  #axis() {
    this.#line();
    const step = tickStep(this.#seconds);
    for (let second = 0; second <= this.#seconds; second += step) {
      const x = this.#x(second * 1000);
      const place = second === 0 ? "" : x > RIGHT - 3 * LETTER ? "end" : "middle";
      this.parts.push(textElement("text", { class: `faint ${place}`.trim(), x, y: this.height }, `${second} s`));
    }
  }

  #key() {
    // A number stays with its words.
    const text = this.#kinds.map((kind, i) => `${i + 1} ${kind}`.replaceAll(" ", "\u00a0")).join(" · ");
    for (const line of wrapped(text, WIDTH - 2 * MARGIN)) {
      this.#line();
      this.parts.push(textElement("text", { class: "faint", x: MARGIN, y: this.height }, line));
    }
  }

  /** @param {readonly import("./timeline.mjs").Mark[]} marks @param {(label: string) => string} textOf */
  #labelsOf(marks, textOf) {
    return placeLabels(
      marks.map(({ label, from }) => ({ text: textOf(label), x: this.#x(from) })),
      { left: LEFT, right: RIGHT },
    );
  }

  /** @param {number} ms */
  #x(ms) {
    return LEFT + (ms / 1000 / this.#seconds) * PLOT;
  }

  #line() {
    this.height += LINE;
  }
}
