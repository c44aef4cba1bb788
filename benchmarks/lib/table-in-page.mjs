/** Puts a table where a page has one, so that its figures are those of one run and nobody copies them. */
import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";

const BEGIN = "<!-- table: written by the script -->";
const END = "<!-- end of the table -->";

/**
 * @param {string} page
 * @param {string} text replaces what is between the two marks
 * @throws when the page has no such marks
 */
export async function writeTable(page, text) {
  const before = await readFile(page, "utf8");
  const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${page} has no place for a table: ${BEGIN} … ${END}`);
  const after = `${before.slice(0, from)}${BEGIN}\n\n${text}\n\n${before.slice(to)}`;
  await writeFile(page, await format(after, { ...(await resolveConfig(page)), filepath: page }));
}
