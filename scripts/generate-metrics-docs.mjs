/** Writes docs/metrics and the tables of docs/metrics.md; `test/docs` checks that they are up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

const bundle = await rolldown({ input: join(import.meta.dirname, "metrics/render.ts"), platform: "node" });
const [{ code }] = (await bundle.generate({ format: "esm" })).output;
const { renderFiles, withTables } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const docs = new URL("../docs/", import.meta.url);
for (const [name, text] of renderFiles()) writeFileSync(new URL(name, docs), text);
const page = new URL("metrics.md", docs);
writeFileSync(page, withTables(readFileSync(page, "utf8")));
