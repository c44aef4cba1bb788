/** Asks one Sentinel, as the client would reach it, and keeps its own words: who the master is, and all it knows of that set. */
import type { ConnectionOptions } from "node:tls";
import { parseInfo } from "../../command/info.js";
import type { Context } from "../check.js";
import { lookUp } from "../machine.js";
import type { Endpoint } from "../target.js";
import type { Fields, Said, Trouble } from "./said.js";
import { dial, dialTls, type Place } from "../wire/dial.js";
import { tlsWithoutTrust } from "../wire/greet.js";
import { pairsOf, type Reply } from "../wire/resp.js";
import { errorOf, RespClient, textOf } from "../wire/resp-client.js";

/** A Sentinel may take this long for each step, so that all of them together stay below the check's deadline. */
const LOOKUP = 1500;
const CONNECT = 1500;
const REPLY = 1000;
const OTHER_MODE = 700;

/** Resolves in any case. */
export async function askSentinel(context: Context, node: Endpoint, name: string): Promise<Said> {
  const opened = await open(context, node);
  if (!("client" in opened)) return nothing(node, opened);
  const { client, place } = opened;
  try {
    const refusal = await login(context, client);
    return refusal === undefined ? await question(context, client, node, name) : nothing(node, refusal);
  } catch (error) {
    return nothing(node, await unanswered(context, place, node.host, error));
  } finally {
    client.close();
  }
}

function nothing(node: Endpoint, trouble: Trouble, watches: readonly string[] = []): Said {
  const facts = { about: new Map<string, string>(), replicas: [], noQuorum: undefined, tilt: false };
  return { node, trouble, master: undefined, watches, ...facts };
}

async function login({ target, classify, clean }: Context, client: RespClient): Promise<Trouble | undefined> {
  if (target.sentinelPassword === undefined) return undefined;
  const user = target.sentinelUsername === undefined ? [] : [target.sentinelUsername];
  const refusal = errorOf(await client.send("AUTH", ...user, target.sentinelPassword));
  // A password for a Sentinel that wants none is harmless, as it is to the client
  if (refusal === undefined || classify(refusal).code === "AUTH_NOT_CONFIGURED") return undefined;
  return { kind: "access", words: clean(refusal, 80) };
}

async function question(context: Context, client: RespClient, node: Endpoint, name: string): Promise<Said> {
  const [address, about, replicas, quorum, info] = await Promise.all([
    client.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
    client.send("SENTINEL", "MASTER", name),
    client.send("SENTINEL", "REPLICAS", name),
    client.send("SENTINEL", "CKQUORUM", name),
    client.send("INFO", "sentinel"),
  ]);
  const error = errorOf(address);
  if (error !== undefined) {
    const words = context.clean(error, 80);
    const kind = /unknown command/i.test(error)
      ? "other-server"
      : /^(?:NOAUTH|NOPERM|WRONGPASS)/.test(error)
        ? "access"
        : "other";
    return nothing(node, { kind, words });
  }
  if (!Array.isArray(address)) {
    const watches = listOf(await client.send("SENTINEL", "MASTERS")).flatMap((one) => one.get("name") ?? []);
    return nothing(node, { kind: "unknown", words: `knows no master ${name}` }, watches);
  }
  const [host, port] = address as readonly Reply[];
  const noQuorum = errorOf(quorum);
  return {
    node,
    trouble: undefined,
    master: { host: textOf(host ?? null) ?? "", port: Number(port) },
    watches: [],
    about: pairsOf(about),
    replicas: listOf(replicas),
    noQuorum: noQuorum?.startsWith("NOQUORUM") === true ? context.clean(noQuorum, 240) : undefined,
    tilt: parseInfo(textOf(info) ?? "").get("sentinel_tilt") === "1",
  };
}

function listOf(reply: Reply): Fields[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]).map((one) => pairsOf(one)) : [];
}

/** A connection to a Sentinel, or what kept it from standing. */
async function open(context: Context, node: Endpoint): Promise<{ client: RespClient; place: Place } | Trouble> {
  const { target, options, machine } = context;
  const tls = target.sentinelTls;
  let address: string | undefined;
  try {
    address = (await lookUp(machine, node.host, target.family, LOOKUP))[0]?.address;
  } catch (error) {
    return { kind: "name", words: codeOf(error) };
  }
  if (address === undefined) return { kind: "name", words: "no address" };
  const place = { address, port: node.port };
  const limit = Math.min(CONNECT, options.connectTimeout);
  const { socket, error } = tls === undefined ? await dial(place, limit) : await dialTls(place, node.host, tls, limit);
  if (socket === undefined) return tls === undefined ? unreachable(error) : noHandshake(context, place, tls, error);
  return { client: new RespClient(socket, Math.min(REPLY, options.replyTimeout)), place };
}

function unreachable(error: unknown): Trouble {
  return { kind: "unreachable", words: codeOf(error) };
}

/** A TLS handshake that failed: nobody is there, the port speaks plain text, or the certificate is not trusted. */
async function noHandshake(
  { classify, clean }: Context,
  place: Place,
  tls: ConnectionOptions,
  error: NodeJS.ErrnoException | undefined,
): Promise<Trouble> {
  const { socket, error: refused } = await dial(place, OTHER_MODE);
  if (socket === undefined) return unreachable(refused);
  hangUp(socket);
  const look = await dialTls(place, "", tlsWithoutTrust(tls), OTHER_MODE);
  if (look.socket === undefined) return { kind: "plain", words: `no TLS handshake (${codeOf(error)})` };
  hangUp(look.socket);
  return { kind: "certificate", words: clean(`${codeOf(error)}: ${classify(error).title}`, 160) };
}

/** Asked in plain text and no answer: a TLS port ends the connection, one that is frozen says nothing. */
async function unanswered(context: Context, place: Place, host: string, error: unknown): Promise<Trouble> {
  if (codeOf(error) === "ERR_NO_REPLY") return { kind: "silent", words: "no reply in time" };
  if (context.target.sentinelTls === undefined) {
    const { socket } = await dialTls(place, host, tlsWithoutTrust(), OTHER_MODE);
    if (socket !== undefined) {
      hangUp(socket);
      return { kind: "tls", words: "speaks TLS" };
    }
  }
  return { kind: "other", words: context.clean(codeOf(error), 80) };
}

function hangUp(socket: { on(event: "error", listener: () => void): unknown; destroy(): unknown }): void {
  socket.on("error", () => undefined);
  socket.destroy();
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "failed";
}
