/**
 * Joins the modules that tsc wrote into a few files. Node opens, links and runs each ES module on its own, and the hundred and
 * fifty small ones of this package cost a service as much at its start as all of ioredis (`benchmarks/start.mjs`). All that
 * `index` needs is one file; the doctor and the command line, which most processes never load, are others.
 * Declarations stay as tsc wrote them; source maps lead back to `src`.
 */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const ENTRIES = ["index", "doctor/index", "cli/main"];
/**
 * Joined too, as far as they are used, with their licences: finding and reading each took a service longer than using it.
 * A tenth of valibot is used.
 */
const JOINED_PACKAGES = ["is-network-error", "p-retry", "valibot"];

/** @type {Set<string>} */
const needed = new Set();

/**
 * The modules that importing the package loads.
 * @param {{ getModuleInfo(id: string): import("rolldown").ModuleInfo | null }} modules
 */
function neededByIndex(modules) {
  if (needed.size === 0) needed.add(join(dist, "index.js"));
  // The set grows while it is walked.
  for (const id of needed) for (const imported of modules.getModuleInfo(id)?.importedIds ?? []) needed.add(imported);
  return needed;
}

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(dist, `${entry}.js`)])),
  // What is installed beside the package stays there: the application's own ioredis above all.
  external: (id) => !id.startsWith(".") && !id.startsWith("/") && !JOINED_PACKAGES.includes(id),
  platform: "node",
  plugins: [
    {
      // Left alone, the joined maps would lead to tsc's files, which are deleted below.
      name: "maps-to-src",
      load: (id) =>
        id.startsWith(dist) ? { code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") } : null,
    },
  ],
});
const { output } = await bundle.generate({
  format: "esm",
  dir: dist,
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  comments: false,
  sourcemap: true,
  codeSplitting: {
    groups: [{ debugName: "core", name: (id, modules) => (neededByIndex(modules).has(id) ? "core" : null) }],
  },
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
for (const name of JOINED_PACKAGES) {
  const folder = join(root, "node_modules", name);
  const [licence = "license"] = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  cpSync(join(folder, licence), join(dist, "licenses", `${name}.md`));
}
