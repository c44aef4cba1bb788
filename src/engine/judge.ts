/**
 * Quick judgement of a server's error reply: may it be sent again, and does it speak against the endpoint? The answer
 * depends on the reply's first word, so it is worked out once a word, command and endpoint: log lines are written from
 * it and name all three. Errors that come out of a script are worked out each time, because the word there says nothing
 * of what the script did before.
 */
import { classify } from "../failure/classify.js";
import type { Diagnosis, EndpointInfo, FailureContext } from "../failure/diagnosis.js";

const MAX_WORDS = 200;
/** ERR covers many unrelated failures; the others name their reason further on. A script's reply quotes the word of whatever failed in it. */
const AMBIGUOUS: ReadonlySet<string> = new Set(["ERR", "EXECABORT", "UNBLOCKED", "MISCONF", "NOPERM"]);
const known = new WeakMap<EndpointInfo, Map<string, Diagnosis>>();

export function judge(error: Error, context: FailureContext): Diagnosis {
  const { message } = error;
  const space = message.indexOf(" ");
  const word = space === -1 ? message : message.slice(0, space);
  const { endpoint, command } = context;
  if (AMBIGUOUS.has(word) || message.includes("script") || endpoint === undefined) return classify(error, context);
  let words = known.get(endpoint);
  if (words === undefined) known.set(endpoint, (words = new Map<string, Diagnosis>()));
  const key = `${word} ${command ?? ""}`;
  let diagnosis = words.get(key);
  if (diagnosis === undefined) {
    diagnosis = classify(error, context);
    if (words.size < MAX_WORDS) words.set(key, diagnosis);
  }
  return diagnosis;
}
