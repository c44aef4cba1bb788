/**
 * Every private part of ioredis that this package touches, declared here and nowhere else. A contract test
 * (`test/integration/internals.test.ts`) drives the real classes of ioredis 5.11 and 6 against these shapes, so that a
 * release which changes one of them fails loudly.
 */
import type { Timer } from "../clock.js";
import { Redis as IORedis, type Command, type RedisOptions } from "ioredis";
import * as autoPipeliningModule from "ioredis/built/autoPipelining.js";
import * as handlerModule from "ioredis/built/DataHandler.js";
import type { Socket } from "node:net";

/** An entry of ioredis's queue of written, unanswered commands. */
export interface CommandItem {
  readonly command: Command;
  readonly stream?: unknown;
  readonly select: number;
}

/** The part of ioredis's deque that is used here. */
export interface CommandQueue {
  readonly length: number;
  push(item: CommandItem): number;
  shift(): CommandItem | undefined;
  unshift(item: CommandItem): number;
  peekFront(): CommandItem | undefined;
  peekAt(index: number): CommandItem | undefined;
  remove(index: number, count: number): unknown;
  clear(): void;
  toArray(): CommandItem[];
}

export interface FlushOptions {
  readonly offlineQueue?: boolean;
  readonly commandQueue?: boolean;
}

export interface Connector {
  connect(emit: (type: string, error: Error) => void): Promise<Socket>;
  disconnect(): void;
  /** Sentinel's connector compares the role of the node it found. */
  check(info: Record<string, string>): boolean;
  firstError?: Error | undefined;
  /** The socket that was made last. */
  stream?: unknown;
  /** Sentinel's connector: a client for one question. */
  connectToSentinel?(endpoint: { readonly host?: unknown }, options?: object): IORedis;
  /** Sentinel's connector: where the master, or a replica, is; `null` for nowhere. */
  resolve?(endpoint: unknown): Promise<{ host?: unknown } | null>;
  /** The client's own options. Absent in a connector of the caller's. */
  options?: RedisOptions;
}

/** Connection state that ioredis restores after a reconnect. `protocol`, `replyMapping` and `handshake` exist from 6.0 on. */
export interface Condition {
  select: number;
  subscriber: false | { channels(kind: "subscribe" | "psubscribe" | "ssubscribe"): string[]; isEmpty(): boolean };
  auth?: unknown;
  protocol?: number;
  replyMapping?: string;
  handshake?: boolean;
}

/** A command made by `defineCommand`. */
export interface DefinedScript {
  readonly sha: string;
  readonly lua: string;
  readonly numberOfKeys: number | null;
  readonly readOnly: boolean;
  /** The class of its commands, which decides between EVAL and EVALSHA. */
  Command: new (...parts: ConstructorParameters<typeof Command>) => Command;
  /** Makes a command and hands it to a client or a pipeline; after NOSCRIPT another one to the client. */
  execute(container: object, ...rest: unknown[]): unknown;
}

/** What a pipeline does to and asks of a command. */
export interface BatchMember {
  readonly callback?: unknown;
  /** With `showFriendlyErrorStack`. */
  readonly errorStack?: Error | undefined;
  inTransaction: boolean;
  isResolved: boolean;
  isSettled?: boolean;
  readonly promise: Promise<unknown>;
  pipelineIndex?: number;
  resolve: (reply: unknown) => void;
  reject: (error: Error) => void;
  transformReply(reply: unknown): unknown;
}

/** The private members of a pipeline or MULTI batch, as they are in 5.11 and 6.x. */
export interface PipelineInternals {
  /** How many MULTIs are open in it. */
  readonly _transactions: number;
  readonly _queue: BatchMember[];
  /** Outcomes of members, in their places. */
  readonly _result: unknown[][];
  /** Takes one member's outcome, `[null, value]` or `[error]`; the last one ends the batch. */
  fillResult(outcome: unknown[], position: number): void;
  sendCommand(command: BatchMember): unknown;
  exec(callback?: (error: Error | null, results?: unknown[][]) => void): unknown;
  readonly options: RedisOptions;
}

/** What ioredis tells on its tracing channel of commands; `result` or `error` once it has settled. */
export interface CommandContext {
  readonly command: string;
  readonly args: readonly string[];
  readonly database: number;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
  result?: unknown;
  error?: unknown;
}

/** The private members of `Redis`, as they are in 5.11 and 6.x. */
export interface RedisInternals {
  options: RedisOptions;
  status: string;
  stream: Socket | undefined;
  condition: Condition | null;
  /** The condition of the last connection that was ready, until the next one is. */
  prevCondition?: Condition | null;
  commandQueue: CommandQueue;
  offlineQueue: Pick<CommandQueue, "length" | "push" | "shift" | "peekAt" | "remove">;
  connector: Connector;
  connectionEpoch: number;
  retryAttempts: number;
  manuallyClosing: boolean;
  reconnectTimeout: Timer | null;
  /** Runs from a write to the next data, with `socketTimeout`. */
  socketTimeoutTimer?: Timer | undefined;
  scriptsSet: Readonly<Record<string, DefinedScript>>;
  parseOptions(...args: unknown[]): void;
  setStatus(status: string, arg?: unknown): void;
  resetOfflineQueue(): void;
  resetCommandQueue(): void;
  _buildCommandContext(command: Command): CommandContext;
  _getServerAddress(): { readonly address: string; readonly port: number | undefined };
  flushQueue(error: Error, options?: FlushOptions): void;
  recoverFromFatalError(commandError: Error, error: Error, options?: FlushOptions): void;
  handleReconnection(error: Error, item: CommandItem): void;
  silentEmit(event: string, arg?: unknown): boolean;
  _readyCheck(callback: (error: Error | null, info?: Record<string, string>) => void): void;
}

/** Hands the decoded replies of one connection to the commands that wait for them. `returnPush` exists from 6.0 on. */
export interface ReplyHandler {
  readonly redis: RedisInternals;
  returnReply(reply: unknown): void;
  returnError(error: unknown): void;
  returnPush?(reply: unknown): void;
  returnFatalError(error: Error): void;
  /** The entry that the reply belongs to, or `null` when there is none. */
  shiftCommand(reply: unknown): CommandItem | null;
}

/** How ioredis decides whether a command joins the automatic pipeline of its turn (`enableAutoPipelining`). */
export interface AutoPipelining {
  shouldUseAutoPipelining(client: object, functionName: unknown, commandName: unknown): unknown;
}

/** CommonJS, so its exports are the default export, or closer, as the loader likes. The object on which ioredis looks it up. */
function exportsIn(module: object): AutoPipelining {
  const { default: inner } = module as { readonly default?: object };
  return inner === undefined ? (module as AutoPipelining) : exportsIn(inner);
}

/** Shared with every client of this copy of ioredis. */
export const autoPipelining = exportsIn(autoPipeliningModule);

/** CommonJS, so the class is the default export of the default export, or closer, as the loader likes. */
function classIn(module: unknown): { readonly prototype: unknown } | undefined {
  if (module === undefined || typeof module === "function") return module;
  return classIn((module as { readonly default?: unknown }).default);
}

/**
 * Where ioredis's handlers of replies have their methods. Shared with every client of this copy of ioredis. The build makes it
 * `undefined` with a release of ioredis that keeps them elsewhere.
 */
export const replyHandler = classIn(handlerModule)?.prototype as ReplyHandler | undefined;

/** The same object, with its private members visible. */
export function internalsOf(client: IORedis): RedisInternals {
  return client as unknown as RedisInternals;
}

/** ioredis's own implementations, for overrides to call. */
export const base: RedisInternals = IORedis.prototype as unknown as RedisInternals;

/** Replaces private methods of ioredis on a subclass's prototype, where TypeScript's `override` cannot reach them. */
export function overrideInternals<T extends object>(
  prototype: T,
  methods: {
    [K in keyof RedisInternals]?: RedisInternals[K] extends (...args: infer A) => infer R
      ? (this: T, ...args: A) => R
      : never;
  },
): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}
