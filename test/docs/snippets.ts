/** The pieces of code in the documents, and a way to run one: as it stands, with what the page takes as given. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";
import typescript from "typescript";

export interface Snippet {
  /** From the root of the project. */
  readonly page: string;
  readonly language: string;
  readonly source: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => join("docs", name)),
];

export const snippets: readonly Snippet[] = PAGES.flatMap((page) =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)].map(
    ([, language = "", source = ""]) => ({ page, language, source }),
  ),
);

/** Modules by the names that a snippet imports. */
export type Modules = Readonly<Record<string, object>>;

/**
 * Runs a snippet as the body of an async function; its imports are taken from `modules`, and the names in `given` are there.
 * Resolves to the values of the names in `wanted`.
 */
export async function run(
  source: string,
  {
    modules,
    given,
    wanted = [],
  }: { modules: Modules; given: Readonly<Record<string, unknown>>; wanted?: readonly string[] },
): Promise<Readonly<Record<string, unknown>>> {
  const body = source
    .replaceAll(/^import \{([^}]*)\} from "([^"]+)";/gm, (_, names: string, from: string) => {
      const values = names.split(",").filter((name) => !name.trim().startsWith("type "));
      return `const {${values.join(",").replaceAll(" as ", ": ")}} = load(${JSON.stringify(from)});`;
    })
    .replaceAll(/^export /gm, "");
  const { outputText } = typescript.transpileModule(
    `async function snippet() {\n${body}\nreturn { ${wanted.join(", ")} };\n}`,
    {
      compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2022 },
    },
  );
  const load = (name: string): object => {
    const found = modules[name];
    if (found === undefined) throw new Error(`the test has no module ${name}`);
    return found;
  };
  const make = compileFunction(`${outputText}\nreturn snippet;`, ["load", ...Object.keys(given)]) as (
    ...values: unknown[]
  ) => () => Promise<Readonly<Record<string, unknown>>>;
  return make(load, ...Object.values(given))();
}
