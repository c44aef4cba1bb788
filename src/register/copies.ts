/** This package once for each copy of ioredis: each instance extends the classes of its own copy and touches no other. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { loader, type LoadedModule } from "./node-modules.js";

/** Where this package is: this file is in a folder of it. */
const DIST = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const INDEX = join(DIST, "index.js");

/** What this package is built on; older ones have other private parts. */
const LEAST = [5, 11] as const;

/** Whether a file is one of this package. */
export function isOurs(file: string | null | undefined): boolean {
  return file?.startsWith(DIST + sep) === true;
}

/**
 * The file that stands for this package on a copy of ioredis, which is loaded from `file`; `file` itself if it is too old. It is a
 * real one, because Node reads it in search of the names that it exports, and makes addresses of paths and paths of addresses. And
 * it is in no folder called ioredis: what looks for ioredis by its path must find the copy itself, and only that.
 */
export function standInFor(file: string, resolveOwn: (request: string) => string): string {
  let known = standIns.get(file);
  if (known === undefined) standIns.set(file, (known = found(file, resolveOwn)));
  return known;
}

const standIns = new Map<string, string>();

function found(file: string, resolveOwn: (request: string) => string): string {
  const copy = packageOf(file);
  if (copy === undefined || !isNewEnough(copy)) return file;
  try {
    if (resolveOwn("ioredis") === file) return INDEX;
  } catch {
    // This package stands apart from the program's: every copy is another one.
  }
  const name = join(DIST, "register/copies", `${String(standIns.size + 1)}.js`);
  if (!existsSync(name)) {
    process.emitWarning(`ioredoubt/register leaves ioredis in ${copy.root} as it is: there are too many copies.`);
    return file;
  }
  const module = new loader(name);
  module.filename = name;
  loader._cache[name] = module;
  // Loaded when it is asked for: Node hands out what is in its cache.
  let exports: unknown;
  Object.defineProperties(module, {
    loaded: { value: true },
    exports: { get: () => (exports ??= new Instance(file, copy.root).load(INDEX)), enumerable: true },
  });
  return name;
}

/** The folder and version of the package that a file of ioredis is in. */
function packageOf(file: string): { readonly root: string; readonly version: string } | undefined {
  for (let root = dirname(file); root !== dirname(root); root = dirname(root)) {
    const manifest = join(root, "package.json");
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as Record<"name" | "version", string>;
    return name === "ioredis" ? { root, version } : undefined;
  }
  return undefined;
}

function isNewEnough({ root, version }: { readonly root: string; readonly version: string }): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return true;
  process.emitWarning(
    `ioredoubt/register leaves ioredis ${version} in ${root} as it is: it needs ${LEAST.join(".")} or newer.`,
  );
  return false;
}

/** The files of this package, loaded once more, with another ioredis. */
class Instance {
  readonly #file: string;
  readonly #root: string;
  readonly #loaded = new Map<string, LoadedModule>();

  constructor(file: string, root: string) {
    this.#file = file;
    this.#root = root;
  }

  load(file: string): unknown {
    const known = this.#loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = new loader(file);
    module.filename = file;
    module.paths = loader._nodeModulePaths(dirname(file));
    module.require = (id) => this.#require(module, file, id);
    this.#loaded.set(file, module);
    module._compile(readFileSync(file, "utf8"), file);
    module.loaded = true;
    return module.exports;
  }

  #require(module: LoadedModule, from: string, id: string): unknown {
    if (id.startsWith(".")) return this.load(resolve(dirname(from), id));
    // By its path, so that agents which wait for ioredis find it.
    const path =
      id === "ioredis" ? this.#file : id.startsWith("ioredis/") ? join(this.#root, id.slice("ioredis/".length)) : id;
    return loader.prototype.require.call(module, path);
  }
}

/** What `require` of a stand-in gives. */
export function exportsOf(standIn: string): unknown {
  return createRequire(INDEX)(standIn);
}
