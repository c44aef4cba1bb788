/** One span a command, one a batch, by OpenTelemetry's semantic conventions of Redis. */
import { context, SpanKind, SpanStatusCode, type Attributes, type Span, type Tracer } from "@opentelemetry/api";
import type { Command } from "ioredis";
import type { BatchStream, Transport } from "../engine/ports.js";
import type { CommandTracer } from "../engine/tracer.js";
import type { Code } from "../failure/codes.js";
import { isInstrumented } from "../ioredis/instrumentation.js";
import { endpointAttributes } from "./attributes.js";

type Endpoint = Pick<Transport, "context">;

/** Their first argument names what runs at the server. */
const PROCEDURES: ReadonlySet<string> = new Set(["evalsha", "evalsha_ro", "fcall", "fcall_ro"]);

export class SpanTracer implements CommandTracer {
  readonly #tracer: Tracer;
  readonly #batches = new WeakMap<BatchStream, BatchSpan>();
  /** Of commands that are being recorded. */
  readonly #spans = new WeakMap<Command, Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  started(command: Command, stream: BatchStream | undefined, transport: Endpoint): void {
    // The agent makes a span for each.
    if (isInstrumented()) return;
    if (stream !== undefined) {
      this.#startedInBatch(command, stream, transport);
      return;
    }
    const name = command.name.toUpperCase();
    const span = this.#start(name);
    if (!span.isRecording()) return;
    span.setAttributes(commandAttributes(command, transport));
    this.#spans.set(command, span);
    whenSettled(command, (error) => {
      if (error !== undefined) fail(span, error);
      span.end();
    });
  }

  resent(command: Command, code: Code | undefined): void {
    this.#spans.get(command)?.addEvent("retry", code === undefined ? {} : { "error.type": code });
  }

  #startedInBatch(command: Command, stream: BatchStream, transport: Endpoint): void {
    let batch = this.#batches.get(stream);
    if (batch === undefined) {
      const kind = command.name === "multi" ? "MULTI" : "PIPELINE";
      batch = new BatchSpan(kind, this.#start(kind), transport);
      this.#batches.set(stream, batch);
    }
    if (!batch.isRecording) return;
    this.#spans.set(command, batch.span);
    batch.add(command);
  }

  #start(name: string): Span {
    const attributes = { "db.system.name": "redis", "db.operation.name": name };
    return this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context.active());
  }
}

/** The span of a pipeline or transaction: all its members are handed over in one turn, and it ends with the last of them. */
class BatchSpan {
  readonly span: Span;
  readonly isRecording: boolean;
  readonly #kind: "MULTI" | "PIPELINE";
  readonly #names = new Set<string>();
  #size = 0;
  #open = 0;
  #isComplete = false;

  constructor(kind: "MULTI" | "PIPELINE", span: Span, transport: Endpoint) {
    this.span = span;
    this.#kind = kind;
    this.isRecording = span.isRecording();
    if (!this.isRecording) return;
    span.setAttributes(endpointAttributesOf(transport));
    queueMicrotask(() => {
      this.#complete();
    });
  }

  add(command: Command): void {
    this.#open++;
    if (command.name !== "multi" && command.name !== "exec") {
      this.#names.add(command.name.toUpperCase());
      this.#size++;
    }
    whenSettled(command, (error) => {
      if (error !== undefined) fail(this.span, error);
      this.#open--;
      this.#endIfDone();
    });
  }

  #complete(): void {
    const [only, ...others] = this.#names;
    if (only !== undefined && others.length === 0) {
      const name = `${this.#kind} ${only}`;
      this.span.updateName(name);
      this.span.setAttribute("db.operation.name", name);
    }
    // The conventions leave out the size of a batch of one.
    if (this.#size >= 2) this.span.setAttribute("db.operation.batch.size", this.#size);
    this.#isComplete = true;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isComplete && this.#open === 0) this.span.end();
  }
}

function commandAttributes(command: Command, transport: Endpoint): Attributes {
  const procedure = PROCEDURES.has(command.name) ? command.args[0] : undefined;
  return {
    ...endpointAttributesOf(transport),
    ...(typeof procedure === "string" ? { "db.stored_procedure.name": procedure } : {}),
  };
}

function endpointAttributesOf(transport: Endpoint): Attributes {
  const { host, path, sentinelName, port, db } = transport.context().endpoint ?? {};
  return { ...endpointAttributes({ address: host ?? path ?? sentinelName, port }), "db.namespace": String(db ?? 0) };
}

/**
 * By its `resolve` and `reject`: a handler on its promise would make a rejection that nobody handles look handled.
 */
function whenSettled(command: Command, settled: (error: Error | undefined) => void): void {
  const { resolve, reject } = command;
  command.resolve = function (this: unknown, value) {
    settled(undefined);
    resolve.call(this, value);
  };
  command.reject = function (this: unknown, error) {
    settled(error);
    reject.call(this, error);
  };
}

/** Never the message: a server may quote an argument in it. */
function fail(span: Span, error: Error & { readonly code?: unknown }): void {
  const { code, name, message } = error;
  span.setStatus({ code: SpanStatusCode.ERROR });
  const status = name === "ReplyError" ? /^[A-Z]+(?= |$)/.exec(message)?.[0] : undefined;
  if (status !== undefined) span.setAttribute("db.response.status_code", status);
  span.setAttribute("error.type", typeof code === "string" ? code : (status ?? name));
}
