/**
 * Writes `etc/*.api.md`: every declaration that the package makes public, without comments, by name. A change of the public
 * interface is a change of these files, seen in review; `test/package/api-report.test.ts` holds them against the build.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

const root = join(import.meta.dirname, "..");

/** Report to the entry's name, and the declarations that it is made from. */
export const REPORTS = new Map([
  ["etc/ioredoubt.api.md", { entry: "ioredoubt", declarations: "dist/index.d.ts" }],
  ["etc/doctor.api.md", { entry: "ioredoubt/doctor", declarations: "dist/doctor/index.d.ts" }],
  ["etc/otel.api.md", { entry: "ioredoubt/otel", declarations: "dist/otel/index.d.ts" }],
  ["etc/prometheus.api.md", { entry: "ioredoubt/prometheus", declarations: "dist/prometheus/index.d.ts" }],
  ["etc/testing.api.md", { entry: "ioredoubt/testing", declarations: "dist/testing/index.d.ts" }],
]);

/**
 * The report of one entry, from its built declarations. Their order is that of the source files, which may move; the report's
 * is that of the names.
 * @param {{ entry: string, declarations: string }} report
 * @returns {string}
 */
export function renderReport({ entry, declarations }) {
  const path = join(root, declarations);
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const printer = ts.createPrinter({ removeComments: true });
  const exported = exportsOf(source);
  /** @type {[name: string, text: string][]} */
  const items = [];
  for (const statement of source.statements) {
    const name = nameOf(statement);
    if (name === undefined) continue;
    const text = printer
      .printNode(ts.EmitHint.Unspecified, statement, source)
      .replace(/^(?:export )?(?:declare )?/, "");
    items.push([name, `${exported.has(name) ? "export " : ""}${text}`]);
  }
  items.sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)));
  const whole = source.statements.filter(ts.isExportDeclaration).filter((one) => one.exportClause === undefined);
  const head = [...whole.map((one) => one.getText()), `export { ${exportList(exported)} };`];
  return `# The public interface of \`${entry}\`

Written by \`npm run api\` from the built declarations; do not edit. What has no \`export\` is visible in the type of something
that has one, and cannot be imported.

\`\`\`ts
${[...head, ...items.map(([, text]) => text)].join("\n\n")}
\`\`\`
`;
}

/**
 * Names inside the file to the names that they are exported under.
 * @param {ts.SourceFile} source
 */
export function exportsOf(source) {
  /** @type {Map<string, string[]>} */
  const names = new Map();
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause))
      continue;
    for (const { name, propertyName } of statement.exportClause.elements) {
      const inner = (propertyName ?? name).text;
      names.set(inner, [...(names.get(inner) ?? []), name.text]);
    }
  }
  return names;
}

/** @param {ReadonlyMap<string, readonly string[]>} exported */
function exportList(exported) {
  const all = [...exported].flatMap(([inner, names]) =>
    names.map((name) => (name === inner ? name : `${inner} as ${name}`)),
  );
  return all.sort(compare).join(", ");
}

/**
 * The name that a statement declares; undefined for imports and exports.
 * @param {ts.Statement} statement
 */
export function nameOf(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  const { name } = /** @type {ts.DeclarationStatement} */ (statement);
  return name?.getText();
}

/**
 * By code unit, and so the same in every locale.
 * @param {string} a
 * @param {string} b
 */
export function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [file, report] of REPORTS) writeFileSync(join(root, file), renderReport(report));
}
