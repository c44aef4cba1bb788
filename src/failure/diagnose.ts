/**
 * What `classify` answers. The decisions are in the signature tables, the words in the catalogue; this file only brings them
 * together. In the build it is in a file of its own (`failure.js`) with both: no start needs it, and no command that succeeds.
 */
import { adviceFor } from "./advice.js";
import { entryOf, isCode } from "./catalogue.js";
import type { Entry } from "./catalogue/entry.js";
import type { Code } from "./codes.js";
import type { Applied, Diagnosis, FailureContext } from "./diagnosis.js";
import { IoredoubtError } from "./errors.js";
import { evidenceOf } from "./evidence.js";
import { factsOf } from "./facts.js";
import { peek } from "./peek.js";
import { redactText } from "./redact.js";
import { SCRIPT_MARK, withoutScriptValues } from "./script-text.js";
import { match, type Circumstances } from "./signatures.js";
import type { Signature } from "./signatures/signature.js";
import { unwrap, type View } from "./unwrap.js";

const WHY_LIMIT = 5;

/** What was recognised: a code, the row that led to it, and the row of the error around it. */
interface Finding {
  readonly code: Code;
  readonly row?: Signature | undefined;
  readonly outer?: Signature | undefined;
  /** The code underneath one of our own errors: its advice comes first. */
  readonly beneath?: Code | undefined;
}

/** Like `classify`, and may throw where the error itself does. */
export function diagnose(error: unknown, context: FailureContext): Diagnosis {
  const views = unwrap(error);
  const own = isOwn(error);
  const finding = refine(find(views, context, own), views, context);
  const entry = entryOf(finding.code);
  const facts = factsOf(context, views);
  const special = finding.row?.why ?? forgotten(finding.code, context);
  const observed = evidenceOf(entry.area, views, context, facts);
  const evidence = special === undefined ? observed : [...observed, special];
  const beneath = finding.beneath === undefined ? undefined : entryOf(finding.beneath);
  const advice = adviceFor(entry, beneath, facts);
  const why = evidence.length === 0 ? advice.why : Object.freeze([...evidence, ...advice.why].slice(0, WHY_LIMIT));
  return Object.freeze({
    code: finding.code,
    area: entry.area,
    severity: concernsCallerOnly(finding.code, context) ? "info" : entry.severity,
    applied: appliedOf(entry, finding, views, context, own ? peek(error, "applied") : undefined),
    retryable: finding.row?.retryable ?? (entry.retryable || (facts.cluster && REDIRECTS.has(finding.code))),
    breaker: stalled(context) && LATE.has(finding.code) ? "none" : (finding.row?.breaker ?? entry.breaker),
    title: advice.title,
    why,
    evidence: observed.length === 0 ? NOTHING : Object.freeze(observed.slice(0, WHY_LIMIT)),
    next: advice.next,
    docs: `docs/errors/${finding.code}.md`,
    seen: seenOf(views, context),
  });
}

/** Why a connection is gone that nobody used while this process stood still, as frozen functions and suspended laptops do. */
function forgotten(code: Code, { connection }: FailureContext): string | undefined {
  if (connection?.pausedMs === undefined || !(CLOSED.has(code) || code === "RESPONSE_TIMEOUT")) return undefined;
  return "A router, balancer or NAT gateway forgot the connection while this process stood still.";
}

/** Within a Cluster these only mean "ask again". */
const REDIRECTS: ReadonlySet<Code> = new Set<Code>(["MOVED", "ASK"]);
/** Verdicts that a blocked event loop makes worthless: the reply may have been here all the time. */
const LATE: ReadonlySet<Code> = new Set<Code>([
  "DEADLINE",
  "RESPONSE_TIMEOUT",
  "EVENT_LOOP_BLOCKED",
  "HANDSHAKE_TIMEOUT",
]);
/** Ways to lose a connection for which the server may have given a reason just before. */
const CLOSED: ReadonlySet<Code> = new Set<Code>(["CONNECTION_CLOSED_EARLY", "CONNECTION_RESET", "CONNECTION_LOST"]);

/**
 * The same words weigh less when one command provoked them: a monitor that asks a standalone server for CLUSTER INFO,
 * a MOVE to a database that does not exist, an AUTH with somebody else's password. The connection is as good as before.
 */
function concernsCallerOnly(code: Code, { command, endpoint }: FailureContext): boolean {
  const name = command?.toLowerCase();
  if (name === undefined) return false;
  switch (code) {
    case "CLUSTER_DISABLED":
      return endpoint?.cluster !== true;
    case "DB_OUT_OF_RANGE":
      return name !== "select";
    case "AUTH_WRONG":
      return name === "auth" || name === "hello";
    default:
      return false;
  }
}

function isOwn(error: unknown): boolean {
  try {
    return IoredoubtError.is(error);
  } catch {
    return false;
  }
}

function find(views: readonly View[], context: FailureContext, own: boolean): Finding {
  const [root, ...inner] = views;
  if (root === undefined) return { code: "UNKNOWN" };
  const around = circumstances(context);
  if (isCode(root.code)) {
    const cause = own && inner.length > 0 ? find(inner, context, false) : undefined;
    const isKnown = cause !== undefined && cause.code !== "UNKNOWN";
    return { code: root.code, beneath: isKnown ? refine(cause, inner, context).code : undefined };
  }
  const row = match(root, around);
  if (row === undefined)
    return first(inner, around, NOT_UNKNOWN) ?? { code: isReply(root) ? "COMMAND_REFUSED" : "UNKNOWN" };
  if (row.wraps === undefined) return { code: row.code, row };
  const nested = first(inner, around, row.wraps === "config" ? needsPerson : NOT_UNKNOWN);
  return nested === undefined || nested.row?.wraps !== undefined ? { code: row.code, row } : { ...nested, outer: row };
}

/** Only a server that is up, and has understood, answers with an error. */
function isReply(view: View): boolean {
  return /^(?:ReplyError|SimpleError|BlobError|ErrorReply)$/.test(view.name);
}

function circumstances(context: FailureContext): Circumstances {
  const early = context.phase === "connect" || context.phase === "handshake" || context.connection?.everReady === false;
  return { early, written: context.written };
}

/** The first recognised error of the list; one that wraps nothing further is preferred. */
function first(views: readonly View[], around: Circumstances, wanted: (code: Code) => boolean): Finding | undefined {
  let fallback: Finding | undefined;
  for (const view of views) {
    if (isCode(view.code) && wanted(view.code)) return { code: view.code };
    const row = match(view, around);
    if (row === undefined || !wanted(row.code)) continue;
    if (row.wraps === undefined) return { code: row.code, row };
    fallback ??= { code: row.code, row };
  }
  return fallback;
}

const NOT_UNKNOWN = (code: Code): boolean => code !== "UNKNOWN";
const needsPerson = (code: Code): boolean => entryOf(code).severity === "fatal";

/** What the connection and the event loop know can name the failure better than the error does. */
function refine(finding: Finding, views: readonly View[], context: FailureContext): Finding {
  const lastWords = context.connection?.lastWords;
  if (lastWords !== undefined && CLOSED.has(finding.code)) {
    const said = first(
      unwrap(lastWords.slice(0, 500)),
      circumstances(context),
      (code) => !CLOSED.has(code) && code !== "UNKNOWN",
    );
    if (said !== undefined) return { ...said, outer: finding.row };
  }
  // Scripts may answer with errors of their own.
  if (finding.code === "COMMAND_REFUSED" && ranScript(context)) return { code: "SCRIPT_FAILED" };
  if (finding.code === "RESPONSE_TIMEOUT" && stalled(context) && !isCode(views[0]?.code))
    return { code: "EVENT_LOOP_BLOCKED" };
  return finding;
}

function stalled(context: FailureContext): boolean {
  return context.loop !== undefined && context.loop.blockedMs > 0 && context.loop.blockedMs >= context.loop.ofMs / 2;
}

const SCRIPT_COMMAND = /^(?:eval|evalsha|fcall)/i;

function ranScript({ script, command }: FailureContext): boolean {
  return script === true || (command !== undefined && SCRIPT_COMMAND.test(command));
}

function appliedOf(
  entry: Entry,
  finding: Finding,
  views: readonly View[],
  context: FailureContext,
  given: unknown,
): Applied {
  if (context.written === false) return "no";
  // An error about a connection says "no" because it knows no command; what the caller knows of its command counts more.
  if (given === "maybe" || (given === "no" && context.written !== true)) return given;
  const { row, outer } = finding;
  const fixed = outer?.applied ?? row?.applied;
  if (fixed !== undefined) return fixed;
  const proof = outer === undefined ? entry.applied : entryOf(outer.code).applied;
  switch (proof) {
    case "lost":
      return "maybe";
    case "never":
      return context.written === true ? "maybe" : "no";
    case "refused": {
      return ranScript(context) || views.some((view) => SCRIPT_MARK.test(view.message)) ? "maybe" : "no";
    }
  }
}

function seenOf(views: readonly View[], context: FailureContext): string {
  const [root, ...inner] = views;
  if (root === undefined) return "";
  const isScripts = SCRIPT_MARK.test(root.message) || (isReply(root) && ranScript(context));
  if (root.message !== "") return redactText(isScripts ? withoutScriptValues(root.message) : root.message);
  const messages = [...new Set(inner.map((view) => view.message).filter((message) => message !== ""))].slice(0, 4);
  const label = [root.name, root.code].filter((word) => word !== undefined && word !== "").join(" ");
  const detail = messages.length > 0 ? messages.join("; ") : label === "" ? root.kind : "";
  return redactText([label, detail].filter((word) => word !== "").join(": "));
}

const NOTHING: readonly string[] = Object.freeze([]);
