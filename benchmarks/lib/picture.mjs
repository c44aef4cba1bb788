/**
 * A picture of what happened, as SVG: for each client how many calls were answered and failed, and how long the slowest took,
 * over one axis of time, with the faults marked. It follows the reader's light or dark colours and stays readable at the width
 * of a telephone, where its text grows.
 */
import { writeFileSync } from "node:fs";
import { Chart, GAP } from "./picture-chart.mjs";
import { wrapped } from "./picture-labels.mjs";
import { COLOURS, LETTER, LINE, MARGIN, STYLE, WIDTH } from "./picture-style.mjs";
import { element, textElement } from "./svg.mjs";

/**
 * @typedef {import("./timeline.mjs").Columns} Columns
 * @typedef {{ title?: string, clients: readonly { label: string, columns: Columns }[] }} Scene clients that went through the same
 * @typedef {{ title: string, note?: string, scenes: readonly Scene[] }} Picture `note`: below it, such as the machine
 */

const SWATCH = 14;

/** The option, for `readOptions`. */
export const SVG_OPTION = {
  svg: { type: /** @type {const} */ ("string"), help: "file that gets a picture of what happened" },
};

/**
 * @param {Picture} picture
 * @returns {string} an SVG document
 */
export function drawPicture({ title, note, scenes }) {
  /** @type {string[]} */
  const parts = [];
  let y = MARGIN;
  for (const line of wrapped(title, WIDTH - 2 * MARGIN)) {
    y += LINE;
    parts.push(textElement("text", { class: "title", x: MARGIN, y }, line));
  }
  y += GAP / 2;
  for (const scene of scenes) {
    const chart = new Chart(scene);
    parts.push(element("g", { transform: `translate(0 ${Math.round(y)})` }, chart.parts));
    y += chart.height + GAP;
  }
  const withUnsettled = scenes.some(({ clients }) =>
    clients.some(({ columns }) => columns.unsettled.some((calls) => calls > 0)),
  );
  const key = legend(y, withUnsettled);
  parts.push(...key.parts);
  y = key.y;
  for (const line of wrapped(note ?? "", WIDTH - 2 * MARGIN)) {
    y += LINE;
    parts.push(textElement("text", { class: "faint", x: MARGIN, y }, line));
  }
  const height = Math.ceil(y + MARGIN);
  const frame = element("rect", { class: "paper", x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 8 });
  return `${element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      role: "img",
      "aria-labelledby": "title about",
    },
    [
      textElement("title", { id: "title" }, title),
      textElement("desc", { id: "about" }, about(scenes)),
      `<style>${STYLE}</style>`,
      frame,
      ...parts,
    ],
  )}\n`;
}

/**
 * Draws it into a file, where that was asked for.
 * @param {string | undefined} file
 * @param {Picture} picture
 */
export function writePicture(file, picture) {
  if (file !== undefined) writeFileSync(file, drawPicture(picture));
}

/** What the colours mean. @param {number} top @param {boolean} withUnsettled */
function legend(top, withUnsettled) {
  /** @type {string[]} */
  const parts = [];
  let x = MARGIN;
  let y = top + LINE;
  for (const [name, text] of Object.entries(COLOURS)) {
    if (name === "unsettled" && !withUnsettled) continue;
    const width = SWATCH + 6 + text.length * LETTER;
    if (x > MARGIN && x + width > WIDTH - MARGIN) {
      x = MARGIN;
      y += LINE;
    }
    parts.push(
      element("rect", { class: name, x, y: y - SWATCH + 1, width: SWATCH, height: SWATCH }),
      textElement("text", { x: x + SWATCH + 6, y }, text),
    );
    x += width + SWATCH;
  }
  return { parts, y };
}

/** Who was measured and what was done, for those who hear the picture. @param {readonly Scene[]} scenes */
function about(scenes) {
  return scenes
    .map(({ title, clients }) => {
      const told = clients.map(({ label, columns }) => {
        const sum = (/** @type {readonly number[]} */ calls) => calls.reduce((all, one) => all + one, 0);
        const slowest = Math.max(0, ...columns.slowest.map((ms) => ms ?? 0));
        return `${label}: ${sum(columns.answered)} answered, ${sum(columns.failed)} failed, ${sum(columns.unsettled)} never settled, the slowest took ${(slowest / 1000).toFixed(1)} s`;
      });
      return `${title === undefined ? "" : `${title}. `}${told.join("; ")}.`;
    })
    .join(" ");
}
