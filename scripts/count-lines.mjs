/**
 * Counts lines of code: lines of TypeScript that hold at least one token, so neither comments nor blanks. Prints a line a
 * folder of `src`. With another folder as argument it counts there: `node scripts/count-lines.mjs ../elsewhere/src`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import ts from "typescript";

const root = process.argv[2] ?? join(import.meta.dirname, "../src");
/** @type {Map<string, { files: number, lines: number }>} */
const folders = new Map();

for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".ts")) continue;
  const folder = name.includes(sep) ? name.slice(0, name.indexOf(sep)) : ".";
  const { files, lines } = folders.get(folder) ?? { files: 0, lines: 0 };
  folders.set(folder, { files: files + 1, lines: lines + linesOfCode(readFileSync(join(root, name), "utf8")) });
}

const rows = [...folders].toSorted(([, one], [, other]) => other.lines - one.lines);
const sum = (/** @type {readonly string[]} */ without) =>
  rows.reduce((all, [folder, { lines }]) => (without.includes(folder) ? all : all + lines), 0);
for (const [folder, { files, lines }] of rows) print(folder, lines, `${String(files)} files`);
print("all", sum([]), "");
print("all without doctor and cli", sum(["doctor", "cli"]), "");

/** @param {string} text */
function linesOfCode(text) {
  const source = ts.createSourceFile("counted.ts", text, ts.ScriptTarget.Latest, true);
  const lines = new Set();
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length === 0 && node.getWidth(source) > 0) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      for (let line = first; line <= last; line++) lines.add(line);
    }
    for (const child of children) visit(child);
  };
  visit(source);
  return lines.size;
}

/**
 * @param {string} name
 * @param {number} lines
 * @param {string} note
 */
function print(name, lines, note) {
  process.stdout.write(`${name.padEnd(28)}${String(lines).padStart(7)}  ${note}\n`);
}
