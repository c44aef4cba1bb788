/**
 * Sentinel and Cluster clients do not have one address: they ask a list of nodes. Every node is asked, so that one which
 * is down or disagrees is seen while the others still answer.
 */
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { ok, skip, type Draft } from "../finding.js";
import { lookUp } from "../machine.js";
import { judgeSentinels } from "../sentinel/judge.js";
import { addressOf } from "../target.js";
import { dial } from "../wire/dial.js";

/** A node may take this long to be looked up. */
const NODE_LOOKUP = 1500;

/** Which address Sentinel or the list of nodes leads to. */
export const discoveryCheck: Check = {
  id: "discovery",
  title: "Sentinel and nodes",
  topic: "5 Topology",
  needs: ["target"],
  deadline: 5500,
  chain: true,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { target, seen } = context;
  if (context.options.passive) {
    // Sentinels would have to be asked
    seen.endpoint = target.endpoint ?? target.nodes[0];
    return [skip("only looked at from outside")];
  }
  if (target.nodes.length === 0) {
    seen.endpoint = target.endpoint;
    return [skip("one fixed address", "Nothing to discover.")];
  }
  return target.mode === "sentinel" ? judgeSentinels(context) : chooseNode(context);
}

/** The first startup node that accepts a connection; the chain goes on with it. */
async function chooseNode(context: Context): Promise<Draft[]> {
  const { target, seen, machine, options } = context;
  const tried = await Promise.all(
    target.nodes.map(async (node) => {
      try {
        const [{ address } = {}] = await lookUp(machine, node.host, target.family, NODE_LOOKUP);
        if (address === undefined) return "no address";
        const { socket, error } = await dial({ address, port: node.port }, options.connectTimeout / 2);
        socket?.on("error", () => undefined);
        socket?.destroy();
        return socket === undefined ? (error?.code ?? "failed") : "connected";
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "failed";
      }
    }),
  );
  const evidence = target.nodes.map((node, i) => `${addressOf(node)}: ${tried[i] ?? ""}`).join("; ");
  const good = tried.indexOf("connected");
  seen.endpoint = target.nodes[Math.max(0, good)];
  if (tried.every((one) => one === "connected")) return [ok(evidence, "Every startup node accepts connections.")];
  return [
    {
      status: "warn",
      evidence,
      meaning:
        good < 0
          ? "No startup node accepts connections; the first one is examined."
          : "Some startup nodes do not accept connections.",
      next: [
        {
          say: "See which nodes the cluster has (healthy: connected; the fault: fail)",
          run: `${cliOf(context)} cluster nodes`,
        },
      ],
    },
  ];
}
