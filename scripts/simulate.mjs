// Runs the simulation: its TypeScript is joined into one module first, because Node 20 does not read types.
import { mkdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}node_modules/.cache/simulation`;
mkdirSync(folder, { recursive: true });
const bundle = await rolldown({ input: `${root}test/simulation/cli.ts`, platform: "node", external: [/^[^./]/] });
const file = `${folder}/cli-${process.pid}.mjs`;
await bundle.write({ file, format: "esm", sourcemap: "inline" });
await bundle.close();
process.setSourceMapsEnabled?.(true);
await import(pathToFileURL(file).href);
