/**
 * Sentinel and Cluster clients do not have one address: they ask a list of nodes. Every node is asked, so that one which
 * is down or disagrees is seen while the others still answer.
 */
import { shellQuoted } from "../../failure/template.js";
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { ok, skip, type Draft } from "../finding.js";
import { lookUp } from "../machine.js";
import { addressOf, type Endpoint } from "../target.js";
import { dial, dialTls } from "../wire/dial.js";
import { RespClient, errorOf } from "../wire/resp-client.js";

/** A node may take this long for each step, so that all of them together stay below the check's deadline. */
const NODE_LOOKUP = 1500;
const NODE_CONNECT = 1500;
const NODE_REPLY = 1000;

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
  return target.mode === "sentinel" ? askSentinels(context) : chooseNode(context);
}

interface Said {
  readonly node: Endpoint;
  readonly master: string | undefined;
  readonly trouble: string | undefined;
  /** The Sentinel answers, and knows no master of that name. */
  readonly unknown?: true;
}

async function askSentinels(context: Context): Promise<Draft[]> {
  const { target, seen } = context;
  const name = target.sentinelName ?? "mymaster";
  const said = await Promise.all(target.nodes.map((node) => askOne(context, node, name)));
  const answers = said.flatMap((one) => one.master ?? []);
  const evidence = said.map((one) => `${addressOf(one.node)}: ${one.master ?? one.trouble ?? "silent"}`).join("; ");
  const majority = answers.sort((a, b) => count(answers, b) - count(answers, a))[0];
  // The one that says something else is the one to ask
  const odd = said.find((one) => one.master !== majority) ?? said[0];
  const sentinel = sentinelCli(context, odd?.node);
  if (majority === undefined) {
    const diagnosis = context.classify(new Error("All sentinels are unreachable and retry is disabled."));
    const unknown = said.every((one) => one.unknown === true);
    return [
      {
        status: "fail",
        code: diagnosis.code,
        evidence,
        meaning: unknown
          ? `The Sentinels answer and know no master named ${name}: the name is wrong.`
          : (commonCause(said) ?? diagnosis.title),
        next: unknown
          ? [
              {
                say: "See which masters they know (the name of this client among them is well)",
                run: `${sentinel} sentinel masters`,
              },
            ]
          : diagnosis.next,
      },
    ];
  }
  const colon = majority.lastIndexOf(":");
  seen.endpoint = { host: majority.slice(0, colon), port: Number(majority.slice(colon + 1)) };
  const agree = count(answers, majority);
  const all = agree === said.length;
  return [
    {
      status: all ? "ok" : "warn",
      evidence,
      threshold: "every Sentinel names the same master",
      meaning: all
        ? `All ${String(said.length)} Sentinels name ${majority} as master of ${name}.`
        : `${String(agree)} of ${String(said.length)} Sentinels name ${majority} as master of ${name}; the others disagree or are down.`,
      next: all
        ? []
        : [
            {
              say: "Ask the one that differs (the ip and port of the others are well)",
              run: `${sentinel} sentinel master ${name}`,
            },
          ],
    },
  ];
}

/** What all of them have in common, or what one of them says: a Sentinel's password is not the server's. */
function commonCause(said: readonly Said[]): string | undefined {
  const [first] = said;
  if (said.every((one) => /^(?:EAI_AGAIN|ENOTFOUND)$/.test(one.trouble ?? "")))
    return `The names of the Sentinels cannot be looked up (${first?.trouble ?? ""}).`;
  const refusal = said.find((one) => /^(?:NOAUTH|WRONGPASS|ERR invalid password)/.test(one.trouble ?? ""))?.trouble;
  if (refusal === undefined) return undefined;
  return refusal.startsWith("NOAUTH")
    ? "The Sentinels want a password of their own (sentinelPassword)."
    : "The Sentinels refuse the password they are given (sentinelPassword); it is not that of the server.";
}

/** It asks for the password where one is given. */
function sentinelCli({ target }: Context, node: Endpoint = { host: "SENTINEL", port: 26_379 }): string {
  const user = target.sentinelUsername === undefined ? "" : ` --user ${shellQuoted(target.sentinelUsername)}`;
  const login = target.sentinelPassword === undefined ? "" : `${user} --askpass`;
  const tls = target.sentinelTls === undefined ? "" : " --tls";
  return `redis-cli -h ${shellQuoted(node.host)} -p ${String(node.port)}${tls}${login}`;
}

function count(list: readonly string[], value: string): number {
  return list.filter((one) => one === value).length;
}

async function askOne(context: Context, node: Endpoint, name: string): Promise<Said> {
  const { target, clean } = context;
  const client = await open(context, node);
  if (typeof client === "string") return { node, master: undefined, trouble: client };
  try {
    if (target.sentinelPassword !== undefined) {
      const user = target.sentinelUsername === undefined ? [] : [target.sentinelUsername];
      const refusal = errorOf(await client.send("AUTH", ...user, target.sentinelPassword));
      // A password for a Sentinel that wants none is harmless, as it is to the client
      if (refusal !== undefined && context.classify(refusal).code !== "AUTH_NOT_CONFIGURED")
        return { node, master: undefined, trouble: clean(refusal, 80) };
    }
    const reply = await client.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name);
    const error = errorOf(reply);
    if (error !== undefined) return { node, master: undefined, trouble: clean(error, 80) };
    if (!Array.isArray(reply)) return { node, master: undefined, trouble: `knows no master ${name}`, unknown: true };
    return { node, master: (reply as readonly unknown[]).map(String).join(":"), trouble: undefined };
  } catch {
    return { node, master: undefined, trouble: "no reply in time" };
  } finally {
    client.close();
  }
}

/** A connection to a Sentinel, or what kept it from standing. */
async function open(context: Context, node: Endpoint): Promise<RespClient | string> {
  const { target, options, machine } = context;
  try {
    const [{ address } = {}] = await lookUp(machine, node.host, target.family, NODE_LOOKUP);
    if (address === undefined) return "no address";
    const place = { address, port: node.port };
    const limit = Math.min(NODE_CONNECT, options.connectTimeout);
    const { socket, error } =
      target.sentinelTls === undefined
        ? await dial(place, limit)
        : await dialTls(place, node.host, target.sentinelTls, limit);
    if (socket === undefined) return error?.code ?? "failed";
    return new RespClient(socket, Math.min(NODE_REPLY, options.replyTimeout));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "failed";
  }
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
          say: "See which nodes the cluster has (connected is well; fail is the fault)",
          run: `${cliOf(context)} cluster nodes`,
        },
      ],
    },
  ];
}
