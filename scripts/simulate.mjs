// Plays the simulation. Its TypeScript is joined into one module first, because Node 20 does not read types.
import { mkdir, rm } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}node_modules/.cache/simulation`;
const file = `${folder}/${String(process.pid)}.mjs`;

await mkdir(folder, { recursive: true });
const bundle = await rolldown({ input: `${root}test/simulation/cli.ts`, platform: "node" });
await bundle.write({ file, format: "esm", sourcemap: "inline" });
await bundle.close();
const { main } = await import(pathToFileURL(file).href);
// Before anything is played: from then on time is virtual.
await rm(file, { force: true });
await main();
