/**
 * Renders the catalogue: a page a code and an index as Markdown for docs/errors, and the same page for a terminal. One
 * text, three places; nothing here adds to what the catalogue says.
 */
import { CATALOGUE } from "../failure/catalogue.js";
import type { Entry } from "../failure/catalogue/entry.js";
import type { Area, NextStep } from "../failure/diagnosis.js";
import { NO_FACTS, type Facts } from "../failure/facts.js";
import { fill, sentence, shellQuoted, type Text } from "../failure/template.js";
import { mayApply, openConditions } from "./conditions.js";
import { PAGES } from "./pages.js";
import { wrap } from "../wrap.js";

interface Section {
  readonly heading: string;
  readonly items: readonly NextStep[];
}

const AREAS: readonly (readonly [Area, string])[] = [
  ["network", "Network: reaching the server"],
  ["tls", "TLS"],
  ["access", "Access: passwords, permissions, limits"],
  ["server", "State of the server"],
  ["topology", "Cluster and Sentinel"],
  ["client", "This client and this process"],
  ["usage", "Usage: the command and its data"],
  ["unknown", "Anything else"],
];

function sectionsOf(entry: Entry, facts: Facts): readonly Section[] {
  const list = (texts: readonly Text[]): NextStep[] =>
    texts.filter((text) => mayApply(text, facts)).map((text) => item(text, facts));
  const page = PAGES[entry.code];
  return [
    { heading: "Why it happens, the most likely first", items: list(entry.why) },
    { heading: "First steps", items: list(entry.next) },
    { heading: "How to find out more", items: list(page.findOut) },
    { heading: "How to fix it", items: list(page.fix) },
    { heading: "How to prevent it", items: list(page.prevent) },
  ];
}

function item(text: Text, facts: Facts): NextStep {
  const step = typeof text === "string" ? { say: text } : text;
  const labels = openConditions(text, facts);
  const say = `${labels.length === 0 ? "" : `(${labels.join(", ")}) `}${fill(step.say, facts)}`;
  return step.run === undefined ? { say } : { say, run: fill(step.run, facts, shellQuoted) };
}

function executed(entry: Entry): string {
  switch (entry.applied) {
    case "never":
      return 'No. It did not reach the server (unless it had been written to an earlier connection: then `applied` is "maybe").';
    case "refused":
      return "No. The server refused it; only if the reply came from inside a script, what the script wrote before stays.";
    case "lost":
      return "Maybe, if it had been sent: `applied` on the error says which.";
  }
}

function circuit(entry: Entry): string {
  switch (entry.breaker) {
    case "read-write":
      return "Counts against the endpoint: enough such failures open the circuit for all commands.";
    case "write":
      return "Counts against writes: reads go on when the write circuit opens.";
    case "none":
      return "Does not count: it says nothing about the endpoint's health.";
  }
}

const retry = (entry: Entry): string =>
  entry.retryable ? "Yes, a little later." : "No. Something must be changed first.";

/** The page `docs/errors/CODE.md`. */
export function renderPage(entry: Entry): string {
  const { means, examples } = PAGES[entry.code];
  const lines = [
    `# ${entry.code}`,
    "",
    `**${capital(entry.name)}.** ${sentence(entry.title, NO_FACTS)}`,
    "",
    means,
    "",
    "| | |",
    "|---|---|",
    `| Was the command executed? | ${executed(entry)} |`,
    `| Does repeating it help? | ${retry(entry)} |`,
    `| Circuit breaker | ${circuit(entry)} |`,
    `| Area, severity | ${entry.area}, ${entry.severity} |`,
  ];
  for (const { heading, items } of sectionsOf(entry, NO_FACTS)) {
    lines.push("", `## ${heading}`, "");
    items.forEach((step, i) => {
      lines.push(`${String(i + 1)}. ${introduced(step)}`);
      if (step.run !== undefined) lines.push("", "   ```sh", `   ${step.run}`, "   ```", "");
    });
  }
  if (examples.length > 0) lines.push("", "## What it looks like", "", "```text", ...examples.map(printable), "```");
  lines.push("", `In a terminal: \`npx ioredoubt explain ${entry.code}\`. All codes: [index](README.md).`, "");
  return lines.join("\n").replace(/\n{3,}/g, "\n\n");
}

/** The page `docs/errors/README.md`. */
export function renderIndex(): string {
  const lines = [
    "# Failure codes",
    "",
    "Every failure that this package reports has one of these codes: as `error.code` or `error.diagnosis.code`, and as `code` in the log.",
    "They are stable. `npx ioredoubt explain CODE` prints the same pages offline; it also takes a pasted error text.",
  ];
  for (const [area, heading] of AREAS) {
    lines.push("", `## ${heading}`, "", "| code | what happened | executed? | repeat? |", "|---|---|---|---|");
    for (const entry of CATALOGUE.filter((one) => one.area === area)) {
      const may = entry.applied === "lost" ? "maybe" : "no";
      lines.push(
        `| [${entry.code}](${entry.code}.md) | ${sentence(entry.title, NO_FACTS)} | ${may} | ${entry.retryable ? "yes" : "no"} |`,
      );
    }
  }
  lines.push(
    "",
    "This folder is generated from the catalogue (`src/failure/catalogue/`, `src/failure-pages/texts/`) by `node scripts/generate-error-docs.mjs`.",
    "",
  );
  return lines.join("\n");
}

/** All files of docs/errors, by name. */
export function renderAll(): ReadonlyMap<string, string> {
  return new Map([
    ["README.md", renderIndex()],
    ...CATALOGUE.map((entry) => [`${entry.code}.md`, renderPage(entry)] as const),
  ]);
}

/** The page for a terminal of `width` columns; `facts` fill in host and port where a pasted text names them. */
export function renderText(entry: Entry, width: number, facts: Facts = NO_FACTS): string {
  const lines = [
    `${entry.code}: ${entry.name}`,
    "",
    ...wrap(sentence(entry.title, facts), width, ""),
    ...wrap(PAGES[entry.code].means, width, ""),
    "",
    ...wrap(`Executed?  ${executed(entry)}`, width, "           "),
    ...wrap(`Repeat it? ${retry(entry)}`, width, "           "),
  ];
  for (const { heading, items } of sectionsOf(entry, facts)) {
    lines.push("", heading);
    items.forEach((step, i) => {
      const number = `${String(i + 1)}.`.padEnd(3);
      lines.push(...wrap(`  ${number}${introduced(step)}`, width, "     "));
      // Commands are not wrapped: they are there to be copied.
      if (step.run !== undefined) lines.push(`       ${step.run}`);
    });
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** All codes by area, for a terminal. */
export function renderList(width: number): string {
  const column = Math.max(...CATALOGUE.map((entry) => entry.code.length)) + 2;
  const lines: string[] = [];
  for (const [area, heading] of AREAS) {
    lines.push(heading);
    for (const entry of CATALOGUE.filter((one) => one.area === area)) {
      lines.push(...wrap(`  ${entry.code.padEnd(column)}${entry.name}`, width, " ".repeat(column + 2)));
    }
    lines.push("");
  }
  return lines.join("\n");
}

/** What to do, with the colon that a command below it asks for. */
function introduced(step: NextStep): string {
  return step.run === undefined || /[?.:]$/.test(step.say) ? step.say : `${step.say}:`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Examples contain the odd control byte. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
