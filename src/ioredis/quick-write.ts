/**
 * ioredis's write path for ordinary commands on a ready connection, without what only special commands, options and
 * observers need: it looks each command up in five flag tables, lower-casing its name each time, and makes two closures
 * for a tracer that is seldom there. Whenever one of those could matter, the caller takes ioredis's own path. The
 * contract test compares the two. Measured by `benchmarks/throughput.mjs`.
 */
import { tracingChannel } from "node:diagnostics_channel";
import type { Command } from "ioredis";
import type { BatchStream } from "../engine/ports.js";
import { isInstrumented } from "./instrumentation.js";
import type { RedisInternals } from "./internals.js";

/** What ioredis hands its pipelines' streams to: the one that owns the socket. */
interface PipelineStream {
  readonly destination: { readonly redis: { readonly stream: object } };
  write(data: string | Buffer): void;
}

const traced = tracingChannel("ioredis:command");
const isDebugging = /ioredis|\*/.test(process.env["DEBUG"] ?? "");

/** Options and modes under which ioredis does more with a command than write it. Checked once a connection. */
export function allowsQuickWrites({ options }: RedisInternals): boolean {
  const { socketTimeout, monitor } = options;
  const himport = (options as { readonly himportFieldsets?: readonly unknown[] }).himportFieldsets;
  return socketTimeout === undefined && monitor !== true && !himport?.length && !isDebugging;
}

/** Writes the command if nothing stands in the way and returns its size, in bytes or characters; 0 when ioredis must do it. */
export function quickWrite(redis: RedisInternals, command: Command, stream: BatchStream | undefined): number {
  const { stream: socket, condition } = redis;
  if (socket?.writable !== true || condition === null || condition.subscriber !== false) return 0;
  if (redis.status !== "ready" || traced.hasSubscribers || isInstrumented()) return 0;
  // From ioredis 6 on, the shape of a reply depends on the protocol of the connection.
  (command as { setReplyContext?: (context: unknown) => void }).setReplyContext?.(condition);
  let data: string | Buffer;
  if (stream === undefined) {
    data = command.toWritable(socket);
    socket.write(data);
  } else {
    const pipeline = stream as PipelineStream;
    data = command.toWritable(pipeline.destination.redis.stream);
    pipeline.write(data);
  }
  redis.commandQueue.push({ command, stream, select: condition.select });
  command.isTraced = true;
  return data.length;
}
