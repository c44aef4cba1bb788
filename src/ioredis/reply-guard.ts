/**
 * What a server sends without having been asked, or in a shape that ioredis does not expect, makes ioredis's handler of
 * replies throw, which ends the process, or emit an error that quotes the reply. Here it is reported to the client instead,
 * and nothing more of that connection is read: whatever comes next may belong to another request.
 */
import type { Command } from "ioredis";
import { callOf } from "../engine/call.js";
import { replyHandler, type CommandItem, type RedisInternals, type ReplyHandler } from "./internals.js";
import { ReplyQueue } from "./reply-queue.js";
import { reportBug } from "./report-bug.js";

export type Garble = "unasked" | "malformed";

/** The method by which a client of this package is told; another client keeps ioredis's own ways. */
export const GARBLED = Symbol("ioredoubt.garbled");

interface Guarded {
  [GARBLED]?(garble: Garble): void;
}

/** The entry whose reply was handled last. One turn of the parser runs at a time. */
let taken: CommandItem | undefined;
/** What a listener of the caller's threw last. */
let fromListener: { readonly thrown: unknown } | undefined;

/** An event's listener threw: the server is not to blame for that. */
export function listenerThrew(thrown: unknown): void {
  fromListener = { thrown };
}

/** Does nothing where ioredis keeps its handler of replies elsewhere: its own ways hold then. */
export function guardReplies(): void {
  const handler = replyHandler;
  if (handler === undefined) return;
  const { shiftCommand } = handler;
  handler.shiftCommand = function (reply) {
    const item = this.redis.commandQueue.shift();
    if (item !== undefined) {
      taken = item;
      // What was carried with others and is answered in another way than by a plain reply goes on by itself.
      callOf(item.command);
      return item;
    }
    const client = this.redis as Guarded;
    if (client[GARBLED] === undefined) return shiftCommand.call(this, reply);
    stopReading(this);
    client[GARBLED]("unasked");
    return null;
  };
  for (const name of METHODS) {
    const original = handler[name];
    // ioredis 5 has no pushes.
    if (original === undefined) continue;
    const isReply = name === "returnReply";
    handler[name] = function (this: ReplyHandler, reply: unknown): void {
      const { redis } = this;
      try {
        if (isReply) {
          if (deliver(redis, reply)) return;
          if (isNoConfirmation(redis, reply)) throw new TypeError("a subscription is confirmed by a list");
        }
        const head = (redis as Guarded)[GARBLED] === undefined ? undefined : redis.commandQueue.peekAt(0)?.command;
        original.call(this, reply);
        if (head !== undefined) endUnsubscribe(redis, head, reply);
      } catch (thrown) {
        caught(this, thrown);
      }
    };
  }
}

/**
 * Hands a reply to the command, or the batch, that is next. ioredis's way looks each command up in two flag tables, because
 * some replies begin or end a mode; where this one may, it is left to ioredis: returns `false`.
 */
function deliver({ commandQueue: queue, status, condition }: RedisInternals, reply: unknown): boolean {
  if (status !== "ready" || condition?.subscriber !== false || !(queue instanceof ReplyQueue)) return false;
  const { run } = queue;
  if (run !== undefined) {
    run.replies.replied(queue.shiftMember(run), reply);
    return true;
  }
  const item = queue.peekAt(0);
  const call = item && callOf(item.command);
  if (item === undefined || call === undefined || call.facts.dispatch === "subscription") return false;
  queue.shift();
  taken = item;
  item.command.resolve(reply);
  return true;
}

/**
 * To leave all channels, or all patterns, is done once none of them is left. ioredis waits until nothing of either kind is: while
 * something was, the command had no end, and its connection seemed to owe a reply.
 */
function endUnsubscribe({ commandQueue: queue, condition }: RedisInternals, head: Command, reply: unknown): void {
  if (head.args.length > 0 || queue.peekAt(0)?.command !== head || !Array.isArray(reply)) return;
  const name = head.name.toLowerCase();
  const kind = OF_UNSUBSCRIBE.get(name);
  const [said, , count] = reply as readonly unknown[];
  if (kind === undefined || String(said) !== name) return;
  const subscriber = condition?.subscriber;
  if (subscriber && subscriber.channels(kind).length > 0) return;
  queue.shift();
  head.resolve(count);
}

const OF_UNSUBSCRIBE: ReadonlyMap<string, "subscribe" | "psubscribe"> = new Map([
  ["unsubscribe", "subscribe"],
  ["punsubscribe", "psubscribe"],
]);

/** ioredis takes the parts of whatever comes for those of a confirmation: of a text, two of its letters. */
function isNoConfirmation(redis: RedisInternals, reply: unknown): boolean {
  if (Array.isArray(reply) || (redis as Guarded)[GARBLED] === undefined) return false;
  const name = redis.commandQueue.peekAt(0)?.command.name;
  // Inside a MULTI it is put off, as everything is.
  return name !== undefined && SUBSCRIPTIONS.has(name) && String(reply) !== "QUEUED";
}

const SUBSCRIPTIONS: ReadonlySet<string> = new Set(
  ["subscribe", "psubscribe", "ssubscribe"].flatMap((name) => [name, name.replace("sub", "unsub")]),
);

const METHODS = ["returnReply", "returnError", "returnPush"] as const;

function caught(handler: ReplyHandler, thrown: unknown): void {
  const client = handler.redis as Guarded;
  if (client[GARBLED] === undefined) throw thrown;
  if (fromListener !== undefined && fromListener.thrown === thrown) {
    fromListener = undefined;
    reportBug(thrown);
    return;
  }
  stopReading(handler);
  const { commandQueue } = handler.redis;
  // Its reply made no sense, so it has none.
  if (taken !== undefined && isOpen(taken) && commandQueue.peekAt(0) !== taken) commandQueue.unshift(taken);
  client[GARBLED]("malformed");
}

function isOpen({ command }: CommandItem): boolean {
  const call = callOf(command);
  return call === undefined || call.state === "sent";
}

function stopReading(handler: ReplyHandler): void {
  for (const name of METHODS) handler[name] = ignore;
  handler.returnFatalError = ignore;
}

function ignore(): void {
  // The connection is being replaced.
}
