/**
 * The cluster as one connection, for the engine in which commands wait until a table is known: connected means that the table
 * is there, and to write means to hand the command to its node. It has no socket, so nothing is ever owed to it.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import type { Flaw, Transport } from "../engine/ports.js";
import type { EndpointInfo, FailureContext } from "../failure/diagnosis.js";
import { flawOf, mend } from "../ioredis/encoding.js";

export interface LobbyHooks {
  /** Carries the command on, or keeps it for the moment. */
  write(command: Command): void;
  /** A command waits, and nobody has connected yet. */
  wake(): void;
  /** The client is to end. */
  end(): void;
  /** A table is known, and the cluster serves. */
  isRoutable(): boolean;
  /** A start node has told the table; whether the cluster serves is being asked. */
  isTold(): boolean;
  /** Whether a node says that the cluster serves. */
  serves(): Promise<boolean>;
  /** When the next attempt to get one begins, on the monotonic clock. */
  retryAt(): number;
}

export class LobbyTransport implements Transport {
  /** Nodes are known by their addresses: nobody directs a connection elsewhere. */
  readonly isDirected = false;
  readonly #hooks: LobbyHooks;
  readonly #endpoint: EndpointInfo;
  #lastError: Error | undefined = undefined;

  constructor(endpoint: EndpointInfo, hooks: LobbyHooks) {
    this.#endpoint = endpoint;
    this.#hooks = hooks;
  }

  /** Why there is no table. */
  noteError(error: Error | undefined): void {
    this.#lastError = error;
  }

  write(command: Command): number {
    this.#hooks.write(command);
    return 1;
  }

  wake(): void {
    this.#hooks.wake();
  }

  end(): void {
    this.#hooks.end();
  }

  mend(command: Command, inBatch: boolean): Flaw {
    return mend(command, inBatch);
  }

  flawOf(command: Command, thrown: unknown): Flaw {
    return flawOf(command, thrown);
  }

  lastError(): Error | undefined {
    return this.#lastError;
  }

  retryIn(): number {
    return Math.max(0, this.#hooks.retryAt() - clock.now());
  }

  context(): FailureContext {
    const hooks = this.#hooks;
    const phase = hooks.isRoutable() ? "ready" : hooks.isTold() ? "handshake" : "connect";
    return { endpoint: this.#endpoint, phase };
  }

  currentEndpoint(): EndpointInfo {
    return this.#endpoint;
  }

  probe(): Promise<boolean> {
    return this.#hooks.isRoutable() ? this.#hooks.serves() : Promise.resolve(false);
  }

  // ---- what a connection without a socket never does

  logInAgain(): boolean {
    return false;
  }

  /** Each command finds its own node. */
  writeBatch(): number {
    return 0;
  }

  asking(): void {
    // Nodes are told, not the cluster.
  }

  hasTaken(): boolean {
    return false;
  }

  takeBack(): void {
    // Nothing is queued behind it.
  }

  unanswered(): Command[] {
    return [];
  }

  hurry(): void {
    // Whoever looks for a table does so at its own pace.
  }

  redial(): boolean {
    return false;
  }

  findsWriter(): Promise<boolean> {
    return Promise.resolve(false);
  }

  destroy(): void {
    // There is no socket.
  }

  silentFor(): number {
    return 0;
  }

  overdueFor(): number {
    return 0;
  }

  owedFor(): number {
    return 0;
  }

  whenNextReply(run: () => void): void {
    run();
  }

  isSending(): boolean {
    return false;
  }

  oldestUnanswered(): undefined {
    return undefined;
  }

  newestUnanswered(): undefined {
    return undefined;
  }

  protocol(): 2 | 3 {
    return 2;
  }

  discard(): void {
    // No MULTI is ever open here.
  }

  database(): number {
    return 0;
  }

  select(_database: number, done: () => void): void {
    done();
  }
}
