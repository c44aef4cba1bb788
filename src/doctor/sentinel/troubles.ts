/** Data: what each kind of trouble with a Sentinel means, and what to do, with the client's own way there in the commands. */
import type { NextStep } from "../../failure/diagnosis.js";
import { shellQuoted } from "../../failure/template.js";
import type { Context } from "../check.js";
import { doctorForSentinel, sentinelCli } from "../commands.js";
import { addressOf, type Endpoint } from "../target.js";
import type { Said, Trouble, TroubleKind } from "./said.js";

/** What a trouble means, and what to do. */
export interface Explained {
  readonly meaning: string;
  readonly next: readonly NextStep[];
}

/** What a trouble means and what to do, for one Sentinel or, in the verdict, for all. */
export function explained(
  context: Context,
  { node, watches }: Said,
  { kind, words }: Trouble,
  name: string,
): Explained {
  const { target } = context;
  const shown = watches.length === 0 ? "" : ` They watch ${watches.map((one) => context.clean(one, 60)).join(", ")}.`;
  const cli = (say: string, rest: string): NextStep => ask(context, node, rest, say);
  const origin = target.origins.get("name");
  const table: Readonly<Record<TroubleKind, () => Explained>> = {
    name: () => ({
      meaning: `The names of the Sentinels cannot be looked up (${words}).`,
      next: [{ say: "See whether the name has an address here", run: `getent hosts ${shellQuoted(node.host)}` }],
    }),
    unknown: () => ({
      meaning: `The Sentinels answer and know no master named ${name}: the name is wrong.${shown}`,
      next: [
        cli("See which masters they know (healthy: the name of this client among them)", "sentinel masters"),
        { say: `Correct the name where it is set${origin === undefined ? "" : ` (${origin})`}` },
      ],
    }),
    access: () => ({
      meaning: accessMeaning(words, target.sentinelPassword !== undefined),
      next: [
        {
          say: "Log in by hand (healthy: an address; the fault: WRONGPASS or NOAUTH)",
          run: `${sentinelCli(context, node, true)} sentinel get-master-addr-by-name ${shellQuoted(name)}`,
        },
        { say: "Set sentinelPassword (REDIS_SENTINEL_PASSWORD), and sentinelUsername for a user that is not default" },
      ],
    }),
    tls: () => ({
      meaning: "The Sentinels speak TLS and are asked in plain text.",
      next: [
        { say: "Set sentinelTLS: {} (REDIS_SENTINEL_TLS=on, or REDIS_SENTINEL_TLS_CA_FILE for an own authority)" },
        { say: "Look at one over TLS (its certificate is the point)", run: doctorForSentinel(context, node, true) },
      ],
    }),
    plain: () => ({
      meaning: "The Sentinels speak plain text and are asked over TLS (sentinelTLS).",
      next: [{ say: "Leave sentinelTLS (REDIS_SENTINEL_TLS…) out, or give the Sentinels a tls-port" }],
    }),
    certificate: () => ({
      meaning: `The Sentinels' certificate is not accepted (${words}).`,
      next: [
        { say: "Give the authority and the name it is for: sentinelTLS (REDIS_SENTINEL_TLS_CA_FILE, …_SERVERNAME)" },
        { say: "See what is wrong with it (one line per fault)", run: doctorForSentinel(context, node, true) },
      ],
    }),
    "other-server": () => ({
      meaning: `${addressOf(node)} is a Redis server, not a Sentinel: Sentinels usually listen on 26379.`,
      next: [{ say: `Correct the list of Sentinels${from(target.origins.get("sentinels"))}` }],
    }),
    silent: () => ({
      meaning: `${addressOf(node)} accepts connections and does not answer: it is frozen, or busy.`,
      next: [cli("Ask it by hand (PONG: it is back)", "ping")],
    }),
    unreachable: () => ({
      meaning: `${addressOf(node)} cannot be reached (${words}).`,
      next: [
        {
          say: "See why (its verdict says which link is broken)",
          run: doctorForSentinel(context, node),
        },
      ],
    }),
    other: () => ({
      meaning: `${addressOf(node)} gives no usable answer (${words}).`,
      next: [cli("Ask it by hand (healthy: an address)", `sentinel get-master-addr-by-name ${shellQuoted(name)}`)],
    }),
  };
  return table[kind]();
}

function from(origin: string | undefined): string {
  return origin === undefined ? "" : ` (${origin})`;
}

/** A Sentinel's password is not the server's. */
function accessMeaning(words: string, isGiven: boolean): string {
  if (words.startsWith("NOPERM")) return `The user at the Sentinels may not ask for the master (${words}).`;
  if (isGiven && !words.startsWith("NOAUTH"))
    return "The Sentinels refuse the password they are given (sentinelPassword); it is not that of the server.";
  return "The Sentinels want a password of their own (sentinelPassword).";
}

/** A question to a Sentinel, as a next step. */
export function ask(context: Context, node: Endpoint, rest: string, say: string): NextStep {
  return { say, run: `${sentinelCli(context, node)} ${rest}` };
}
