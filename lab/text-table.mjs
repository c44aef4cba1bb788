/** Tables as text: for a terminal, and as Markdown. Nothing else. */

/**
 * @param {readonly (readonly string[])[]} rows the first one is the head
 * @returns {string}
 */
export function markdownTable(rows) {
  const widths = columnWidths(rows);
  const line = (/** @type {readonly string[]} */ row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body.map(line)].join("\n");
}

/**
 * First column to the left, numbers to the right.
 * @param {readonly (readonly string[])[]} rows
 * @returns {string}
 */
export function plainTable(rows) {
  const widths = columnWidths(rows);
  const line = (/** @type {readonly string[]} */ row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   ");
  const [head = [], ...body] = rows;
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width + 3, -3));
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** @param {readonly (readonly string[])[]} rows */
function columnWidths(rows) {
  return (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
}

/**
 * Milliseconds for people: `3 ms`, `1.24 s`.
 * @param {number | undefined} ms
 */
export function duration(ms) {
  if (ms === undefined || !Number.isFinite(ms)) return "never";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** @param {number} n */
export function count(n) {
  return n.toLocaleString("en-US");
}
