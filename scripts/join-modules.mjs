/**
 * Joins the modules that tsc wrote into a few CommonJS files, with a thin ES module in front of each entry.
 *
 * Why joined: Node finds, reads, links and runs each module on its own, and the hundred and fifty small ones of this package
 * cost a service as much at its start as all of ioredis. All that `index` needs is one file; the doctor and the command line,
 * which most processes never load, are others.
 *
 * Why CommonJS: ioredis is. An ES module that imports it has Node read all of its sources twice, the first time in search of
 * the names it exports, which costs more than running this package does (`benchmarks/start.mjs`). And what is CommonJS can be
 * required by every Node, test runner and TypeScript setting that ioredis works with.
 *
 * Why the Cluster is a file of its own: few processes use one, and none of the others is to pay for it. It is loaded when its
 * name is first used.
 *
 * Why what a failure needs is a file of its own: V8 reads all of a file before anything in it runs, and no start needs the texts
 * of errors, the log of incidents and opossum. `src/observe/log-on-demand.ts` says when it is loaded.
 *
 * Declarations stay as tsc wrote them; source maps lead back to `src`.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
/** What each entry file is made from. */
const ENTRIES = {
  names: "index",
  "doctor/index": "doctor/index",
  "otel/index": "otel/index",
  "prometheus/index": "prometheus/index",
  "register/index": "register/index",
  "register/hooks": "register/hooks",
  // What our own tests stand on, from lab.
  "testing/index": "testing/testing.mjs",
  "cli/main": "cli/main",
};
/**
 * Joined too, as far as they are used, with their licences: finding and reading each took a service longer than using it.
 * A tenth of valibot is used.
 */
const JOINED_PACKAGES = ["is-network-error", "p-retry", "valibot"];

/**
 * A private file of ioredis: a release that moves it must not keep the package from loading. It is required where a failure
 * is caught, which bundlers follow as well, and what needs it is off without it.
 */
const OPTIONAL = "ioredis/built/DataHandler.js";
const GUARDED = `\0${OPTIONAL}`;

/** How many copies of ioredis beside the first `ioredoubt/register` can stand for. */
const COPIES = 8;

/**
 * What is loaded when something of it is first used: the file, and the modules by which the others reach it. What only these
 * need goes with them. `names` are exports of the package.
 */
const ON_DEMAND = {
  cluster: { doors: ["cluster.js"], names: ["Cluster", "createCluster"] },
  failure: { doors: ["failure/diagnose.js", "observe/incident.js", "endpoint/circuit.js"], names: [] },
};
const DOORS = new Set(Object.values(ON_DEMAND).flatMap(({ doors }) => doors.map((door) => join(dist, door))));
/** Stands for such a class or function; `instanceof`, `extends` and static members work as on the real one. */
const STAND_IN = `function standIn(name) {
  const traps = ["apply", "construct", "get", "getPrototypeOf", "has", "set"].map((trap) => [
    trap,
    (_, ...args) => {
      const real = require("./cluster.js")[name];
      return Reflect[trap](real, ...args.map((arg) => (arg === proxy ? real : arg)));
    },
  ]);
  const proxy = new Proxy(function () {}.bind(), Object.fromEntries(traps));
  return proxy;
}
`;

/** @typedef {{ getModuleInfo(id: string): import("rolldown").ModuleInfo | null }} Modules */

/** @type {Map<string, ReadonlySet<string>>} */
const reached = new Map();

/**
 * The modules that some load, themselves among them, without what is loaded on demand.
 * @param {string} name
 * @param {readonly string[]} from
 * @param {Modules} modules
 */
function reachedFrom(name, from, modules) {
  let found = reached.get(name);
  if (found !== undefined) return found;
  const growing = new Set(from.map((file) => join(dist, file)));
  // The set grows while it is walked.
  for (const id of growing)
    for (const imported of modules.getModuleInfo(id)?.importedIds ?? [])
      if (!DOORS.has(imported)) growing.add(imported);
  reached.set(name, (found = growing));
  return found;
}

/**
 * @param {string} id
 * @param {Modules} modules
 */
function chunkOf(id, modules) {
  // The entry stays by itself: it would be one with what it loads, and export its parts.
  if (id === join(dist, "index.js")) return null;
  if (reachedFrom("core", ["index.js"], modules).has(id)) return "core";
  const isOfCluster = id === join(dist, "cluster.js") || id.startsWith(join(dist, "cluster") + sep);
  if (isOfCluster) return "cluster";
  // The cluster's files need what a failure does; nothing there may need them.
  const { failure, cluster } = ON_DEMAND;
  if (reachedFrom("failure", failure.doors, modules).has(id)) return "failure";
  return reachedFrom("cluster", cluster.doors, modules).has(id) ? "cluster" : null;
}

const bundle = await rolldown({
  input: Object.fromEntries(
    Object.entries(ENTRIES).map(([entry, from]) => [entry, join(dist, /\.mjs$/.test(from) ? from : `${from}.js`)]),
  ),
  // What is installed beside the package stays there: the application's own ioredis above all.
  external: (id, importer) =>
    id === OPTIONAL ? importer === GUARDED : !/^[./\0]/.test(id) && !JOINED_PACKAGES.includes(id),
  platform: "node",
  // What is in which file is said below; the entries may export more than they need.
  preserveEntrySignatures: "allow-extension",
  plugins: [
    {
      name: "optional",
      resolveId: (id) => (id === OPTIONAL ? GUARDED : null),
      load: (id) =>
        id === GUARDED ? `try { module.exports = require("${OPTIONAL}"); } catch { module.exports = {}; }` : null,
    },
    {
      // Left alone, the joined maps would lead to tsc's files, which are deleted below.
      name: "maps-to-src",
      load: (id) =>
        id.startsWith(dist) ? { code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") } : null,
    },
  ],
});
const { output } = await bundle.generate({
  format: "cjs",
  exports: "named",
  dir: dist,
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  comments: false,
  sourcemap: true,
  codeSplitting: {
    // Each group is what it says and no more: by default, the first would take along what the others are made of.
    includeDependenciesRecursively: false,
    groups: [{ debugName: "core", name: chunkOf }],
  },
});
await bundle.close();

for (const file of output) if (file.type === "chunk") refuseEmptyTries(file);

for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  if (/\.m?js(\.map)?$/.test(name)) rmSync(join(dist, name));
}
for (const file of output) {
  // It is written into the file that gives its names.
  if (file.fileName === "names.js") continue;
  const path = join(dist, file.fileName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.type === "chunk" ? ascii(onDemand(file)) : file.source);
}
// The package itself says "module", which its sources are.
write("package.json", [JSON.stringify({ type: "commonjs" })]);
writeRequired();
for (const [entry, from] of Object.entries(ENTRIES)) {
  const chunk = output.find((file) => file.fileName === `${entry}.js`);
  // What a command shares with another, and what Node calls, is no interface.
  const isCommand = /^(?:cli|register)\//.test(entry);
  // The thin module of `names` is in front of what `require` gives.
  const module = entry === "names" ? from : entry;
  if (!isCommand && chunk?.type === "chunk" && chunk.exports.length > 0) writeModules(module, chunk.exports);
}
for (const name of JOINED_PACKAGES) {
  const folder = join(root, "node_modules", name);
  const [licence = "license"] = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  cpSync(join(folder, licence), join(dist, "licenses", `${name}.md`));
}

/**
 * rolldown drops a call whose result nobody uses, such as `String(value)`, although it was made to see whether it throws.
 * @param {import("rolldown").OutputChunk} chunk
 */
function refuseEmptyTries({ fileName, code }) {
  const found = /\btry \{\s*(?:return(?: (?:true|false|null|void 0))?;\s*)?\}/.exec(code);
  if (found === null) return;
  const where = code.slice(Math.max(0, found.index - 200), found.index + found[0].length);
  throw new Error(`${fileName} tries nothing: use the result of the call that was dropped here:\n${where}`);
}

/**
 * Lets a file be loaded when something of it is first used. A getter would not do for what the entry exports: whoever imports reads
 * every name at once.
 * @param {import("rolldown").OutputChunk} chunk
 */
function onDemand({ fileName, code }) {
  if (fileName === "names.js") return standIns(code);
  return fileName === "core.js" ? withExports(withRuntime(Object.keys(ON_DEMAND).reduce(loadedWhenUsed, code))) : code;
}

/**
 * The line in which a file is required, and the variable it gives.
 * @param {string} code
 * @param {string} file
 */
function requireOf(code, file) {
  const found = new RegExp(`^const (\\w+) = require\\("\\./${file}\\.js"\\);\n`, "m").exec(code);
  if (found === null) throw new Error(`${file}.js is not loaded, or in another way than was expected`);
  const [line, variable = ""] = found;
  return { line, variable };
}

/**
 * What a function uses is loaded when it runs.
 * @param {string} code
 * @param {string} file
 */
function loadedWhenUsed(code, file) {
  const { line, variable } = requireOf(code, file);
  const used = new Set([...code.matchAll(new RegExp(`\\b${variable}\\.(\\w+)`, "g"))].map(([, name]) => name));
  const getters = [...used].map((name) => `get ${name}() { return require("./${file}.js").${name}; }`);
  return code.replace(line, `const ${variable} = { ${getters.join(", ")} };\n`);
}

/** @param {string} code */
function standIns(code) {
  const { line, variable } = requireOf(code, "cluster");
  return ON_DEMAND.cluster.names.reduce(
    (text, name) => {
      const assignment = `exports.${name} = ${variable}.${name};`;
      if (!text.includes(assignment)) throw new Error(`names.js does not export ${name} as was expected`);
      return text.replace(assignment, `exports.${name} = standIn("${name}");`);
    },
    code.replace(line, STAND_IN),
  );
}

/**
 * Puts the few lines that rolldown itself adds where every start needs them, instead of another file that is to be found and read. On one
 * line, as the `require` was: source maps count lines.
 * @param {string} code
 */
function withRuntime(code) {
  const { line, variable } = requireOf(code, "rolldown-runtime");
  const runtime = output.find((file) => file.fileName === "rolldown-runtime.js");
  if (runtime?.type !== "chunk") throw new Error("there is no chunk of rolldown's own");
  const text = runtime.code.replace(/^\/\/.*\n/gm, "").replace(/\s*\n\s*/g, " ");
  return code.replace(line, () => `const ${variable} = ((exports) => { ${text} return exports; })({});\n`);
}

/**
 * Exports what never changes as it is: rolldown writes a getter for each, and V8 has to read and make all of them.
 * @param {string} code
 */
function withExports(code) {
  const GETTER =
    /^Object\.defineProperty\(exports, "(\w+)", \{\n\tenumerable: true,\n\tget: function\(\) \{\n\t\treturn (\w+);\n\t\}\n\}\);\n/gm;
  /** @type {string[]} */
  const exported = [];
  const text = code.replace(GETTER, (getter, name, variable) => {
    if (
      !new RegExp(`^(?:const|class|function|async function) ${variable}\\b|^var ${variable} = class\\b`, "m").test(code)
    )
      return getter;
    exported.push(name === variable ? name : `${name}: ${variable}`);
    return "";
  });
  const map = text.lastIndexOf("\n//# sourceMappingURL=");
  return `${text.slice(0, map)}\nObject.assign(exports, { ${exported.join(", ")} });\n${text.slice(map)}`;
}

/**
 * Writes what is not ASCII as escapes: one such character makes V8 keep and scan the whole file in two bytes a character.
 * @param {string} code
 */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Writes what `require` gives, with the names of its exports where Node looks for them: in the text, which nothing runs. */
function writeRequired() {
  const names = output.find((file) => file.fileName === "names.js");
  if (names?.type !== "chunk") throw new Error("there is no chunk of the entry");
  const exported = names.exports.filter((name) => name !== "default");
  // One file instead of two: finding and reading each costs a start more than running these.
  const inside = `const names = {};\n((exports) => {\n${onDemand(names).trimEnd()}\n})(names);`;
  const source = readFileSync(join(root, "src/require.cjs"), "utf8")
    .trimEnd()
    .replace('const names = require("./names.js");', () => inside);
  const listed = `0 && (module.exports = { ${exported.join(", ")} });`;
  write("index.js", [ascii(source), listed]);
  // What stands for further copies of ioredis (src/register/copies.ts) never runs: it is a name for what is made at run time.
  mkdirSync(join(dist, "register/copies"), { recursive: true });
  for (let copy = 1; copy <= COPIES; copy++) write(`register/copies/${String(copy)}.js`, [listed]);
}

/**
 * Writes the ES module in front of a CommonJS file, and its declarations. It imports the file's default only and lists the
 * names itself, so that Node does not go looking for them; an import, and no `require`, is what bundlers follow.
 * @param {string} entry
 * @param {readonly string[]} exported
 */
function writeModules(entry, exported) {
  const file = `./${entry.split("/").at(-1)}.js`;
  const names = exported.filter((name) => name !== "default");
  const hasDefault = names.length < exported.length;
  const exports = [
    `export const { ${names.join(", ")} } = required;`,
    ...(hasDefault ? ["export default required.Redis;"] : []),
  ];
  write(`${entry}.mjs`, [`import required from "${file}";`, ...exports]);
  // The default of a CommonJS file is all of it for TypeScript, so that `default` is taken by its other name.
  write(`${entry}.d.mts`, [
    `export * from "${file}";`,
    ...(hasDefault ? [`export { Redis as default } from "${file}";`] : []),
  ]);
}

/**
 * @param {string} name
 * @param {readonly string[]} lines
 */
function write(name, lines) {
  writeFileSync(join(dist, name), `${lines.join("\n")}\n`);
}
