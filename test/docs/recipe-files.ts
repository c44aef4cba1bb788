/** The pieces of code in docs/recipes.md, as files that can be run: each names itself in its first line. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import typescript from "typescript";

const { ModuleKind, ScriptTarget, transpileModule } = typescript;
export const recipesPage = readFileSync(new URL("../../docs/recipes.md", import.meta.url), "utf8");

/** By their names, without `.ts`. */
export const recipes: ReadonlyMap<string, string> = new Map(
  [...recipesPage.matchAll(/```ts\n\/\/ (\S+)\.ts\n([\s\S]+?)```/g)].map(([, name = "", source = ""]) => [
    name,
    source,
  ]),
);

/** Writes a recipe as an ES module into a folder, from where its packages can be found. Returns the path. */
export function writeRecipe(folder: string, name: string): string {
  const source = recipes.get(name);
  if (source === undefined) throw new Error(`docs/recipes.md has no ${name}.ts`);
  const options = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022, experimentalDecorators: true };
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, transpileModule(source, { compilerOptions: options }).outputText);
  return path;
}
