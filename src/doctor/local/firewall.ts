/**
 * What the firewall tools of this machine say about one port. Reads only, by the tools that are there; most of them answer
 * root alone, and "no tool would tell" is then the honest result.
 */
import type { Machine } from "../machine.js";

/** What the firewall tools said about a port. */
export interface FirewallFacts {
  /** Tools that answered. */
  readonly asked: readonly string[];
  /** Rules that reject or drop and may concern the port, as `tool: rule`. */
  readonly rules: readonly string[];
}

const TOOLS: readonly (readonly [string, readonly string[]])[] = [
  ["iptables", ["-S"]],
  ["ip6tables", ["-S"]],
  ["nft", ["list", "ruleset"]],
  ["ufw", ["status"]],
  ["firewall-cmd", ["--list-all"]],
];
const TOOL_TIMEOUT = 800;
const RULE_LIMIT = 4;

/** Asks every firewall tool of this machine about a TCP port; each has 800 milliseconds. Never rejects. */
export async function firewallFacts(machine: Machine, port: number): Promise<FirewallFacts> {
  const answers = await Promise.all(
    TOOLS.map(async ([tool, args]) => [tool, await machine.run(tool, args, TOOL_TIMEOUT)] as const),
  );
  // A firewall that is switched off has no say
  const told = answers.filter(([, text]) => text !== undefined && !/^Status: inactive/m.test(text));
  const rules = told.flatMap(([tool, text = ""]) => blockingLines(text, port).map((line) => `${tool}: ${line}`));
  return { asked: told.map(([tool]) => tool), rules: rules.slice(0, RULE_LIMIT) };
}

/** Lines that refuse: those that name the port, and those that name no port at all (policies, catch-all rules). */
export function blockingLines(text: string, port: number): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /\b(?:reject|drop|deny)\b/i.test(line) && !/^(?:#|-N\b|chain\b)/i.test(line))
    .filter((line) => !/policy accept/i.test(line) && concerns(line, port));
}

function concerns(line: string, port: number): boolean {
  // `-P INPUT DROP`, `policy drop;`, and rules without a port stand for every port
  const ports = [...line.matchAll(/(?:--dports?|\bdport|\bport=?)\s*(?:\{([^}]*)\}|"?(\d[\d:,-]*)"?)/gi)];
  const ufw = /^(\d+)(?:\/(?:tcp|udp))?\s/.exec(line)?.[1];
  if (ufw !== undefined) return Number(ufw) === port;
  if (ports.length === 0)
    return !/\b(?:udp|icmp)\b(?! port)/i.test(line) && !/--state INVALID|ct state invalid/i.test(line);
  return ports.some(([, set, single]) =>
    (set ?? single ?? "").split(",").some((part) => {
      const [low, high = low] = part.trim().split(/[-:]/).map(Number);
      return low !== undefined && high !== undefined && port >= low && port <= high;
    }),
  );
}
