/**
 * ioredis's write path for ordinary commands on a ready connection, without what only special commands, options and
 * observers need: it looks each command up in five flag tables, lower-casing its name each time, and makes two closures
 * for a tracer that is seldom there. Whenever one of those could matter, the caller takes ioredis's own path. The
 * contract test compares the two. Measured by `benchmarks/throughput.mjs`.
 */
import type { Command } from "ioredis";
import type { Socket } from "node:net";
import type { BatchReplies, BatchStream } from "../engine/ports.js";
import { writeAscii } from "./coalesce.js";
import { encoder } from "./encode.js";
import { isInstrumented } from "./instrumentation.js";
import type { Condition, RedisInternals } from "./internals.js";
import { ReplyQueue, Run } from "./reply-queue.js";
import { isTracing, traceCommand } from "./trace-command.js";

/** What ioredis hands its pipelines' streams to: the one that owns the socket. */
interface PipelineStream {
  readonly destination: { readonly redis: { readonly stream: object } };
  write(data: string | Buffer): void;
}

const isDebugging = /ioredis|\*/.test(process.env["DEBUG"] ?? "");

/** Options and modes under which ioredis does more with a command than write it. Checked once a connection. */
export function allowsQuickWrites({ options }: RedisInternals): boolean {
  const { socketTimeout, monitor } = options;
  const himport = (options as { readonly himportFieldsets?: readonly unknown[] }).himportFieldsets;
  return socketTimeout === undefined && monitor !== true && !himport?.length && !isDebugging;
}

/** Whether the connection takes what is only to be written, and nobody needs to see it on ioredis's way. */
function isOpen(
  redis: RedisInternals,
): redis is RedisInternals & { readonly stream: Socket; readonly condition: Condition } {
  const { stream, condition } = redis;
  if (stream?.writable !== true || condition === null || condition.subscriber !== false) return false;
  return redis.status === "ready" && !isInstrumented();
}

/** Writes a batch as one if nothing stands in the way and returns its size; 0 when its members must be written one by one. */
export function quickWriteBatch(
  redis: RedisInternals,
  commands: readonly Command[],
  stream: BatchStream,
  replies: BatchReplies,
): number {
  const { commandQueue } = redis;
  if (isTracing() || !isOpen(redis) || !(commandQueue instanceof ReplyQueue)) return 0;
  const { stream: socket, condition } = redis;
  encoder.begin();
  let data: string | Buffer;
  try {
    data = encoded(commands, condition, socket);
  } catch {
    // On the other way it is found out which member is to blame.
    return 0;
  }
  if (typeof data === "string" && encoder.isAscii) writeAscii(socket, data);
  else socket.write(data);
  commandQueue.pushRun(new Run(commands, stream, condition.select, replies));
  return data.length;
}

/** @throws what encoding a member throws, and when all together are too long for one text. */
function encoded(commands: readonly Command[], condition: Condition, socket: Socket): string | Buffer {
  const before: Buffer[] = [];
  let text = "";
  for (const command of commands) {
    (command as { setReplyContext?: (context: unknown) => void }).setReplyContext?.(condition);
    command.isTraced = true;
    const part = encoder.encode(command) ?? command.toWritable(socket);
    if (typeof part === "string") text += part;
    else {
      before.push(Buffer.from(text), part);
      text = "";
    }
  }
  return before.length === 0 ? text : Buffer.concat([...before, Buffer.from(text)]);
}

/** Writes the command if nothing stands in the way and returns its size, in bytes or characters; 0 when ioredis must do it. */
export function quickWrite(redis: RedisInternals, command: Command, stream: BatchStream | undefined): number {
  if (!isOpen(redis)) return 0;
  const { stream: socket, condition } = redis;
  // From ioredis 6 on, the shape of a reply depends on the protocol of the connection.
  (command as { setReplyContext?: (context: unknown) => void }).setReplyContext?.(condition);
  let data: string | Buffer;
  if (stream === undefined) {
    encoder.begin();
    const text = encoder.encode(command);
    data = text ?? command.toWritable(socket);
    if (text !== undefined && encoder.isAscii) writeAscii(socket, text);
    else socket.write(data);
  } else {
    const pipeline = stream as PipelineStream;
    data = encoder.encode(command) ?? command.toWritable(pipeline.destination.redis.stream);
    pipeline.write(data);
  }
  redis.commandQueue.push({ command, stream, select: condition.select });
  if (isTracing()) traceCommand(redis, command);
  else command.isTraced = true;
  return data.length;
}
