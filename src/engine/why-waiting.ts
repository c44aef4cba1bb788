/**
 * Why commands wait, as an error says it to the caller who waited in vain: the first cause, not only that time is over. One
 * sentence, and the error it stands for.
 */
import { factsOf } from "../command/facts.js";
import type { IoredoubtError } from "../failure/errors.js";
import { redactText } from "../failure/redact.js";
import { formatDuration } from "../format.js";
import type { FailureSnapshot } from "./failure-snapshot.js";
import { noConnection, silentSoFar } from "./connection-errors.js";

/** A reply that is due for less than this keeps nobody waiting who need be told. Milliseconds. */
const SILENT = 100;
/** Characters of what a server said. */
const WORDS = 100;

export interface WhyWaiting {
  /** A sentence with a blank before it; empty where nothing is known. */
  readonly sentence: string;
  readonly cause: Error | undefined;
}

/** What went wrong with the connection, as a sentence with a blank before it; empty when nothing did. */
export function because({ context, cause }: FailureSnapshot): string {
  const { connection, phase, lookupMs, loginMs, endpoint } = context;
  const { lastWords } = connection ?? {};
  if (loginMs !== undefined && endpoint?.credentialsFrom !== undefined) {
    return ` The credentials provider ${endpoint.credentialsFrom} has been asked for ${formatDuration(loginMs)} without an answer.`;
  }
  if (phase === "resolve" && lookupMs !== undefined) {
    return ` The name of the server has been looked up for ${formatDuration(lookupMs)} without an answer.`;
  }
  // Whoever was told why need not guess from what became of the socket.
  if (lastWords !== undefined) return ` The server's last words were: ${inSentence(redactText(lastWords, WORDS))}.`;
  return cause === undefined ? "" : ` Last connection error: ${inSentence(cause.message || cause.name)}.`;
}

/** Why what waits does so: the connection, a server that refuses for now, one that is silent, or an attempt that goes on. */
export function whyWaiting(snapshot: FailureSnapshot): WhyWaiting {
  const known = because(snapshot);
  if (known !== "") return { sentence: known, cause: snapshot.cause };
  const { context, label, refusal } = snapshot;
  const { phase, connection, head } = context;
  if (phase === "ready") {
    if (refusal !== undefined) {
      const what = refusal.writesOnly ? "writes" : "commands";
      const said = inSentence(redactText(refusal.error.message, WORDS));
      return { sentence: ` The server refuses ${what} for now: ${said}.`, cause: refusal.error };
    }
    // The server owes a block nothing before it ends.
    if (head !== undefined && factsOf(head.command).dispatch === "blocking") {
      const block = `${head.command.toUpperCase()} has the connection to itself, for ${formatDuration(head.forMs)} so far`;
      return { sentence: ` ${block}.`, cause: undefined };
    }
    const silence = Math.min(connection?.silentMs ?? 0, head?.forMs ?? 0);
    return silence < SILENT ? NOTHING : told(silentSoFar(label, silence));
  }
  return phase === "resolve" || phase === "connect" || phase === "handshake"
    ? told(noConnection(label, context))
    : NOTHING;
}

const NOTHING: WhyWaiting = { sentence: "", cause: undefined };

function told(cause: IoredoubtError): WhyWaiting {
  return { sentence: ` ${asSentence(cause)}`, cause };
}

/** An error of this package, which may stand inside a sentence, as one of its own. A name at its beginning stays as it is written. */
export function asSentence({ message, endpoint = "" }: IoredoubtError): string {
  const begins = endpoint !== "" && message.startsWith(endpoint);
  return `${begins ? message : message.charAt(0).toUpperCase() + message.slice(1)}.`;
}

/** Another's words inside a sentence of ours: on one line, and without the end of their own. */
function inSentence(words: string): string {
  return words.replace(/\s+/g, " ").replace(/[\s.:]+$/, "");
}
