/** Where the text of a picture finds room. It is reckoned with the large letters of a narrow picture. */
import { LETTER } from "./picture-style.mjs";

const ROWS = 2;

/**
 * @typedef {{ text: string, x: number }} Label
 * @typedef {{ placed: (Label & { row: number })[], rows: number, omitted: number }} Placed
 */

/**
 * Puts each label where it belongs, in the first row that is free there. What finds no room is omitted.
 * @param {readonly Label[]} labels from left to right
 * @param {{ left: number, right: number }} room
 * @returns {Placed}
 */
export function placeLabels(labels, { left, right }) {
  /** @type {Placed} */
  const result = { placed: [], rows: 0, omitted: 0 };
  const ends = Array.from({ length: ROWS }, () => Number.NEGATIVE_INFINITY);
  for (const label of labels) {
    const width = label.text.length * LETTER;
    const x = Math.max(left, Math.min(label.x, right - width));
    const row = ends.findIndex((end) => end + LETTER / 2 <= x);
    if (row < 0) {
      result.omitted++;
      continue;
    }
    ends[row] = x + width;
    result.placed.push({ text: label.text, x, row });
    result.rows = Math.max(result.rows, row + 1);
  }
  return result;
}

/** Stands between parts of a text, and not where a line begins. */
const DOT = "·";

/**
 * Breaks a text into lines that fit.
 * @param {string} text
 * @param {number} width
 */
export function wrapped(text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && (last.length + 1 + word.length) * LETTER <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else if (word !== DOT) lines.push(word);
  }
  return lines;
}
