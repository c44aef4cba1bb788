/** What a worker or a subscriber waits for, and when it last heard of it. Put together when asked. */
import { callOf } from "../engine/call.js";
import { wallTimeOf } from "../wall-time.js";
import type { Part } from "./parts.js";

/** One thing that the client waits for. */
export interface Wait {
  /** The command that waits, in upper case: `BRPOP`, `XREADGROUP`, `SUBSCRIBE`. */
  readonly for: string;
  /** Commands that wait at the server, or channels and patterns subscribed to. */
  readonly count: number;
  /** The client's own connection, or one that its pool keeps for blocking commands. */
  readonly connection: "own" | "dedicated";
  /** When the longest of them was sent, in milliseconds since 1970; not for subscriptions. */
  readonly since?: number | undefined;
  /** When the connection last heard anything from the server, in milliseconds since 1970. */
  readonly lastProofAt: number;
}

/** What `isConsuming()` returns. */
export interface Consuming {
  /** It waits for something on a live connection that owes no late answer. */
  readonly consuming: boolean;
  readonly waits: readonly Wait[];
  /** When a blocking command last brought an element, in milliseconds since 1970; absent before the first. */
  readonly lastElementAt?: number | undefined;
  /** When a message was last delivered to a listener, in milliseconds since 1970; absent before the first. */
  readonly lastMessageAt?: number | undefined;
}

/** Channels or patterns by the command that subscribed to them. */
export type Subscriptions = ReadonlyMap<string, number>;

/** `messageAt`: on the monotonic clock. */
export function consumingOf(
  parts: readonly Part[],
  subscriptions: Subscriptions,
  messageAt: number | undefined,
): Consuming {
  const waits: Wait[] = [];
  let elementAt: number | undefined;
  for (const { engine, transport, role } of parts) {
    const { lastElementAt } = engine;
    if (lastElementAt !== undefined) elementAt = Math.max(elementAt ?? 0, lastElementAt);
    if (!engine.isReady) continue;
    const lastProofAt = wallTimeOf(transport.lastReadAt);
    const connection = role === "own" ? "own" : "dedicated";
    const blocked = new Map<string, { count: number; since: number }>();
    for (const command of transport.unanswered()) {
      const call = callOf(command);
      if (call?.facts.consumes !== true) continue;
      const known = blocked.get(call.facts.name);
      if (known === undefined) blocked.set(call.facts.name, { count: 1, since: call.sentAt });
      else known.count++;
    }
    for (const [name, { count, since }] of blocked) {
      waits.push({ for: name.toUpperCase(), count, connection, since: wallTimeOf(since), lastProofAt });
    }
    if (role !== "own") continue;
    for (const [name, count] of subscriptions) {
      if (count > 0) waits.push({ for: name.toUpperCase(), count, connection, lastProofAt });
    }
  }
  const isLate = parts.some(({ engine }) => engine.isTroubled);
  return {
    consuming: waits.length > 0 && !isLate,
    waits,
    ...(elementAt === undefined ? {} : { lastElementAt: wallTimeOf(elementAt) }),
    ...(messageAt === undefined ? {} : { lastMessageAt: wallTimeOf(messageAt) }),
  };
}
