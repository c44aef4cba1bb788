/** Commands for next steps, with the target's own address in them and never a password: they are made to be pasted. */
import { NO_FACTS } from "../failure/facts.js";
import { fill, shellQuoted } from "../failure/template.js";
import type { Context } from "./check.js";
import { addressOf, type Endpoint } from "./target.js";

/** `redis-cli` as this target is reached; it asks for a password where the target has one. */
export function cliOf({ seen, target }: Pick<Context, "seen" | "target">): string {
  const { host, port, path } = seen.endpoint ?? {};
  const where = path === undefined ? { host, port } : { path };
  const facts = { ...NO_FACTS, ...where, tls: target.tls !== undefined, user: target.username };
  const asks = target.password !== undefined && target.username === undefined ? " --askpass" : "";
  return `${fill("{cli}", facts, shellQuoted)}${asks}`;
}

/** The doctor for another endpoint, in plain text or over TLS as the target is. `tls` overrules that. */
export function doctorFor({ target }: Pick<Context, "target">, endpoint: Endpoint, tls?: boolean): string {
  const secure = tls ?? target.tls !== undefined;
  const authority = secure && target.tls?.ca !== undefined ? " --tls-ca ca.pem" : "";
  return `npx ioredoubt doctor ${shellQuoted(`${secure ? "rediss://" : ""}${addressOf(endpoint)}`)}${authority}`;
}
