/** The parts of Node's module loader that its types do not know and that have been the same in every version since 12. */
import Module from "node:module";

/** A CommonJS module as the loader sees it. */
export interface LoadedModule {
  exports: unknown;
  filename: string | null;
  loaded: boolean;
  paths: string[];
  require(id: string): unknown;
  _compile(source: string, filename: string): unknown;
}

interface Loader {
  new (id: string): LoadedModule;
  readonly prototype: LoadedModule;
  readonly _cache: Record<string, LoadedModule | undefined>;
  _resolveFilename(request: string, parent: LoadedModule | null | undefined, ...rest: unknown[]): string;
  _nodeModulePaths(from: string): string[];
  /** Node ≥ 22.15. */
  readonly registerHooks?: (hooks: object) => unknown;
  readonly register: (specifier: string, options: object) => void;
}

export const loader = Module as unknown as Loader;
