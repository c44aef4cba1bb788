/**
 * Fills the catalogue's texts with what is known, and leaves out what does not apply. A condition that cannot be
 * decided counts as met: an unknown endpoint gets the advice for both kinds.
 */
import { isIP } from "node:net";
import type { NextStep } from "./diagnosis.js";
import type { Facts } from "./facts.js";
import { isElsewhere, isHere, toolsIn } from "./tools.js";

/** What a line may depend on; `TESTS` says how each is decided. */
export type Condition =
  | "local"
  | "remote"
  | "beyond-loopback"
  | "named"
  | "served"
  | "unserved"
  | "container"
  | "no-container"
  | "kubernetes"
  | "systemd"
  | "linux"
  | "mac"
  | "unix"
  | "tcp"
  | "tls"
  | "plain"
  | "cluster"
  | "standalone"
  | "sentinel"
  | "own-server"
  | "managed"
  | "elasticache"
  | "azure"
  | "upstash"
  | "own-process"
  | "user";

/** A text of the catalogue; `when` holds if all its conditions do. */
export interface Step {
  readonly say: string;
  /**
   * A command. `{cli}` is redis-cli with the connection's own arguments, never a password; `{login}` the same, asking for one.
   * `{within}` before a command ends it where a server is silent, which would hang it.
   * `{select}` goes behind them where the database matters, `{cliOptions}` is what is left of them without the address.
   */
  readonly run?: string;
  readonly when?: Condition | readonly Condition[];
}

/** A line of the catalogue: plain, or with a command and conditions. */
export type Text = string | Step;

const TESTS: Readonly<Record<Condition, (facts: Facts) => boolean>> = {
  local: (f) => f.local !== false,
  remote: (f) => f.local !== true,
  "beyond-loopback": (f) => f.loopback !== true,
  named: (f) => f.host === undefined || isIP(f.host) === 0,
  served: (f) => f.served,
  unserved: (f) => !f.served,
  container: (f) => f.container,
  "no-container": (f) => !f.container,
  kubernetes: (f) => f.kubernetes || f.host?.endsWith(".svc") === true || f.host?.includes(".svc.") === true,
  systemd: (f) => f.systemd !== false,
  linux: (f) => f.platform === undefined || f.platform === "linux",
  mac: (f) => f.platform === undefined || f.platform === "darwin",
  unix: (f) => f.path !== undefined,
  tcp: (f) => f.path === undefined,
  tls: (f) => f.tls !== false,
  plain: (f) => f.tls !== true,
  cluster: (f) => f.cluster,
  standalone: (f) => !f.cluster,
  sentinel: (f) => f.sentinelName !== undefined,
  "own-server": (f) => f.provider === undefined,
  managed: (f) => f.provider !== undefined,
  elasticache: (f) => f.provider === "aws" || f.provider === "aws-serverless",
  azure: (f) => f.provider === "azure",
  "own-process": (f) => f.pid !== undefined || f.platform === undefined,
  upstash: (f) => f.provider === "upstash",
  user: (f) => f.user !== undefined,
};

/** Whether a condition holds. One that cannot be decided does. */
export function holds(condition: Condition, facts: Facts): boolean {
  return TESTS[condition](facts);
}

/** The conditions of a text; none for most. */
export function conditionsOf(text: Text): readonly Condition[] {
  if (typeof text === "string" || text.when === undefined) return [];
  return typeof text.when === "string" ? [text.when] : text.when;
}

/** The texts that apply, filled, at most `limit`. */
export function select(texts: readonly Text[], facts: Facts, limit: number): NextStep[] {
  const chosen: NextStep[] = [];
  for (const text of texts) {
    if (chosen.length >= limit) break;
    if (!conditionsOf(text).every((condition) => holds(condition, facts))) continue;
    const step = typeof text === "string" ? { say: text } : text;
    if (facts.onlyHere && !canBeTaken(step, facts)) continue;
    const say = fill(step.say, facts);
    chosen.push(step.run === undefined ? { say } : { say, run: fill(step.run, facts, shellQuoted) });
  }
  return chosen;
}

/** Whether the programs of a step are on this machine, or it is for another one. */
function canBeTaken({ say, run }: Step, facts: Facts): boolean {
  return run === undefined || isElsewhere(say) || toolsIn(fill(run, facts, shellQuoted)).every(isHere);
}

/** Replaces `{name}` placeholders; what is not known becomes an upper-case word such as HOST. */
export function fill(template: string, facts: Facts, quote: (value: string) => string = asIs): string {
  if (!template.includes("{")) return template;
  return template.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => {
    switch (name) {
      case "target":
        return facts.path ?? (facts.host === undefined ? "the server" : address(facts));
      case "hostname":
        return facts.host ?? "the host";
      case "host":
        return facts.host === undefined ? "HOST" : quote(facts.host);
      case "port":
        return facts.port === undefined ? "PORT" : String(facts.port);
      case "address":
        return `${facts.host === undefined ? "HOST" : quote(bracketed(facts.host))}:${facts.port === undefined ? "PORT" : String(facts.port)}`;
      case "place":
        return fill(facts.path === undefined ? "{address}" : "{path}", facts, quote);
      case "path":
        return facts.path === undefined ? "SOCKET" : quote(facts.path);
      case "user":
        return facts.user === undefined ? "default" : quote(facts.user);
      case "db":
        return facts.db === undefined ? "DB" : String(facts.db);
      case "command":
        return facts.command ?? "the command";
      case "pid":
        return facts.pid === undefined ? "PID" : String(facts.pid);
      case "sentinelName":
        return facts.sentinelName === undefined ? "MASTER_NAME" : quote(facts.sentinelName);
      case "sentinelCli":
        return sentinelCli(facts, quote);
      case "sentinelLogin":
        return sentinelCli({ ...facts, sentinelAccess: { ...facts.sentinelAccess, asksPassword: true } }, quote);
      case "within":
        return within(facts, template.includes("{cli") && asks(facts));
      case "cli":
        return `redis-cli ${where(facts, quote)}${cliOptions(facts, quote)}`;
      case "login":
        return `redis-cli ${where(facts, quote)}${cliOptions({ ...facts, asksPassword: true }, quote)}`;
      case "cliOptions":
        return cliOptions(facts, quote);
      case "select":
        return facts.db === undefined || facts.db === 0 ? "" : ` -n ${String(facts.db)}`;
      default:
        return whole;
    }
  });
}

function address(facts: Facts): string {
  const host = facts.host ?? "";
  return facts.port === undefined ? host : `${bracketed(host)}:${String(facts.port)}`;
}

/** IPv6 addresses stand in brackets before a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function where(facts: Facts, quote: (value: string) => string): string {
  return facts.path === undefined
    ? `-h ${facts.host === undefined ? "HOST" : quote(facts.host)} -p ${facts.port === undefined ? "PORT" : String(facts.port)}`
    : `-s ${quote(facts.path)}`;
}

function cliOptions(facts: Facts, quote: (value: string) => string): string {
  const user = facts.user === undefined ? "" : ` --user ${quote(facts.user)}`;
  return `${facts.tls === true ? " --tls" : ""}${user}${asks(facts) ? " --askpass" : ""}`;
}

function asks({ user, asksPassword }: Facts): boolean {
  return user !== undefined || asksPassword;
}

/** Seconds for a server to answer, and for a person to type a password first. */
const ANSWER_SECONDS = 5;
const PASSWORD_SECONDS = 30;

/** What ends a command after a while: `timeout` of the coreutils, left in the foreground so that it may ask for a password. */
function within({ platform }: Facts, asksFirst: boolean): string {
  const seconds = String(asksFirst ? PASSWORD_SECONDS : ANSWER_SECONDS);
  if (platform === "win32") return "";
  // macOS has no timeout, and has perl.
  return platform === "darwin" ? `perl -e 'alarm shift; exec @ARGV' ${seconds} ` : `timeout --foreground ${seconds} `;
}

function sentinelCli(facts: Facts, quote: (value: string) => string): string {
  const [, host = "SENTINEL", port = "26379"] = /^(.*?)(?::(\d+))?$/.exec(facts.sentinel ?? "SENTINEL") ?? [];
  return `redis-cli -h ${quote(host)} -p ${port}${cliOptions({ ...facts, ...facts.sentinelAccess }, quote)}`;
}

/** A title that begins with a placeholder. */
export function sentence(template: string, facts: Facts): string {
  const filled = fill(template, facts);
  return filled.startsWith("the ") ? `The ${filled.slice(4)}` : filled;
}

function asIs(value: string): string {
  return value;
}

/** Names come from configuration and end up in somebody's shell. */
export function shellQuoted(value: string): string {
  return /^[\w.:@%/+-]+$/.test(value) && !value.startsWith("-") ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
