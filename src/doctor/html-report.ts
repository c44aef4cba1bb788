/**
 * The report as one self-contained page: no script, no font, no image, no address of anybody else, so that it can be
 * attached to a ticket and opened anywhere. Pure.
 */
import type { NextStep } from "../failure/diagnosis.js";
import type { Finding, Status } from "./finding.js";
import type { CheckReport, Report } from "./report.js";

const STYLE = `
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#59636e;--line:#d8dee4;--code:#eef1f4;
--ok:#1a7f37;--warn:#8f5a00;--fail:#c11f2b;--skip:#59636e}
@media screen and (prefers-color-scheme:dark){:root{--back:#0f1318;--card:#181d24;--text:#e6eaef;--soft:#9aa5b1;--line:#2d3540;--code:#0d1117;
--ok:#4ac26b;--warn:#e0a63a;--fail:#ff7b72;--skip:#9aa5b1}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
overflow-wrap:anywhere}
main{max-width:52rem;margin:0 auto;padding:1rem}
h1{font-size:1.05rem;margin:.2rem 0;color:var(--soft);font-weight:600}
h2{font-size:1rem;margin:0}
.counts{display:flex;flex-wrap:wrap;gap:.4rem 1rem;margin:.6rem 0;padding:0;list-style:none}
.counts b{color:var(--tone)}
a{color:inherit}
details.group{margin:.7rem 0}
summary{cursor:pointer;padding:.4rem 0;color:var(--soft);font-weight:600}
.verdict,.check{background:var(--card);border:1px solid var(--line);border-left:.35rem solid var(--tone);border-radius:.5rem;
padding:.8rem 1rem;margin:.7rem 0}
.verdict p{font-size:1.15rem;margin:.3rem 0}
.head{display:flex;gap:.6rem;align-items:baseline;flex-wrap:wrap}
.head small,.soft,dt{color:var(--soft)}
.badge{color:var(--tone);font-weight:700;font-size:.8rem;text-transform:uppercase;letter-spacing:.04em}
.ok{--tone:var(--ok)}.warn{--tone:var(--warn)}.fail{--tone:var(--fail)}.skip{--tone:var(--skip)}
.finding{border-top:1px solid var(--line);margin-top:.6rem;padding-top:.6rem}
.finding p{margin:.2rem 0}
pre{background:var(--code);border:1px solid var(--line);border-radius:.35rem;padding:.5rem .6rem;margin:.3rem 0;white-space:pre-wrap;
font:.85rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.4rem 0;font-size:.9rem}dd{margin:0}
ol{margin:.3rem 0;padding-left:1.2rem}
@media (max-width:30rem){main{padding:.6rem}dl{grid-template-columns:1fr}dd{margin-bottom:.3rem}}
@media print{:root{--back:#fff;color-scheme:light}.verdict,.check{break-inside:avoid}}
`;

const TONES = { healthy: "ok", warnings: "warn", failed: "fail", unknown: "warn" } as const;
const LABELS = { healthy: "healthy", warnings: "warnings", failed: "failed", unknown: "could not tell" } as const;

/** Titles of the groups, the ones that matter first. */
const GROUPS = { fail: "Failed", warn: "With warnings", ok: "Passed", skip: "Not looked at" } as const;
const ORDER = ["fail", "warn", "ok", "skip"] as const;

/** The report as an HTML document; every text of it is escaped. `version`: of this package. Links lead into its documentation as it is installed beside the application. */
export function renderHtml(report: Report, version?: string): string {
  const { verdict, target } = report;
  const code = verdict.code === undefined ? "" : ` <small>${escape(verdict.code)}</small>`;
  const title = `Redis doctor: ${target.address} ${LABELS[verdict.status]}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer"><title>${escape(title)}</title><style>${STYLE}</style></head>
<body><main>
<h1>ioredoubt doctor${version === undefined ? "" : ` ${escape(version)}`} · ${escape(target.address)}</h1>
<section class="verdict ${TONES[verdict.status]}"><div class="head"><span class="badge">${LABELS[verdict.status]}</span>${code}</div>
<p>${escape(verdict.sentence)}</p>${verdict.next === undefined ? "" : step(verdict.next)}</section>
${counts(report)}
${facts(report)}
${ORDER.map((status) => group(status, report.checks)).join("\n")}
</main></body></html>
`;
}

function counts({ checks }: Report): string {
  const items = ORDER.flatMap((status) => {
    const count = checks.filter((check) => check.status === status).length;
    const link = `<a href="#${status}"><b>${String(count)}</b> ${GROUPS[status].toLowerCase()}</a>`;
    return count === 0 ? [] : [`<li class="${status}">${link}</li>`];
  });
  // A check may hold several warnings, and the verdict counts these.
  return `<nav><ul class="counts"><li>${String(checks.length)} checks:</li>${items.join("")}</ul></nav>`;
}

/** What is well, or was not looked at, is folded: nobody reads a report for it. */
function group(status: Status, checks: readonly CheckReport[]): string {
  const members = checks.filter((check) => check.status === status);
  if (members.length === 0) return "";
  const isProblem = status === "fail" || status === "warn";
  const title = `${GROUPS[status]} (${String(members.length)})`;
  // A link into what is folded unfolds it; one to the fold itself does not.
  return `<details class="group"${isProblem ? " open" : ""}><summary>${title}</summary><div id="${status}">
${members.map(section).join("\n")}</div></details>`;
}

function facts({ target, startedAt, elapsed, runtime }: Report): string {
  const origins = Object.entries(target.origins).map(([part, origin]) => `${part} from ${origin}`);
  const rows: readonly (readonly [string, string])[] = [
    [
      "Target",
      `${target.address}, ${target.mode}, ${target.tls ? "with TLS" : "without TLS"}, database ${String(target.db)}`,
    ],
    ...(target.username === undefined ? [] : [["User", target.username] as const]),
    ...(origins.length === 0 ? [] : [["Origins", origins.join(", ")] as const]),
    ["When", `${startedAt}, took ${String(elapsed)} ms`],
    ["Seen from", `Node ${runtime.node} on ${runtime.platform}`],
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`).join("")}</dl>`;
}

function section(check: CheckReport): string {
  const time = check.elapsed > 0 ? `<small>${String(check.elapsed)} ms</small>` : "";
  return `<section class="check ${check.status}" id="${anchorOf(check.id)}"><div class="head"><span class="badge">${check.status}</span><h2><a href="#${anchorOf(check.id)}">${escape(check.title)}</a></h2>${time}</div>
${[...check.findings].sort(byUrgency).map(finding).join("\n")}</section>`;
}

function byUrgency(one: Finding, other: Finding): number {
  return ORDER.indexOf(one.status) - ORDER.indexOf(other.status);
}

function finding(one: Finding): string {
  const limit = one.threshold === undefined ? "" : `<p class="soft">Limit: ${escape(one.threshold)}</p>`;
  const steps = one.next.length === 0 ? "" : `<ol>${one.next.map((next) => `<li>${step(next)}</li>`).join("")}</ol>`;
  const topic =
    one.status === "ok" || one.status === "skip"
      ? ""
      : `<p class="soft">Guide: ${link(chapterOf(one.topic), one.topic)}${one.code === undefined ? "" : ` · ${link(`errors/${one.code}.md`, one.code)}`}</p>`;
  return `<div class="finding ${one.status}"><p>${escape(one.evidence)}</p><p class="${one.status === "ok" || one.status === "skip" ? "soft" : ""}">${escape(one.meaning)}</p>${limit}${steps}${topic}</div>`;
}

/** Where the documentation lies beside an application that installed this package. */
const DOCS = "node_modules/ioredoubt/docs/";

function link(page: string, text: string): string {
  return `<a href="${DOCS}${page}">${escape(text)}</a>`;
}

/** The heading's anchor, as renderers of Markdown make it: `1.1 Host and port` is `#11-host-and-port`. */
export function chapterOf(topic: string): string {
  return `guide.md#${topic
    .toLowerCase()
    .replace(/[^a-z0-9 ]/g, "")
    .replaceAll(" ", "-")}`;
}

function anchorOf(id: string): string {
  return `check-${id.replace(/[^a-z0-9]+/g, "-")}`;
}

function step({ say, run }: NextStep): string {
  return `${escape(say)}${run === undefined ? "" : `<pre>${escape(run)}</pre>`}`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
