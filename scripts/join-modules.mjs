/**
 * Joins the modules that tsc wrote into a few files. Node opens, links and runs each ES module on its own, and the hundred and
 * fifty small ones of this package cost a service as much at its start as all of ioredis (`benchmarks/start.mjs`).
 * Declarations stay as tsc wrote them; source maps lead back to `src`.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const dist = join(import.meta.dirname, "../dist");
const ENTRIES = ["index", "doctor/index", "cli/main"];

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(dist, `${entry}.js`)])),
  // What is installed beside the package stays there: the application's own ioredis above all.
  external: (id) => !id.startsWith(".") && !id.startsWith("/"),
  platform: "node",
});
const { output } = await bundle.generate({
  format: "esm",
  dir: dist,
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  comments: false,
  sourcemap: true,
});
await bundle.close();

for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  if (/\.js(\.map)?$/.test(name)) rmSync(join(dist, name));
}
for (const file of output) {
  const path = join(dist, file.fileName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.type === "chunk" ? file.code : file.source);
}
copyFileSync(join(dist, "../src/index.cjs"), join(dist, "index.cjs"));
