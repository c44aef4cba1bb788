/** What to do about a firewall of this machine, by the tools that are installed here. All of it needs root. */
import type { NextStep } from "../../failure/diagnosis.js";
import { shellQuoted } from "../../failure/template.js";
import type { Machine } from "../machine.js";

interface Tool {
  readonly name: string;
  readonly see: (port: string) => string;
  /** Lets one client in. */
  readonly letIn: (port: string) => string;
  /** Lets this machine out to one server. */
  readonly letOut: (port: string, host: string) => string;
}

/** Those in front manage the rules of those behind. */
const TOOLS: readonly Tool[] = [
  {
    name: "ufw",
    see: () => "ufw status verbose",
    letIn: (port) => `ufw allow from CLIENT_ADDRESS to any port ${port} proto tcp`,
    letOut: (port, host) => `ufw allow out to ${host} port ${port} proto tcp`,
  },
  {
    name: "firewall-cmd",
    see: () => "firewall-cmd --list-all",
    letIn: (port) =>
      `firewall-cmd --add-rich-rule='rule family=ipv4 source address=CLIENT_ADDRESS port port=${port} protocol=tcp accept'`,
    letOut: (port, host) =>
      `firewall-cmd --direct --add-rule ipv4 filter OUTPUT 0 -p tcp -d ${host} --dport ${port} -j ACCEPT`,
  },
  {
    name: "iptables",
    see: (port) => `iptables -L -n -v --line-numbers | grep -E 'DROP|REJECT|${port}'`,
    letIn: (port) => `iptables -I INPUT -p tcp -s CLIENT_ADDRESS --dport ${port} -j ACCEPT`,
    letOut: (port, host) => `iptables -I OUTPUT -p tcp -d ${host} --dport ${port} -j ACCEPT`,
  },
  {
    name: "nft",
    see: () => "nft list ruleset",
    letIn: (port) => `nft insert rule inet filter input ip saddr CLIENT_ADDRESS tcp dport ${port} accept`,
    letOut: (port, host) => `nft insert rule inet filter output ip daddr ${host} tcp dport ${port} accept`,
  },
];

/** `asked`: tools that answered. `host`: the server, where it is this machine that does not let its own packets out. */
export async function firewallSteps(
  machine: Machine,
  asked: readonly string[],
  port: number,
  host?: string,
): Promise<NextStep[]> {
  const installed = await Promise.all(TOOLS.map(async ({ name }) => asked.includes(name) || (await machine.has(name))));
  const here = TOOLS.filter((_, i) => installed[i]);
  const answered = here.filter(({ name }) => asked.includes(name));
  const [manager] = answered.length > 0 ? answered : here;
  if (manager === undefined) {
    return [
      {
        say: "No firewall tool is installed here: look at the firewall of the host, the hypervisor or the cloud network",
      },
    ];
  }
  const name = String(port);
  const open: NextStep =
    host === undefined
      ? { say: "Let one client in (as root)", run: manager.letIn(name) }
      : { say: "Let it out (as root)", run: manager.letOut(name, shellQuoted(host)) };
  // The rules as they are in force come first: they have counters
  const rules = here.find((tool) => tool.name === "iptables" || tool.name === "nft") ?? manager;
  return [{ say: "See the rules in force (as root)", run: rules.see(name) }, open];
}
