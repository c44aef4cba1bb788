/**
 * What the engine needs of the world, and what the world tells it. A connection adapter implements `Transport` and calls
 * `TransportEvents`; a router or the engine itself is a `Dispatcher`; whoever counts, logs or traces is an `Observer`.
 */
import type { Command } from "ioredis";
import type { Code } from "../failure/codes.js";
import type { Diagnosis, EndpointInfo, FailureContext } from "../failure/diagnosis.js";
import type { AmbiguousPolicy } from "../policy/shape.js";

/** What ioredis passes with the members of a pipeline: an object that writes once, when the last member was handed over. */
export type BatchStream = object;

/** What a caller may set for single commands with `redis.with(...)`. */
export interface CallOptions {
  /** Total time in milliseconds, `false` for no limit. */
  readonly deadline?: number | false | undefined;
  /** Ends the wait: the command is dropped if it was not sent, and reported as possibly applied if it was. */
  readonly signal?: AbortSignal | undefined;
  /** What may be sent again after a lost reply. */
  readonly ambiguous?: AmbiguousPolicy | undefined;
}

/** Where a command is handed over; its own promise tells the outcome. The engine is one, and so is each router. */
export interface Dispatcher {
  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void;
  /**
   * Takes a whole batch, whose members have nobody else who hears of them, if it can go at once and as it is. `false`: nothing was
   * done, and its members are to be handed over one by one.
   */
  dispatchBatch?(commands: readonly Command[], stream: BatchStream): boolean;
}

/** Where the replies to a batch go that was written as one. */
export interface BatchReplies {
  /** The oldest member that had no reply has one, which is no error. */
  replied(command: Command, value: unknown): void;
}

/** Which circuit: of everything, or of writes only. */
export type CircuitKind = "read-write" | "write";

/** What is wrong with a command that cannot be written, in words that follow its name; never a value. */
export interface Flaw {
  readonly command: string;
  readonly what: string;
  /** What to do about it; by default, to pass what can be encoded. */
  readonly instead?: string | undefined;
}

/** One connection, as the engine drives it. */
export interface Transport {
  /**
   * Writes a command at once, gives it back (`TransportEvents.returned`) or rejects it at once. A `stateless` one needs
   * nothing but to be written. Returns about how many bytes were written, at least 1.
   */
  write(command: Command, stream: BatchStream | undefined, stateless?: boolean): number;
  /**
   * Writes all members of a batch that need nothing but to be written, or its MULTI and EXEC around such, as one. Their replies go to
   * `replies`, until there is one that is an error; that one goes to its command, as those do that are written one by one. Returns about how many bytes
   * were written; 0: nothing was, and they must be written one by one.
   */
  writeBatch(commands: readonly Command[], stream: BatchStream, replies: BatchReplies): number;
  /** Tells the server to let the next command in although its slot is still arriving there. */
  asking(): void;
  /** Makes a command that could not be encoded one that can be settled, and says what is wrong with it. */
  mend(command: Command, inBatch: boolean): Flaw;
  /** What is wrong with a command of which `write` threw this. */
  flawOf(command: Command, thrown: unknown): Flaw;
  /** The command was queued last: it is written, or will be with its batch. Asked right after `write` threw. */
  hasTaken(command: Command): boolean;
  /** Forgets the members of a batch that were queued and will not be written. */
  takeBack(stream: BatchStream): void;
  /** The commands that are written and unanswered, oldest first. Costs time for each of them. */
  unanswered(): Command[];
  /** A command waits for a connection: starts connecting if nothing has been tried yet, or sooner than planned. */
  wake(): void;
  /** Somebody was refused for lack of a connection: dials sooner where that costs nothing. */
  hurry(): void;
  /** Drops the connection, on which nothing may be in flight, and dials again; `false` when there is none to drop. */
  redial(): boolean;
  /**
   * The server takes no writes: whether a new connection may reach one that does. Looks without touching the present
   * connection, in a bounded time; where somebody who knows is asked at each dialling, that is answer enough.
   */
  findsWriter(): Promise<boolean>;
  /** Somebody knows where the server is and can be asked at any time, whatever the present one refuses: Sentinels. */
  readonly isDirected: boolean;
  /** Destroys the socket: whatever is in flight is lost. `since`: the first sign of the reason, on the monotonic clock. */
  destroy(reason: Error, since?: number): void;
  /** Ends the client for good. */
  end(): void;
  /**
   * Milliseconds of this process's own running for which a reply has been due and none has come, nor a part worth the name; 0
   * when none is due.
   */
  silentFor(now: number): number;
  /** The same, without the time for which the server was told to hold the reply back. */
  overdueFor(now: number): number;
  /** The same, but 0 while a payload that is still leaving explains the silence. */
  owedFor(now: number): number;
  /** Calls `run` once when the reply that is due next has come or can no longer come, now if none is due. */
  whenNextReply(run: () => void): void;
  /** Bytes are being pushed out, and they move. */
  isSending(): boolean;
  /** What is known of the connection, for diagnoses. */
  context(): FailureContext;
  /** Where the connection leads: the same object as long as that is so. */
  currentEndpoint(): EndpointInfo;
  /** The last connection error. */
  lastError(): Error | undefined;
  /** Milliseconds until the next connection attempt. */
  retryIn(): number;
  /** Asks the server, past the engine, whether it is well; resolves to `false` after `timeout` milliseconds. */
  probe(kind: CircuitKind, timeout: number): Promise<boolean>;
  /** The command that was written first and has no answer yet, whatever its caller was told. */
  oldestUnanswered(): Command | undefined;
  /** The command that was written last and has no answer yet, whatever its caller was told; of those that match, if asked so. */
  newestUnanswered(matches?: (command: Command) => boolean): Command | undefined;
  /** The protocol that the connection speaks, or will speak. */
  protocol(): 2 | 3;
  /** Ends the MULTI that is open on the connection, without its members. */
  discard(): void;
  /** The database that the connection is on, counting SELECTs that are still in flight. */
  database(): number;
  /**
   * The server has ended the login of the connection: whoever gives logins is asked, and it is logged in anew. `done` is called when the
   * server has answered that, or nobody gives any; not when the connection is lost first. `false`: nobody gives logins.
   */
  logInAgain(done: () => void): boolean;
  /**
   * Asks for another database. `done` is called when the server has agreed, or when it is time to ask again; not when the
   * connection is lost, nor when it is given up because the server refuses.
   */
  select(database: number, done: () => void): void;
}

/** A command that was written and not answered when its connection closed, and the database it was sent to. */
export interface LostItem {
  readonly command: Command;
  readonly select: number;
}

/** What a connection adapter reports to the engine. */
export interface TransportEvents {
  /** A connection attempt begins. */
  connecting(): void;
  /** The server has said who it is. */
  identified(server: ServerInfo): void;
  /** The connection takes commands. */
  ready(): void;
  /** Something went wrong with the connection, or with the attempt to make one. `since`: the first sign, on the monotonic clock. */
  connectionFailed(error: Error, since?: number): void;
  /** The connection closed with these commands unanswered, oldest first. `fatal`: its replies made no sense. */
  lost(items: readonly LostItem[], cause: Error | undefined, fatal?: boolean): void;
  /** Another server serves in the place of the one that this connection leads to, or led to: nothing more goes there. */
  replaced(takeover: Takeover): void;
  /** A handshake failed for good: what waits gets the server's own error. */
  refused(error: Error): void;
  /** The socket was not writable: the command was not written. */
  returned(command: Command): void;
  /** The client has ended. `connect()` may revive it. */
  ended(): void;
}

/** Takes blocking commands off the shared connection. */
export interface BlockingRouter {
  /** Returns whether it takes the command; from then on its promise is the router's. */
  divert(command: Command, options: CallOptions | undefined): boolean;
  /** Something else waits for the connection that a blocking command has to itself. */
  awaited(): void;
}

/** ioredis's `blockingTimeout` and its grace, in milliseconds: how long a block without end may last, and what a finite one gets on top. */
export interface BlockingLimit {
  readonly cap: number;
  readonly grace: number;
}

/** Counters of one engine since it was made. */
export interface EngineCounters {
  /** Replies and error replies. */
  answered: number;
  /** Commands that were sent again. */
  retried: number;
  /** Commands that were in flight when their connection was lost. */
  lost: number;
  /** Connections that had served and ended, though nobody had closed the client. */
  connectionsLost: number;
  /** Commands whose callers got an error, whoever is to blame. */
  failed: number;
  /** Those of `failed` that this client refused to send: circuit open, queue full, their time over while they waited. */
  rejected: number;
  /** Those of `failed` that may have changed data, and nobody knows. */
  unknownOutcomes: number;
  /** Commands whose deadline passed. */
  deadlines: number;
  /** Commands that `fallback` answered: they are not among `failed`. */
  fallbacks: number;
}

/** A command whose caller gets an error. Names and facts, never a value. */
export interface CommandFailure {
  /** In lower case. */
  readonly command: string;
  readonly code: Code;
  /** This client refused to send it. */
  readonly isUnsent: boolean;
  /** It may have changed data, and nobody knows. */
  readonly isOutcomeUnknown: boolean;
}

/**
 * Who answers on a new connection, by the `run_id` that INFO gives: the process that answered before, the same server
 * started anew, another one, or nobody can tell.
 */
export type ServerIdentity = "same" | "restarted" | "other" | "unknown";

/** What a server says of itself before a connection takes commands. */
export interface ServerInfo {
  readonly runId: string;
  /** Milliseconds since it was started. */
  readonly uptime: number;
}

/** One server has taken over from another, as those who watch them say. Both as `host:port`. */
export interface Takeover {
  readonly from: string;
  readonly to: string;
  /** Who says so, in the log's words; default: the Sentinels. */
  readonly as?: string | undefined;
}

/** A client that was connected before is connected again. */
export interface Reconnection {
  /** Milliseconds since it lost its connection. */
  readonly away: number;
  readonly server: ServerIdentity;
}

/** How the endpoint stands once all its circuits are closed. */
export interface Recovery {
  /** All that is known is that a client has connected. */
  readonly reconnected: boolean;
  /** Its clients that still want a connection, or wait for a late reply. */
  readonly troubled: number;
  readonly server: ServerIdentity;
}

/** How a circuit stands. */
export type CircuitState = "closed" | "open" | "half-open";

/** A change of a circuit. */
export interface CircuitChange {
  readonly kind: CircuitKind;
  readonly state: CircuitState;
  /** Milliseconds until the next probe, when it opened. */
  readonly retryAfter?: number | undefined;
  readonly cause?: Diagnosis | undefined;
}

/**
 * Hears what happens at one endpoint. Called on failures and changes only, never for a command that succeeds: counters of
 * the hot path are plain fields that observers read when asked.
 */
export interface Observer {
  /** A client of the endpoint is connected for the first time. */
  firstConnected(): void;
  /** A connection was lost, is silent, or could not be made. `since`: the first sign of it, on the monotonic clock. */
  connectionFailed(diagnosis: Diagnosis, since?: number): void;
  /** The server refused a command for a reason that speaks against the endpoint. The command may go again. */
  serverRefused(diagnosis: Diagnosis): void;
  /** A command was refused for a reason that concerns its caller only. */
  commandRefused(diagnosis: Diagnosis): void;
  /** The caller of a command gets an error: told once a command, after the reason for it. */
  commandFailed(failure: CommandFailure): void;
  /** The caller's fallback answered for a command that was not sent. */
  fellBack(command: string): void;
  /** A command is sent again. */
  retried(): void;
  circuitChanged(change: CircuitChange): void;
  /**
   * One client has had no connection for too long and refuses its commands, while the circuit stays closed for others of the
   * process that are connected, or have more patience. `retryAfter`: milliseconds until it dials again.
   */
  clientFailsFast(cause: Diagnosis, retryAfter: number): void;
  /** There are no new credentials: live connections keep the login they have. */
  credentialsFailed(diagnosis: Diagnosis): void;
  /** After that: there are again. */
  credentialsRenewed(): void;
  reconnected(reconnection: Reconnection): void;
  /** Told once, however many clients the endpoint has. */
  tookOver(takeover: Takeover): void;
  /** The endpoint is reachable and all circuits are closed. */
  recovered(recovery: Recovery): void;
  /** The last client of the endpoint has ended. */
  closed(): void;
}
