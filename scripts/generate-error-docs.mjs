/** Writes docs/errors from the catalogue; `test/docs` checks that the pages are up to date. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

const bundle = await rolldown({ input: join(import.meta.dirname, "../src/failure-pages/render.ts"), platform: "node" });
const [{ code }] = (await bundle.generate({ format: "esm" })).output;
const { renderAll } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const folder = new URL("../docs/errors/", import.meta.url);
const pages = renderAll();

mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(new URL(name, folder));
for (const [name, text] of pages) writeFileSync(new URL(name, folder), text);
process.stdout.write(`docs/errors: ${String(pages.size)} pages\n`);
