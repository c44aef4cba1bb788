/**
 * Watches one connection: that the handshake ends in time, that an idle connection still answers, and that one which
 * owes a reply does not stay silent for ever. It only measures and reports; its owner destroys.
 */
import type { Socket } from "node:net";
import type { HeartbeatPolicy } from "../options/policy.js";

export interface WatchdogHooks {
  /** Connecting, TLS, AUTH, SELECT and the ready check together took too long. */
  handshakeLate(after: number): void;
  /** The connection owes a reply that no blocking command explains. */
  owesReply(): boolean;
  /** Nothing is in flight, so a heartbeat may be sent. */
  isIdle(): boolean;
  ping(): void;
  silent(after: number): void;
}

/** As much of the server's first words as is kept, in bytes. */
const FIRST_WORDS = 256;

export class Watchdog {
  readonly #heartbeat: HeartbeatPolicy | false;
  readonly #handshakeTimeout: number;
  readonly #hooks: WatchdogHooks;
  #handshake: NodeJS.Timeout | undefined = undefined;
  #beat: NodeJS.Timeout | undefined = undefined;
  connectedAt = 0;
  lastReadAt = 0;
  bytesRead = 0;
  /** What the server said before the connection was ready: its reason, if it closes the door. */
  firstWords = "";

  constructor(heartbeat: HeartbeatPolicy | false, handshakeTimeout: number, hooks: WatchdogHooks) {
    this.#heartbeat = heartbeat;
    this.#handshakeTimeout = handshakeTimeout;
    this.#hooks = hooks;
  }

  /** Dialling begins, or the server has said that it is still loading and the wait starts anew. */
  dialling(): void {
    clearTimeout(this.#handshake);
    this.#handshake = setTimeout(() => this.#hooks.handshakeLate(this.#handshakeTimeout), this.#handshakeTimeout);
    this.#handshake.unref();
  }

  /** TCP and TLS stand. Must be called before ioredis adds its parser, which prepends itself. */
  connected(stream: Socket): void {
    this.connectedAt = this.lastReadAt = performance.now();
    this.bytesRead = 0;
    this.firstWords = "";
    stream.on("data", (chunk: Buffer) => {
      this.lastReadAt = performance.now();
      this.bytesRead += chunk.length;
      if (this.firstWords.length < FIRST_WORDS && this.#handshake !== undefined) {
        this.firstWords += chunk.toString("latin1", 0, FIRST_WORDS - this.firstWords.length);
      }
    });
  }

  ready(): void {
    clearTimeout(this.#handshake);
    this.#handshake = undefined;
    if (this.#heartbeat === false) return;
    this.#beatAfter(this.#heartbeat);
  }

  #beatAfter(heartbeat: HeartbeatPolicy): void {
    clearTimeout(this.#beat);
    this.#beat = setTimeout(
      () => {
        this.#beatAfter(heartbeat);
        this.#check(heartbeat.interval, heartbeat.timeout);
      },
      Math.max(50, Math.min(heartbeat.interval, heartbeat.timeout) / 2),
    );
    this.#beat.unref();
  }

  closed(): void {
    clearTimeout(this.#handshake);
    clearTimeout(this.#beat);
    this.#handshake = this.#beat = undefined;
  }

  #check(interval: number, timeout: number): void {
    const silence = performance.now() - this.lastReadAt;
    // After a stall the bytes may be in the socket: look again once the poll phase has passed.
    if (silence >= timeout && this.#hooks.owesReply()) {
      setImmediate(() => {
        const still = performance.now() - this.lastReadAt;
        if (still >= timeout && this.#beat !== undefined && this.#hooks.owesReply()) this.#hooks.silent(still);
      });
    } else if (silence >= interval && this.#hooks.isIdle()) this.#hooks.ping();
  }
}
