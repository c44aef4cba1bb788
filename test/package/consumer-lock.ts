/**
 * The lock file of a project that uses this package beside ioredis: the very versions that this repository is tested with, so
 * that installing it asks for nothing that was not installed here already, and a release of somebody else changes no test.
 */
import { readFileSync } from "node:fs";

interface Entry {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** `tarball` lies in the project's folder. Returns what goes into its package.json and package-lock.json. */
export function consumerOf(root: URL, tarball: string): { readonly manifest: object; readonly lock: object } {
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, root), "utf8"));
  const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Entry>> };
  const own = read("package.json") as Entry;
  const file = `file:${tarball}`;
  const needed = new Map<string, Entry>();

  /** A package and all that it needs, from where Node would find it. */
  const need = (name: string, from: string): void => {
    const [path, entry] = [`${from}/node_modules/${name}`, `node_modules/${name}`]
      .map((place) => [place, packages[place]] as const)
      .find(([, found]) => found !== undefined) ?? ["", undefined];
    if (entry === undefined) throw new Error(`package-lock.json has no ${name}`);
    if (needed.has(path)) return;
    needed.set(path, { ...entry, dev: false });
    for (const inner of Object.keys(entry.dependencies ?? {})) need(inner, path);
  };
  for (const name of ["ioredis", ...Object.keys(own.dependencies ?? {})]) need(name, "");

  const manifest = {
    name: "consumer",
    version: "1.0.0",
    private: true,
    dependencies: { ioredis: needed.get("node_modules/ioredis")?.version, ioredoubt: file },
  };
  const { version, dependencies, bin, engines, peerDependencies, peerDependenciesMeta } = own;
  const installed = { version, resolved: file, dependencies, bin, engines, peerDependencies, peerDependenciesMeta };
  return {
    manifest,
    lock: {
      name: manifest.name,
      version: manifest.version,
      lockfileVersion: 3,
      requires: true,
      packages: { "": manifest, "node_modules/ioredoubt": installed, ...Object.fromEntries(needed) },
    },
  };
}
