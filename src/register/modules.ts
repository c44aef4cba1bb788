/** The ES modules that stand for copies of ioredis: what they are called, and their text. */
import { fileURLToPath } from "node:url";

/** Marks the address of a copy that is to be swapped. */
export const COPY = "?ioredoubt";
/** The name under which the program's thread offers the class for a copy: hooks may run in another one. */
export const TAKE = "ioredoubt.register";

/** What ioredis exports, beside its default. An ES module must list its names. */
export const NAMES: readonly string[] = [
  "AbstractConnector",
  "Cluster",
  "Command",
  "Pipeline",
  "Redis",
  "ReplyError",
  "ScanStream",
  "SentinelConnector",
  "SentinelIterator",
  "print",
];

/** Whether an ES module asks for ioredis. */
export function isRequest(specifier: string, parent: string | undefined): boolean {
  return specifier === "ioredis" && parent?.endsWith(COPY) !== true;
}

/** Where the module is that stands for a copy of ioredis. */
export function swapped(resolution: { readonly url: string }): object {
  if (!resolution.url.startsWith("file:")) return resolution;
  return { ...resolution, url: `${resolution.url}${COPY}`, format: "module", shortCircuit: true };
}

/** Its text. */
export function sourceOf(url: string): object {
  const file = fileURLToPath(url.slice(0, -COPY.length));
  const source = [
    `const ioredis = globalThis[Symbol.for(${JSON.stringify(TAKE)})](${JSON.stringify(file)});`,
    "export default ioredis;",
    'export { ioredis as "module.exports" };',
    `export const { ${NAMES.join(", ")} } = ioredis;`,
  ].join("\n");
  return { format: "module", source, shortCircuit: true };
}
