/** Lines of text for a terminal. Pure. */

/** Breaks at blanks; continuation lines begin with `indent`. Words longer than the line stay whole. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let empty = true;
  for (const [word] of text.trimStart().matchAll(/\S+\s*/g)) {
    if (!empty && line.length + word.trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += word;
    empty = false;
  }
  lines.push(line.trimEnd());
  return lines;
}
