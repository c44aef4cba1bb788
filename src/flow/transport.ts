/** What the flow needs of a connection, and what it needs to know of the client; a standalone wire and Cluster each provide one. */
import type { Command } from "ioredis";
import type { Call } from "../command/call.js";
import type { BatchStream } from "../connection/internals.js";
import type { FailureContext } from "../failure/diagnosis.js";
import type { CircuitKind } from "./circuit.js";

export interface Transport {
  /**
   * Hands a command to ioredis, which writes it at once, gives it back (`Flow.returned`) or rejects it at once. A `bare`
   * one needs nothing but to be written.
   */
  write(command: Command, stream: BatchStream | undefined, bare?: boolean): void;
  /** The command was queued last: it is written, or will be with its batch. Asked right after `write` threw. */
  hasTaken(command: Command): boolean;
  /** Forgets the members of a batch that were queued and will not be written. */
  takeBack(stream: BatchStream): void;
  /** The calls that are written and unanswered, oldest first. Costs time for each of them. */
  inFlight(): Call[];
  /** Starts connecting if nothing has been tried yet. */
  /** A command waits for a connection: starts connecting if nothing has been tried yet, or sooner than planned. */
  wake(): void;
  /** Somebody was refused for want of a connection: dials sooner where that costs nothing. */
  hurry(): void;
  /** Drops the connection, on which nothing may be in flight, and dials again; `false` when there is none to drop. */
  redial(): boolean;
  /**
   * The server takes no writes: whether a new connection may reach one that does. Looks without touching the present
   * connection, in a bounded time; where somebody who knows is asked at each dialling, that is answer enough.
   */
  findsWriter(): Promise<boolean>;
  /** Destroys the socket: whatever is in flight is lost. */
  destroy(reason: Error): void;
  /** Ends the client for good. */
  end(): void;
  /** Milliseconds for which a reply has been due without a byte coming; 0 when none is due. */
  silentFor(now: number): number;
  /** Bytes are being pushed out, and they move. */
  isSending(): boolean;
  /** What is known of the connection, for diagnoses. */
  context(): FailureContext;
  /** The last connection error. */
  lastError(): Error | undefined;
  /** Milliseconds until the next connection attempt. */
  retryIn(): number;
  /** Asks the server, past the flow, whether it is well; resolves to `false` after `timeout` milliseconds. */
  probe(kind: CircuitKind, timeout: number): Promise<boolean>;
  /** The database that the connection is on, counting SELECTs that are still in flight. */
  database(): number;
  /**
   * Asks for another database. `done` is called when the server has agreed, or when it is time to ask again; not when the
   * connection is lost, nor when it is given up because the server refuses.
   */
  select(database: number, done: () => void): void;
}

/** ioredis's `blockingTimeout` and its grace, in milliseconds: how long a block without end may last, and what a finite one gets on top. */
export interface BlockingLimit {
  readonly cap: number;
  readonly grace: number;
}

/** `draining` and `quitting` take no new commands; a `closed` client may be revived by `connect()`. */
export type Phase = "open" | "quitting" | "draining" | "closed";

/** Counters of one client since it was made. */
export interface FlowStats {
  /** Replies and error replies. */
  answered: number;
  retried: number;
  /** Commands that were in flight when their connection was lost. */
  lost: number;
  unknownOutcomes: number;
  deadlines: number;
  rejected: number;
}
