/**
 * Watches one connection: that it gets ready in time, that an idle one still answers, and that one which owes a reply does
 * not stay silent for ever. It only measures and reports; its owner destroys. Time in which this process stood still is no
 * silence of the server.
 */
import { clock, type Timer } from "../clock.js";
import type { Socket } from "node:net";
import type { HeartbeatPolicy } from "../policy/shape.js";
import { stalls } from "../stall-meter.js";
import { HandshakeWatch, type HandshakeLimits } from "./handshake-watch.js";

export interface WatchdogHooks {
  /** Connecting, TLS, AUTH, SELECT and the ready check took too long or went silent; `false` when there is no socket yet. */
  handshakeLate(after: number): boolean;
  /**
   * Milliseconds of this process's own running for which a reply has been due that no blocking command explains, without a
   * byte coming; 0 when none is.
   */
  owedFor(now: number): number;
  /** Nothing is in flight, so a heartbeat may be sent. */
  isIdle(): boolean;
  ping(): void;
  silent(after: number): void;
  /** The oldest unanswered command, whatever it is: another one means that replies come. */
  head(): object | undefined;
}

/** Between two looks at a connection that owes nothing, at least, in milliseconds. */
const PACE = 50;
/** A process that was not here for so long may have lost its connections: functions are frozen, routers forget. Milliseconds. */
const AWAY = 5_000;
/** Such a connection must answer within this, in milliseconds. */
const PROOF = 1_500;
/** So many bytes of one reply show that it is coming: a megabyte may take its time. A server that trickles takes for ever. */
const PROGRESS = 4_096;
/** As much of the server's first words as is kept, in bytes. */
const FIRST_WORDS = 512;

export class Watchdog {
  readonly #heartbeat: HeartbeatPolicy | false;
  readonly #hooks: WatchdogHooks;
  readonly #handshake: HandshakeWatch;
  #beat: Timer | undefined = undefined;
  /** Stalls are measured while a reply is due. */
  #release: (() => void) | undefined = undefined;
  /** When this process woke from a stall that balancers and routers take for the end of a connection. */
  #wokeAt = 0;
  /** For how long it had stood still then, in milliseconds. */
  #away = 0;
  connectedAt = 0;
  lastReadAt = 0;
  /** When a reply was complete last, or as good as: of a large one a part counts, single bytes do not. */
  lastProgressAt = 0;
  bytesRead = 0;
  #head: object | undefined = undefined;
  /** Bytes of the reply that is under way. */
  #partial = 0;
  /** What the server said before the connection was ready: its reason, if it closes the door. */
  firstWords = "";
  /** The connection is not ready yet: what comes is kept. */
  #isGreeting = false;

  constructor(heartbeat: HeartbeatPolicy | false, limits: HandshakeLimits, hooks: WatchdogHooks) {
    this.#heartbeat = heartbeat;
    this.#hooks = hooks;
    this.#handshake = new HandshakeWatch(limits, {
      giveUp: (after) => hooks.handshakeLate(after),
      heardAt: () => (this.connectedAt > 0 ? this.lastReadAt : 0),
    });
  }

  /** Dialling begins, with the search for the address of its name if it has one. */
  dialling(isNamed: boolean): void {
    this.#isGreeting = true;
    this.connectedAt = 0;
    this.firstWords = "";
    this.#handshake.dialling(isNamed);
  }

  /** Somebody else is asked where the server is, within limits of their own: nothing is dialled yet. */
  searching(): void {
    this.#isGreeting = true;
    this.connectedAt = 0;
    this.firstWords = "";
    this.#handshake.stop();
  }

  /** Milliseconds for which this process stood still since the last byte came; `undefined` where no connection minds it. */
  get pausedFor(): number | undefined {
    return this.connectedAt > 0 && this.#wokeAt > this.lastReadAt ? this.#away : undefined;
  }

  /** The address is being looked up: nothing has left for the server yet. */
  get isResolving(): boolean {
    return this.#handshake.isResolving;
  }

  /** How long that has taken, or took, in the present attempt. Milliseconds. */
  get lookup(): number {
    return this.#handshake.lookup;
  }

  /** The address was found. */
  resolved(): void {
    this.#handshake.resolved();
  }

  /** The server has said that it is still loading. */
  loading(): void {
    this.#handshake.loading();
  }

  /** TCP and TLS are established. Must be called before ioredis adds its parser, which prepends itself. */
  connected(stream: Socket): void {
    this.connectedAt = this.lastReadAt = this.lastProgressAt = clock.now();
    this.bytesRead = this.#partial = 0;
    this.#head = undefined;
    this.firstWords = "";
    stream.on("data", (chunk: Buffer) => {
      this.lastReadAt = clock.now();
      this.bytesRead += chunk.length;
      const head = this.#hooks.head();
      this.#partial += chunk.length;
      if (head !== this.#head || this.#partial >= PROGRESS) {
        this.#head = head;
        this.#partial = 0;
        this.lastProgressAt = this.lastReadAt;
      }
      if (this.#isGreeting && this.firstWords.length < FIRST_WORDS) {
        this.firstWords += chunk.toString("latin1", 0, FIRST_WORDS - this.firstWords.length);
      }
    });
  }

  ready(): void {
    this.#isGreeting = false;
    this.#handshake.ready();
    if (this.#heartbeat === false) return;
    const { interval, timeout } = this.#heartbeat;
    this.#lookIn(paceOf(interval, timeout), interval, timeout);
  }

  #lookIn(wait: number, interval: number, timeout: number): void {
    clock.clearTimeout(this.#beat);
    const ms = Math.max(1, Math.ceil(wait));
    const since = clock.now();
    this.#beat = clock.setTimeout(() => {
      this.#wake(since, ms);
      this.#lookIn(this.#check(interval, timeout), interval, timeout);
    }, ms);
    this.#beat.unref();
  }

  closed(): void {
    this.#isGreeting = false;
    this.#handshake.stop();
    clock.clearTimeout(this.#beat);
    this.#beat = undefined;
    this.#measure(false);
  }

  /** A look is being taken that was planned at `since`, for so many milliseconds later. */
  #wake(since: number, wait: number): void {
    const now = clock.now();
    stalls.note(since + wait, now);
    if (now - since < AWAY || now - since < 2 * wait) return;
    this.#wokeAt = now;
    this.#away = now - since - wait;
    if (this.#hooks.isIdle()) this.#ping();
  }

  #ping(): void {
    this.#measure(true);
    this.#hooks.ping();
  }

  #measure(isDue: boolean): void {
    if (isDue) this.#release ??= stalls.hold();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  /** Returns how long to wait until the next look: a pace, or until something may be due. */
  #check(interval: number, timeout: number): number {
    const now = clock.now();
    const limit = this.#wokeAt > this.lastReadAt ? Math.min(timeout, PROOF) : timeout;
    // What was sent as the process woke counts from now on only: the next look must not come after its limit.
    const pace = Math.min(paceOf(interval, timeout), limit);
    const owed = this.#hooks.owedFor(now);
    this.#measure(owed > 0);
    // After a stall the bytes may be in the socket: look again once the poll phase has passed.
    if (owed >= limit) {
      clock.setImmediate(() => {
        const still = this.#hooks.owedFor(clock.now());
        if (still >= limit && this.#beat !== undefined) this.#hooks.silent(still);
      });
      return pace;
    }
    if (owed > 0) return Math.min(pace, limit - owed);
    const silence = now - this.lastReadAt;
    if (silence < interval) return Math.min(pace, interval - silence);
    if (this.#hooks.isIdle()) this.#ping();
    return pace;
  }
}

/** A command sent just after a look is seen before its own limit. */
function paceOf(interval: number, timeout: number): number {
  return Math.max(PACE, Math.min(interval, timeout) / 2);
}
