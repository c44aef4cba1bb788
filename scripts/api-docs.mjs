/**
 * Writes `docs/api.md`: what each entry exports, with the words that an editor shows over it. Signatures and docstrings come
 * from the built declarations and from nowhere else; `test/package/api-docs.test.ts` holds the page against the build.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { compare, exportsOf, nameOf, REPORTS } from "./api-report.mjs";

const root = join(import.meta.dirname, "..");
/** The page, from the root of the package. */
export const PAGE = "docs/api.md";

const HEAD = `# The interface

Every name that the package exports, with its docstring. Written by \`npm run api\` from the built declarations; do not edit. What comes
from ioredis and is the same there is not repeated: [ioredis's own reference](https://redis.github.io/ioredis/). The options with their defaults in
each profile are in [policy.md](policy.md). Times are milliseconds unless a docstring says otherwise.
`;

/** One name: a declaration, or all overloads of a function. @typedef {{ name: string, isExported: boolean, nodes: ts.Statement[] }} Item */

/** In this order, each under a heading of its own. @type {readonly [heading: string, is: (node: ts.Statement | undefined) => boolean][]} */
const KINDS = [
  [
    "Functions and values",
    (node) => node !== undefined && (ts.isFunctionDeclaration(node) || ts.isVariableStatement(node)),
  ],
  ["Classes", (node) => node !== undefined && ts.isClassDeclaration(node)],
  ["Types", () => true],
];
/** A list with more than this many elements is shortened: its type has another home. */
const MOST = 12;

/** @returns {string} */
export function renderPage() {
  const entries = [...REPORTS.values()].map(({ entry, declarations }) => ({ entry, source: parse(declarations) }));
  const list = entries.map(({ entry }) => `[\`${entry}\`](#${anchor(entry)})`).join(", ");
  return `${[HEAD, `Entries: ${list}.`, ...entries.map(renderEntry)].join("\n")}\n`;
}

/** @param {string} declarations */
function parse(declarations) {
  const path = join(root, declarations);
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
}

/** @param {{ entry: string, source: ts.SourceFile }} entry */
function renderEntry({ entry, source }) {
  const items = itemsOf(source);
  const kindOf = (/** @type {Item} */ { nodes: [first] }) => KINDS.find(([, is]) => is(first))?.[0];
  const sections = KINDS.flatMap(([heading]) => {
    const chosen = items.filter((item) => kindOf(item) === heading);
    return chosen.length === 0 ? [] : [`### ${heading}`, ...chosen.map(renderItem)];
  });
  return `\n## \`${entry}\`\n\n${sections.join("\n\n")}`;
}

/** What is exported under a name of its own, and the types that its signatures speak of. @param {ts.SourceFile} source @returns {Item[]} */
function itemsOf(source) {
  const exported = exportsOf(source);
  /** @type {Map<string, Item>} */
  const items = new Map();
  for (const node of source.statements) {
    const inner = nameOf(node);
    const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
    const shown = exported.get(inner ?? "")?.find((name) => name !== "default");
    const name = shown ?? (isType && wordsOf(node) !== "" ? inner : undefined);
    if (name === undefined) continue;
    const item = items.get(name) ?? { name, isExported: shown !== undefined, nodes: [] };
    item.nodes.push(node);
    items.set(name, item);
  }
  return [...items.values()].sort((a, b) => compare(a.name, b.name));
}

/** @param {Item} item @returns {string} */
function renderItem({ name, isExported, nodes }) {
  const [first] = nodes;
  const members = first === undefined ? [] : membersOf(first);
  const shown = members.length > 0 && first !== undefined ? headOf(first) : nodes.map(print).join("\n");
  return [
    `#### ${name.replace("$1", "")}`,
    `\`\`\`ts\n${shown}\n\`\`\``,
    isExported ? "" : "Its name cannot be imported.",
    ...new Set(nodes.map(wordsOf)),
    members.map(renderMember).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Of classes those with a docstring: the others are ioredis's. @param {ts.Statement} node @returns {readonly (ts.ClassElement | ts.TypeElement)[]} */
function membersOf(node) {
  if (ts.isInterfaceDeclaration(node)) return [...node.members];
  return ts.isClassDeclaration(node) ? node.members.filter((member) => wordsOf(member) !== "") : [];
}

/** @param {ts.ClassElement | ts.TypeElement} member */
function renderMember(member) {
  const words = wordsOf(member).replaceAll(/\n+/g, " ");
  const signature = print(member)
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/;$/, "");
  return `- \`${signature}\`${words === "" ? "" : `  \n  ${words}`}`;
}

/** The declaration without its members. @param {ts.Statement} node */
function headOf(node) {
  return `${print(node).split("{")[0]?.trim() ?? ""} { … }`;
}

const printer = ts.createPrinter({ removeComments: true });

/** Names of ioredis that this package has too are ioredis's own. @param {ts.Node} node */
function print(node) {
  const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  const list = /\[\n([^[\]]*)\n\]/.exec(text)?.[1]?.split("\n") ?? [];
  const shortened = list.length > MOST ? text.replace(list.join("\n"), `${list.slice(0, 3).join("\n")}\n    …`) : text;
  return shortened
    .replace(/^(?:export )?(?:declare )?/, "")
    .replaceAll(/\b(Redis|Cluster|Command|RedisOptions|ClusterOptions)\$1\b/g, "ioredis.$1")
    .replaceAll("$1", "");
}

/** The docstring, with what it says of parameters, results and errors. @param {ts.Node} node @returns {string} */
function wordsOf(node) {
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  if (comment === undefined) return "";
  const tags = (comment.tags ?? []).map((tag) => {
    const said = textOf(tag.comment);
    if (ts.isJSDocParameterTag(tag)) return `\`${tag.name.getText()}\`: ${said.replace(/^- /, "")}`;
    if (ts.isJSDocThrowsTag(tag))
      return `Throws ${tag.typeExpression?.getText().replace(/^\{(.*)\}$/, "`$1` ") ?? ""}${said}`;
    return ts.isJSDocReturnTag(tag) ? `Returns ${said}` : `${tag.tagName.text} ${said}`;
  });
  return [textOf(comment.comment), ...tags].filter((part) => part !== "").join("\n\n");
}

/** @param {string | ts.NodeArray<ts.JSDocComment> | undefined} comment */
function textOf(comment) {
  return (ts.getTextOfJSDocComment(comment) ?? "").replaceAll(/ *\n(?!\n|- )/g, " ").trim();
}

/** As GitHub makes it of a heading. @param {string} text */
function anchor(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(join(root, PAGE), renderPage());
