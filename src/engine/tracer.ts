/**
 * Where a tracer of commands is put, for the whole process. Nobody traces by default, and then a command costs one look at a
 * field.
 */
import type { Command } from "ioredis";
import type { Code } from "../failure/codes.js";
import type { BatchStream, Transport } from "./ports.js";

export interface CommandTracer {
  /**
   * A caller has handed over a command; its `resolve` and `reject` are still ioredis's, and each is called at most once.
   * `stream`: that of the batch which it is a member of. `transport` knows the endpoint.
   */
  started(command: Command, stream: BatchStream | undefined, transport: Pick<Transport, "currentEndpoint">): void;
  /** An attempt was lost or refused; the command goes again. `code`: why, where it is known. */
  resent(command: Command, code: Code | undefined): void;
}

export const tracing: { tracer: CommandTracer | undefined } = { tracer: undefined };
