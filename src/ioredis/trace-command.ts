/**
 * Tells those who listen to ioredis's tracing channel of a command, as ioredis does at the end of its own write path: the same
 * context and the same events in the same order, once a command. `TracingChannel.tracePromise` makes three promises and as many closures for
 * it; here it is one promise. What of the arguments may be shown is ioredis's decision, learnt once for each name.
 */
import { tracingChannel } from "node:diagnostics_channel";
import { Command } from "ioredis";
import { callOf } from "../engine/call.js";
import type { CommandContext, RedisInternals } from "./internals.js";

const channel = tracingChannel<unknown, CommandContext>("ioredis:command");
const { start, end, asyncStart, asyncEnd, error } = channel;

/** Somebody listens. */
export function isTracing(): boolean {
  return channel.hasSubscribers;
}

/**
 * Does nothing for a command that was told of before: it is sent again. One that waited is told of where its caller issued it: that is
 * where a listener looks for the request that it belongs to.
 */
export function traceCommand(redis: RedisInternals, command: Command): void {
  if (command.isTraced) return;
  command.isTraced = true;
  const call = callOf(command);
  if (call === undefined) tell(redis, command);
  else call.inContext(() => tell(redis, command));
}

function tell(redis: RedisInternals, command: Command): void {
  const context = contextOf(redis, command);
  start.runStores(context, follow, undefined, context, command);
}

/** Runs in the stores that the listeners have bound, and so does what comes of the command. */
function follow(context: CommandContext, command: Command): void {
  command.promise.then(
    (result) => {
      context.result = result;
      asyncStart.publish(context);
      asyncEnd.publish(context);
    },
    (reason: unknown) => {
      context.error = reason;
      error.publish(context);
      asyncStart.publish(context);
      asyncEnd.publish(context);
    },
  );
  end.publish(context);
}

/** More arguments than ioredis shows of any command of which it hides some. */
const SAMPLE: readonly string[] = Array.from({ length: 16 }, (_, i) => String(i));
/** How many arguments of a command ioredis shows, by name. */
const shown = new Map<string, number>();
/** Names are the callers': no more are kept. */
const MOST_NAMES = 1000;

function contextOf(redis: RedisInternals, command: Command): CommandContext {
  const { name, args } = command;
  let limit = shown.get(name);
  if (limit === undefined) {
    limit = redis._buildCommandContext(new Command(name, [...SAMPLE])).args.indexOf("?");
    if (limit < 0) limit = Infinity;
    if (shown.size < MOST_NAMES) shown.set(name, limit);
  }
  const told: string[] = [];
  for (const arg of args) told.push(told.length < limit ? String(arg) : "?");
  const { address, port } = redis._getServerAddress();
  const database = redis.condition?.select ?? redis.options.db ?? 0;
  return { command: name, args: told, database, serverAddress: address, serverPort: port };
}
