/**
 * Joins the declarations that tsc wrote into one file an entry. What the package does not export is in none of them, unless a
 * public declaration names it: a type that ships can be imported by path, and then it can never be moved again.
 *
 * Each entry is joined by itself, so that each file can be read alone; the few types that both have are equal by structure.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

const dist = join(import.meta.dirname, "../dist");
/** The names of the files, without their end, and what each is made from. */
const ENTRIES = {
  // What the users of the package see has a file of its own.
  index: "typed.d.ts",
  "doctor/index": "doctor/index.d.ts",
  "otel/index": "otel/index.d.ts",
  "prometheus/index": "prometheus/index.d.ts",
  "register/index": "register/index.d.ts",
  "testing/index": "testing/testing.d.mts",
};

/**
 * @param {string} entry
 * @param {string} from
 */
async function joinOne(entry, from) {
  const bundle = await rolldown({
    input: { [entry]: join(dist, from) },
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    plugins: [dts({ dtsInput: true, emitDtsOnly: true, sourcemap: false })],
  });
  const { output } = await bundle.generate({ format: "es", entryFileNames: "[name].d.ts" });
  await bundle.close();
  const [file, ...others] = output;
  if (others.length > 0) throw new Error(`${entry}: one file was expected, there are ${String(output.length)}`);
  // The joiner knows no `export type *`. The values of ioredis that are exported are named one by one.
  return file.code
    .replaceAll(/^export \* from /gm, "export type * from ")
    .replaceAll(/^\/\/ \S+\.d\.ts\n/gm, "")
    .replaceAll(/^\/\/#(?:end)?region.*\n/gm, "");
}

const joined = await Promise.all(
  Object.entries(ENTRIES).map(async ([entry, from]) => /** @type {const} */ ([entry, await joinOne(entry, from)])),
);
for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  // Beside each ES module stands the declaration that was written with it.
  const isJoined = /\.d\.mts$/.test(name) && !existsSync(join(dist, name.replace(/\.d\.mts$/, ".mjs")));
  if (isJoined || /\.d\.m?ts\.map$|\.d\.ts$/.test(name)) rmSync(join(dist, name));
}
for (const [entry, text] of joined) {
  const path = join(dist, `${entry}.d.ts`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
// Folders that held nothing but declarations
for (const { name } of readdirSync(dist, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const folder = join(dist, name);
  if (readdirSync(folder, { recursive: true, withFileTypes: true }).every((entry) => entry.isDirectory()))
    rmSync(folder, { recursive: true });
}
