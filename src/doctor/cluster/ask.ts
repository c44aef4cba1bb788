/** Asks one node of a cluster how it sees the cluster, on a connection of its own, as the client would reach the node. */
import type { Context } from "../check.js";
import { lookUp } from "../machine.js";
import type { Endpoint } from "../target.js";
import { dial, dialTls } from "../wire/dial.js";
import { errorOf, RespClient, textOf } from "../wire/resp-client.js";
import { readView, type View } from "./view.js";

/** A node may take this long for each step, so that all of them together stay below the check's deadline. Milliseconds. */
const LOOKUP = 1000;
const CONNECT = 800;
const REPLY = 1000;

/** Resolves in any case. */
export async function askNode(context: Context, node: Endpoint): Promise<View> {
  try {
    const client = await open(context, node);
    try {
      return await question(context, client, node);
    } finally {
      client.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = code === "ERR_NO_REPLY" ? "no reply in time" : (code ?? message);
    return { node, trouble: context.clean(words, 80), lines: [], state: undefined, epoch: 0 };
  }
}

async function open({ target, options, machine }: Context, node: Endpoint): Promise<RespClient> {
  const [{ address } = {}] = await lookUp(machine, node.host, target.family, LOOKUP);
  if (address === undefined) throw new Error("no address");
  const place = { address, port: node.port };
  const limit = Math.min(CONNECT, options.connectTimeout);
  const { tls } = target;
  const { socket, error } = tls === undefined ? await dial(place, limit) : await dialTls(place, node.host, tls, limit);
  if (socket === undefined) throw error ?? new Error("failed");
  return new RespClient(socket, Math.min(REPLY, options.replyTimeout));
}

async function question({ target }: Context, client: RespClient, node: Endpoint): Promise<View> {
  const { username, password } = target;
  if (password !== undefined) {
    const refusal = errorOf(await client.send("AUTH", ...(username === undefined ? [] : [username]), password));
    if (refusal !== undefined && !/without any password/i.test(refusal)) throw new Error(refusal);
  }
  const [nodes, info] = await Promise.all([client.send("CLUSTER", "NODES"), client.send("CLUSTER", "INFO")]);
  const refusal = errorOf(nodes) ?? errorOf(info);
  if (refusal !== undefined) throw new Error(refusal);
  return readView(node, textOf(nodes) ?? "", textOf(info) ?? "");
}
