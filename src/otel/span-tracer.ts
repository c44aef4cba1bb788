/** One span a command, one a batch, by OpenTelemetry's semantic conventions of Redis. */
import {
  context,
  INVALID_TRACEID,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import type { Command } from "ioredis";
import type { BatchStream, Transport } from "../engine/ports.js";
import type { CommandTracer } from "../engine/tracer.js";
import type { Code } from "../failure/codes.js";
import type { EndpointInfo } from "../failure/diagnosis.js";
import { isInstrumented } from "../ioredis/instrumentation.js";
import { endpointAttributes } from "./attributes.js";

type Endpoint = Pick<Transport, "currentEndpoint">;

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
    const caller = context.active();
    if (isLeftOut(caller)) return;
    if (stream !== undefined) {
      this.#startedInBatch(command, { stream, caller }, transport);
      return;
    }
    const name = command.name.toUpperCase();
    const span = this.#start(name, caller);
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

  #startedInBatch(
    command: Command,
    { stream, caller }: { readonly stream: BatchStream; readonly caller: Context },
    transport: Endpoint,
  ): void {
    let batch = this.#batches.get(stream);
    if (batch === undefined) {
      const kind = command.name === "multi" ? "MULTI" : "PIPELINE";
      batch = new BatchSpan(kind, this.#start(kind, caller), transport);
      this.#batches.set(stream, batch);
    }
    if (!batch.isRecording) return;
    this.#spans.set(command, batch.span);
    batch.add(command);
  }

  #start(name: string, caller: Context): Span {
    const attributes = { "db.system.name": "redis", "db.operation.name": name };
    return this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, caller);
  }
}

/**
 * The caller is part of a trace of which nothing is recorded. An SDK would come to the same conclusion for each command,
 * which costs it more than the command costs this package. A trace that begins in another process is the SDK's to decide.
 */
function isLeftOut(caller: Context): boolean {
  const span = trace.getSpan(caller);
  if (span === undefined || span.isRecording()) return false;
  const { traceFlags, traceId, isRemote } = span.spanContext();
  return (traceFlags & TraceFlags.SAMPLED) === 0 && isRemote !== true && traceId !== INVALID_TRACEID;
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
  const attributes = endpointAttributesOf(transport);
  const procedure = PROCEDURES.has(command.name) ? command.args[0] : undefined;
  return typeof procedure === "string" ? { ...attributes, "db.stored_procedure.name": procedure } : attributes;
}

/** Made once for each place that a connection has led to. */
const endpoints = new WeakMap<EndpointInfo, Attributes>();

function endpointAttributesOf(transport: Endpoint): Attributes {
  const endpoint = transport.currentEndpoint();
  let attributes = endpoints.get(endpoint);
  if (attributes === undefined) {
    const { host, path, sentinelName, port, db } = endpoint;
    const address = endpointAttributes({ address: host ?? path ?? sentinelName, port });
    attributes = { ...address, "db.namespace": String(db ?? 0) };
    endpoints.set(endpoint, attributes);
  }
  return attributes;
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
