/**
 * Loaded by mocha before the tests of an ioredis checkout. What they import from `lib` comes from `built`, where this package
 * finds ioredis too, and with SUITE_SUBJECT the classes that they import are those of this package. ioredis's own modules go
 * on with their own.
 */
import Module, { createRequire } from "node:module";
import { join, relative, sep } from "node:path";

/**
 * @typedef {{ filename?: string }} Parent
 * @typedef {{ _resolveFilename(request: string, parent?: Parent, ...rest: unknown[]): string, _load(request: string, parent?: Parent, isMain?: boolean): any }} Loader
 */

const loader = /** @type {Loader} */ (/** @type {unknown} */ (Module));
const checkout = process.env["SUITE_CHECKOUT"] ?? "";
const subject = process.env["SUITE_SUBJECT"];
const library = join(checkout, "lib") + sep;
const tests = join(checkout, "test") + sep;
const built = join(checkout, "built");

const { _resolveFilename: resolve, _load: load } = loader;

/** @type {Loader["_resolveFilename"]} */
function resolveBuilt(request, parent, ...rest) {
  const found = resolve.call(loader, request, parent, ...rest);
  const isSource = found.startsWith(library) && found.endsWith(".ts");
  return isSource ? join(built, relative(library, found)).replace(/\.ts$/, ".js") : found;
}
loader._resolveFilename = resolveBuilt;

if (subject !== undefined) {
  const plain = createRequire(join(built, "index.js"))("./index.js");
  const { Redis, Cluster } = createRequire(join(subject, "index.js"))("ioredoubt");
  /** @type {Map<string, object>} */
  const swapped = new Map();
  swapped.set(join(built, "Redis.js"), { __esModule: true, default: Redis });
  swapped.set(join(built, "index.js"), withClasses(plain, Redis, Cluster));
  if (process.env["SUITE_CLUSTER"] === "1") {
    swapped.set(join(built, "cluster/index.js"), { __esModule: true, default: Cluster });
  }
  /** @type {Loader["_load"]} */
  const loadSwapped = (request, parent, isMain) => {
    const exported = load.call(loader, request, parent, isMain);
    if (parent?.filename?.startsWith(tests) !== true) return exported;
    return swapped.get(loader._resolveFilename(request, parent)) ?? exported;
  };
  loader._load = loadSwapped;
}

/**
 * The package's exports with other classes in their places.
 *
 * @param {Record<string, any>} plain
 * @param {any} Redis
 * @param {any} Cluster
 */
function withClasses(plain, Redis, Cluster) {
  const others = process.env["SUITE_CLUSTER"] === "1" ? { Cluster } : {};
  const names = Object.keys(plain);
  return Object.assign(
    Object.fromEntries(names.map((name) => [name, plain[name]])),
    { __esModule: true, default: Redis, Redis },
    others,
  );
}
