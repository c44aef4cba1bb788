/**
 * The first bytes on a fresh connection: what the server says by itself, and if it says nothing, its answer to one PING.
 * redis-server announces "max clients" and protected mode right after accepting, and closes; a client that writes first
 * often never sees it.
 */
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Context } from "../check.js";
import { dial, dialTls, listen, type Place } from "./dial.js";
import { encode } from "./resp.js";

/** Long enough for a farewell on a slow network, short enough to be paid on every healthy run. */
const LISTEN_FIRST = 120;
const SECOND_LIMIT = 900;

/** What a fresh connection said. */
export interface Greeting {
  /** `tls`: the bytes are a TLS record. `other`: not Redis. */
  readonly kind: "redis" | "tls" | "other" | "closed" | "mute";
  /** First line of what it said. */
  readonly words: string;
  /** The server's refusal to talk to this connection at all. */
  readonly refusal: string | undefined;
  readonly error: NodeJS.ErrnoException | undefined;
  /** Milliseconds from PING to its answer. */
  readonly elapsed: number;
}

/** `tls` undefined: in plain text. */
export async function greet(
  context: Context,
  tls: ConnectionOptions | undefined,
  first: boolean = false,
): Promise<Greeting> {
  const place = placeOf(context);
  const limit = first ? context.options.replyTimeout : Math.min(SECOND_LIMIT, context.options.replyTimeout);
  const { socket, error } =
    tls === undefined ? await dial(place, limit) : await dialTls(place, context.seen.endpoint?.host ?? "", tls, limit);
  if (socket === undefined) return { kind: "closed", words: "", refusal: undefined, error, elapsed: 0 };
  try {
    return await talk(socket, limit, context.options.passive);
  } finally {
    socket.destroy();
  }
}

async function talk(socket: Socket, limit: number, passive: boolean): Promise<Greeting> {
  const unasked = await listen(socket, passive ? limit : LISTEN_FIRST);
  if (unasked.bytes.length > 0 || unasked.closed || passive)
    return judged(unasked.bytes, unasked.closed, unasked.error, 0);
  const start = performance.now();
  socket.write(encode(["PING"]));
  const answer = await listen(socket, limit);
  return judged(answer.bytes, answer.closed, answer.error, performance.now() - start);
}

const REFUSALS = /^-(?:ERR max number of clients|DENIED|ERR max .*requests?)/i;

function judged(bytes: Buffer, closed: boolean, error: NodeJS.ErrnoException | undefined, elapsed: number): Greeting {
  const words = bytes.toString("latin1").split(/\r?\n/)[0] ?? "";
  const base = { words: words.slice(0, 400), refusal: undefined, error, elapsed };
  if (bytes.length === 0) return { ...base, kind: closed ? "closed" : "mute" };
  if (bytes[0] === 0x15 || bytes[0] === 0x16) return { ...base, words: "a TLS record", kind: "tls" };
  if (!/^[+\-:$*%>]/.test(words)) return { ...base, kind: "other" };
  // Half a line in all that time is no answer
  if (!bytes.includes("\n")) return { ...base, kind: closed ? "closed" : "mute" };
  return { ...base, kind: "redis", refusal: REFUSALS.test(words) ? words.slice(1) : undefined };
}

/** The address to connect to: the one that answered, or what the target names. */
export function placeOf({ seen }: Context): Place {
  const { endpoint, reachable } = seen;
  return { address: reachable?.address ?? endpoint?.host ?? "", port: endpoint?.port ?? 0, path: endpoint?.path };
}

/** To look only: the certificate is read and nothing is sent, so trust does not matter. */
export function tlsWithoutTrust(tls: ConnectionOptions = {}): ConnectionOptions {
  return { ...tls, rejectUnauthorized: false, checkServerIdentity: () => undefined };
}
