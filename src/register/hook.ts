/** Puts this package in the place of `ioredis` where programs ask for it. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { exportsOf, isOurs, standInFor } from "./copies.js";
import { COPY, isRequest, sourceOf, swapped, TAKE } from "./modules.js";
import { loader } from "./node-modules.js";

interface Resolution {
  readonly url: string;
}

let isHooked = false;

/** Does nothing the second time. */
export function hook(): void {
  if (isHooked) return;
  isHooked = true;
  const { _resolveFilename: resolveFilename } = loader;
  const own = createRequire(import.meta.url);
  const resolveOwn = (request: string): string => own.resolve(request);
  loader._resolveFilename = function (request, parent, ...rest) {
    const file = resolveFilename.call(this, request, parent, ...rest);
    return request === "ioredis" && !isOurs(parent?.filename) ? standInFor(file, resolveOwn) : file;
  };
  // What the ES modules that are put in the place of ioredis ask for.
  Object.defineProperty(globalThis, Symbol.for(TAKE), {
    value: (file: string) => exportsOf(standInFor(file, resolveOwn)),
  });
  if (loader.registerHooks === undefined) {
    loader.register(new URL("hooks.js", import.meta.url).href, { parentURL: pathToFileURL(process.cwd()).href });
    return;
  }
  loader.registerHooks({
    resolve: (
      specifier: string,
      context: { readonly conditions: readonly string[]; readonly parentURL?: string },
      next: (specifier: string, context: object) => Resolution,
    ) => {
      const resolution = next(specifier, context);
      const isImport = context.conditions.includes("import");
      return isImport && isRequest(specifier, context.parentURL) ? swapped(resolution) : resolution;
    },
    load: (url: string, context: object, next: (url: string, context: object) => object) =>
      url.endsWith(COPY) ? sourceOf(url) : next(url, context),
  });
}
