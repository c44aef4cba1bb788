/** Hover texts: every option says what it means and what its default is, and every exported name says what it is for. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { FIELDS } from "../../src/policy/fields.js";
import { BASE } from "../../src/policy/profiles.js";

const src = join(import.meta.dirname, "../../src");
/** Folders whose exports must all be documented. */
const FOLDERS = ["failure", "failure-pages", "policy", "doctor", "cli"];

const shape = join(src, "policy/shape.ts");
const program = ts.createProgram([shape], { strict: true, noEmit: true, module: ts.ModuleKind.NodeNext, types: [] });
const checker = program.getTypeChecker();
const root = program
  .getSourceFile(shape)
  ?.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === "ResilienceOptions");

/** The documentation an editor shows for an option, e.g. `retry.budget.tokens`. */
function hoverOf(path: string): string {
  let type = root === undefined ? undefined : checker.getTypeAtLocation(root);
  let symbol: ts.Symbol | undefined;
  for (const key of path.split(".")) {
    symbol = type === undefined ? undefined : propertyOf(type, key);
    type = symbol === undefined || root === undefined ? undefined : checker.getTypeOfSymbolAtLocation(symbol, root);
  }
  return symbol === undefined ? "" : ts.displayPartsToString(symbol.getDocumentationComment(checker));
}

/** Also inside `{ … } | false | undefined`. */
function propertyOf(type: ts.Type, key: string): ts.Symbol | undefined {
  const parts = type.isUnion() ? type.types : [type];
  return parts.map((part) => checker.getPropertyOfType(part, key)).find((one) => one !== undefined);
}

/** As a docstring writes it; `""` for a part. */
function defaultOf(path: string): string {
  const value = path.split(".").reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], BASE);
  if (typeof value === "string") return `\`"${value}"\``;
  return typeof value === "number" ? String(value) : "";
}

describe("hover texts", () => {
  it.each(FIELDS.filter(({ path }) => path !== "provider").map(({ path }) => path))(
    "of resilience.%s hold its meaning and default",
    (path) => {
      const hover = hoverOf(path).replaceAll("\n", " ");
      expect(hover).toMatch(/^[A-Z].{20,} Default: ./);
      const shown = defaultOf(path);
      if (shown !== "") expect(hover).toContain(`Default: ${shown}.`);
    },
  );

  it("of what is not in the table of fields hold a default too", () => {
    for (const path of ["profile", "provider", "name", "logger", "doctor", "fallback"])
      expect([path, /default/i.test(hoverOf(path))]).toEqual([path, true]);
  });
});

describe("docstrings", () => {
  it.each(FOLDERS)("stand over every exported name of src/%s", (folder) => {
    const missing = readdirSync(join(src, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => undocumented(join(src, folder, name)).map((one) => `${folder}/${name}: ${one}`));
    expect(missing).toEqual([]);
  });
});

/** The names a file exports without a documentation comment. */
function undocumented(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, i) => {
    const name = /^export (?:async |abstract )*(?:function|class|interface|type|const) (\w+)/.exec(line)?.[1];
    return name === undefined || lines[i - 1]?.trimEnd().endsWith("*/") === true ? [] : [name];
  });
}
