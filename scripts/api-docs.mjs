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

/**
 * One name: a declaration, or all overloads of a function. `omitted`: members that it does not have, though its declaration does.
 * @typedef {{ name: string, isExported: boolean, nodes: ts.Statement[], omitted: ReadonlySet<string> }} Item
 */

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
  return `\n## \`${entry}\`\n\n${renamed(sections.join("\n\n"), items)}`;
}

/** With types called as they can be imported, where their declaration has another name. @param {string} text @param {readonly Item[]} items */
function renamed(text, items) {
  const known = new Set(items.map(({ name }) => name));
  const pairs = items.flatMap(({ name, nodes }) => nodes.map((node) => [bare(nameOf(node) ?? ""), name]));
  return pairs
    .filter(([inner = ""]) => inner !== "" && !known.has(inner))
    .reduce((all, [inner = "", name = ""]) => all.replaceAll(new RegExp(`\\b${inner}\\b`, "g"), name), text);
}

/** @type {ReadonlySet<string>} */
const NONE = new Set();

/** What is exported under a name of its own, and the types that its signatures speak of. @param {ts.SourceFile} source @returns {Item[]} */
function itemsOf(source) {
  const exported = exportsOf(source);
  /** @type {Map<string, Item>} */
  const items = new Map();
  /** @param {ts.Statement} node */
  const exportOf = (node) => exported.get(nameOf(node) ?? "")?.find((name) => name !== "default");
  const all = source.statements.map((node) => {
    const shown = exportOf(node);
    return { node, shown, ...(shown === undefined ? { target: node, omitted: NONE } : follow(node, source)) };
  });
  // What is shown under the name of its alias is not shown under its own as well.
  /** @type {ReadonlySet<ts.Statement>} */
  const behind = new Set(all.filter(({ node, target }) => target !== node).map(({ target }) => target));
  for (const { node, shown, target, omitted } of all) {
    if (shown === undefined && (behind.has(node) || !isTold(node))) continue;
    const name = shown ?? bare(nameOf(node) ?? "");
    const item = items.get(name) ?? { name, isExported: shown !== undefined, nodes: [], omitted };
    item.nodes.push(target);
    items.set(name, item);
  }
  return [...items.values()].sort((a, b) => compare(a.name, b.name));
}

/** A type that says something: about itself, or about one of its members. @param {ts.Statement} node */
function isTold(node) {
  if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node)) return false;
  return wordsOf(node) !== "" || membersOf(node).some((member) => wordsOf(member) !== "");
}

/**
 * The declaration that stands behind `type A = B` or `type A = Omit<B, "x">`; the statement itself where there is none.
 * @param {ts.Statement} node
 * @param {ts.SourceFile} source
 * @param {ReadonlySet<string>} [omitted] by the aliases that led here
 * @returns {{ target: ts.Statement, omitted: ReadonlySet<string> }}
 */
function follow(node, source, omitted = NONE) {
  if (!ts.isTypeAliasDeclaration(node) || !ts.isTypeReferenceNode(node.type)) return { target: node, omitted };
  const { typeName, typeArguments = [] } = node.type;
  const [first, keys] = typeArguments;
  const isOmit = typeName.getText() === "Omit" && first !== undefined && keys !== undefined;
  const behind = isOmit ? first.getText() : typeName.getText();
  const target = source.statements.find((one) => isDeclaration(one) && nameOf(one) === behind);
  if (target === undefined) return { target: node, omitted };
  const names = isOmit ? [...keys.getText().matchAll(/"(\w+)"/g)].map(([, name = ""]) => name) : [];
  return follow(target, source, new Set([...omitted, ...names]));
}

/** @param {ts.Statement} node */
function isDeclaration(node) {
  return ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node);
}

/** @param {Item} item @returns {string} */
function renderItem({ name, isExported, nodes, omitted }) {
  const [first] = nodes;
  const all = first === undefined ? [] : membersOf(first);
  const members = all.filter((member) => !omitted.has(member.name?.getText() ?? ""));
  const shown = members.length > 0 && first !== undefined ? headOf(first, name) : nodes.map(print).join("\n");
  return [
    `#### ${name}`,
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
  if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)) return [...node.type.members];
  if (!ts.isClassDeclaration(node)) return [];
  return node.members.filter((member) => !ts.isConstructorDeclaration(member) && wordsOf(member) !== "");
}

/** @param {ts.ClassElement | ts.TypeElement} member */
function renderMember(member) {
  const said = wordsOf(member).replaceAll(/\n+/g, " ");
  // A `@property` goes on after its name.
  const words = ts.isTypeLiteralNode(member.parent) ? said.replace(/^[a-z]/, (first) => first.toUpperCase()) : said;
  const signature = print(member)
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/;$/, "");
  return `- \`${signature}\`${words === "" ? "" : `  \n  ${words}`}`;
}

/** The declaration without its members, under the name that it is shown by. @param {ts.Statement} node @param {string} name */
function headOf(node, name) {
  const head = print(node).split("{")[0]?.trim() ?? "";
  const own = bare(nameOf(node) ?? "");
  return `${own === "" ? head : head.replace(new RegExp(`\\b${own}\\b`), name)} { … }`;
}

/** Without what the bundler appends to names that several files have. @param {string} name */
function bare(name) {
  return name.replaceAll(/\$\d+\b/g, "");
}

const printer = ts.createPrinter({ removeComments: true });

/** Names of ioredis that this package has too are ioredis's own. @param {ts.Node} node */
function print(node) {
  const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  const list = /\[\n([^[\]]*)\n\]/.exec(text)?.[1]?.split("\n") ?? [];
  const shortened = list.length > MOST ? text.replace(list.join("\n"), `${list.slice(0, 3).join("\n")}\n    …`) : text;
  const named = shortened
    .replace(/^(?:export )?(?:declare )?/, "")
    .replaceAll(/\b(Redis|Cluster|Command|RedisOptions|ClusterOptions)\$1\b/g, "ioredis.$1");
  return bare(named);
}

/** The docstring, with what it says of parameters, results and errors. @param {ts.Node} node @returns {string} */
function wordsOf(node) {
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  if (comment === undefined) return "";
  const told = (comment.tags ?? []).filter(
    ({ tagName }) => !/^(?:type|readonly|typedef|property|ts-ignore)$/.test(tagName.text),
  );
  const tags = told.map((tag) => {
    const said = textOf(tag.comment);
    if (said === "" && !ts.isJSDocThrowsTag(tag)) return "";
    if (ts.isJSDocParameterTag(tag)) return `\`${tag.name.getText()}\`: ${said.replace(/^- /, "")}`;
    if (ts.isJSDocThrowsTag(tag))
      return `Throws ${tag.typeExpression?.getText().replace(/^\{(.*)\}$/, "`$1` ") ?? ""}${said}`.trim();
    return ts.isJSDocReturnTag(tag) ? `Returns ${said}` : `${tag.tagName.text} ${said}`;
  });
  return [textOf(comment.comment), ...tags].filter((part) => part !== "").join("\n\n");
}

/** @param {string | ts.NodeArray<ts.JSDocComment> | undefined} comment */
function textOf(comment) {
  return (ts.getTextOfJSDocComment(comment) ?? "").replaceAll(/ *\n(?!\n|- ) */g, " ").trim();
}

/** As GitHub makes it of a heading. @param {string} text */
function anchor(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(join(root, PAGE), renderPage());
