/** Commands for next steps, with the target's own address in them and never a password: they are made to be pasted. */
import { NO_FACTS, type Facts } from "../failure/facts.js";
import { fill, shellQuoted } from "../failure/template.js";
import type { Context } from "./check.js";
import { addressOf, type Endpoint } from "./target.js";

function factsOf({ seen, target, machine }: Pick<Context, "seen" | "target" | "machine">): Facts {
  const { host, port, path } = seen.endpoint ?? {};
  const where = path === undefined ? { host, port } : { path };
  const login = { user: target.username, asksPassword: target.password !== undefined };
  return { ...NO_FACTS, ...where, ...login, tls: target.tls !== undefined, platform: machine.platform };
}

/** `redis-cli` as this target is reached; it asks for a password where the target has one. */
export function cliOf(context: Pick<Context, "seen" | "target" | "machine">): string {
  return fill("{cli}", factsOf(context), shellQuoted);
}

/** The same, ended after a while: for a server that may be silent, which would hang it. */
export function cliWithin(context: Pick<Context, "seen" | "target" | "machine">): string {
  return fill("{within}{cli}", factsOf(context), shellQuoted);
}

/** What ends any other command that may wait for a silent server. */
export function within({ machine }: Pick<Context, "machine">): string {
  return fill("{within}", { ...NO_FACTS, platform: machine.platform });
}

/** The doctor for another endpoint, in plain text or over TLS as the target is. `tls` overrules that. */
export function doctorFor({ target }: Pick<Context, "target">, endpoint: Endpoint, tls?: boolean): string {
  return doctorAt(endpoint, tls ?? target.tls !== undefined, target.tls?.ca !== undefined);
}

/** The doctor for a Sentinel: it says which link to it is broken. */
export function doctorForSentinel({ target }: Pick<Context, "target">, node: Endpoint, tls?: boolean): string {
  return doctorAt(node, tls ?? target.sentinelTls !== undefined, target.sentinelTls?.ca !== undefined);
}

function doctorAt(endpoint: Endpoint, secure: boolean, hasAuthority: boolean): string {
  const authority = secure && hasAuthority ? " --tls-ca ca.pem" : "";
  return `npx --no ioredoubt doctor ${shellQuoted(`${secure ? "rediss://" : ""}${addressOf(endpoint)}`)}${authority}`;
}

/** `redis-cli` as a Sentinel is reached; it asks for the password where one is given, or where it is wanted (`asks`). */
export function sentinelCli(
  { target, machine }: Pick<Context, "target" | "machine">,
  node: Endpoint,
  asks: boolean = target.sentinelPassword !== undefined,
): string {
  const facts = { host: node.host, port: node.port, user: target.sentinelUsername, asksPassword: asks };
  const tls = target.sentinelTls;
  const filled = fill(
    "{within}{cli}",
    { ...NO_FACTS, ...facts, tls: tls !== undefined, platform: machine.platform },
    shellQuoted,
  );
  return tls?.ca === undefined ? filled : filled.replace(" --tls", " --tls --cacert ca.pem");
}
