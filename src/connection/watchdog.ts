/**
 * Watches one connection: that it gets ready in time, that an idle one still answers, and that one which owes a reply does
 * not stay silent for ever. It only measures and reports; its owner destroys.
 */
import type { Socket } from "node:net";
import type { HeartbeatPolicy } from "../policy/shape.js";
import { HandshakeWatch } from "./handshake-watch.js";

export interface WatchdogHooks {
  /** Connecting, TLS, AUTH, SELECT and the ready check took too long or went silent; `false` when there is no socket yet. */
  handshakeLate(after: number): boolean;
  /** Milliseconds for which a reply has been due that no blocking command explains, without a byte coming; 0 when none is. */
  owedFor(now: number): number;
  /** Nothing is in flight, so a heartbeat may be sent. */
  isIdle(): boolean;
  ping(): void;
  silent(after: number): void;
}

/** Between two looks at a connection that owes nothing, at least, in milliseconds. */
const PACE = 50;
/** As much of the server's first words as is kept, in bytes. */
const FIRST_WORDS = 256;

export class Watchdog {
  readonly #heartbeat: HeartbeatPolicy | false;
  readonly #hooks: WatchdogHooks;
  readonly #handshake: HandshakeWatch;
  #beat: NodeJS.Timeout | undefined = undefined;
  connectedAt = 0;
  lastReadAt = 0;
  bytesRead = 0;
  /** What the server said before the connection was ready: its reason, if it closes the door. */
  firstWords = "";

  constructor(heartbeat: HeartbeatPolicy | false, handshakeTimeout: number, hooks: WatchdogHooks) {
    this.#heartbeat = heartbeat;
    this.#hooks = hooks;
    this.#handshake = new HandshakeWatch(handshakeTimeout, {
      giveUp: (after) => hooks.handshakeLate(after),
      heardAt: () => (this.connectedAt > 0 ? this.lastReadAt : 0),
    });
  }

  /** Dialling begins. */
  dialling(): void {
    this.connectedAt = 0;
    this.firstWords = "";
    this.#handshake.dialling();
  }

  /** The server has said that it is still loading. */
  loading(): void {
    this.#handshake.loading();
  }

  /** TCP and TLS stand. Must be called before ioredis adds its parser, which prepends itself. */
  connected(stream: Socket): void {
    this.connectedAt = this.lastReadAt = performance.now();
    this.bytesRead = 0;
    this.firstWords = "";
    stream.on("data", (chunk: Buffer) => {
      this.lastReadAt = performance.now();
      this.bytesRead += chunk.length;
      if (this.firstWords.length < FIRST_WORDS && this.#handshake.isUnderWay) {
        this.firstWords += chunk.toString("latin1", 0, FIRST_WORDS - this.firstWords.length);
      }
    });
  }

  ready(): void {
    this.#handshake.ready();
    if (this.#heartbeat === false) return;
    const { interval, timeout } = this.#heartbeat;
    this.#lookIn(paceOf(interval, timeout), interval, timeout);
  }

  #lookIn(wait: number, interval: number, timeout: number): void {
    clearTimeout(this.#beat);
    this.#beat = setTimeout(
      () => this.#lookIn(this.#check(interval, timeout), interval, timeout),
      Math.max(1, Math.ceil(wait)),
    );
    this.#beat.unref();
  }

  closed(): void {
    this.#handshake.stop();
    clearTimeout(this.#beat);
    this.#beat = undefined;
  }

  /** Returns how long to wait until the next look: a pace, or until something may be due. */
  #check(interval: number, timeout: number): number {
    const pace = paceOf(interval, timeout);
    const now = performance.now();
    const owed = this.#hooks.owedFor(now);
    // After a stall the bytes may be in the socket: look again once the poll phase has passed.
    if (owed >= timeout) {
      setImmediate(() => {
        const still = this.#hooks.owedFor(performance.now());
        if (still >= timeout && this.#beat !== undefined) this.#hooks.silent(still);
      });
      return pace;
    }
    if (owed > 0) return Math.min(pace, timeout - owed);
    const silence = now - this.lastReadAt;
    if (silence < interval) return Math.min(pace, interval - silence);
    if (this.#hooks.isIdle()) this.#hooks.ping();
    return pace;
  }
}

/** A command sent just after a look is seen before its own limit. */
function paceOf(interval: number, timeout: number): number {
  return Math.max(PACE, Math.min(interval, timeout) / 2);
}
