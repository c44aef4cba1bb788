/**
 * Writes docs/errors from the compiled catalogue. Run `npm run build` first; `test/docs` checks that the pages are up
 * to date.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { renderAll } from "../dist/failure/render.js";

const folder = new URL("../docs/errors/", import.meta.url);
const pages = renderAll();

mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(new URL(name, folder));
for (const [name, text] of pages) writeFileSync(new URL(name, folder), text);
process.stdout.write(`docs/errors: ${String(pages.size)} pages\n`);
