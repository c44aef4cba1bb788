/**
 * Hears of failovers: one subscription to `+switch-master`, at one Sentinel. It is pinged, and moves to the next Sentinel when that
 * is silent or gone; then somebody must ask, because an announcement may have been missed.
 */
import type { Socket } from "node:net";
import { AwakeTimeout } from "../awake-timeout.js";
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { ErrorReply, type Reply } from "../resp.js";
import { nameOf, type Address } from "./address.js";
import { dial, type Way } from "./dial.js";
import type { Entry, Line } from "./entry.js";
import { RespSocket } from "./resp-socket.js";

export interface SwitchHooks {
  /** The Sentinels, those that answer first. */
  sentinels(): readonly Address[];
  /** Resolves when another connect may begin; rejects when there is to be none. */
  mayConnect(): Promise<void>;
  /** How the next connection logs in. Rejects when nobody can say. */
  entry(): Promise<Entry>;
  /** Milliseconds for a connection. */
  connectLimit(): number;
  switched(from: Address, to: Address): void;
  /** The master may have changed, and nobody has said to what: it is to be asked for. */
  changed(): void;
  /** A Sentinel does not allow it, in these words: nobody is told any more. */
  refused(sentinel: Address, said: string): void;
}

const CHANNEL = "+switch-master";
/**
 * The Sentinel that conducts a failover names the new master as soon as that is one, and announces it a second later, when the
 * replicas follow.
 */
const PROMOTED = "+promoted-slave";
/** One command each: an ACL that lacks the second channel must not keep the first from being heard. */
const LISTEN = [
  ["SUBSCRIBE", CHANNEL],
  ["SUBSCRIBE", PROMOTED],
] as const;
/** Milliseconds. */
const PING_EVERY = 1_000;
const SILENCE = 1_500;
/** When all Sentinels have failed in turn, milliseconds until the first is tried again. */
const PAUSE = 1_000;

export class SwitchWatch {
  readonly #name: string;
  readonly #way: Way;
  readonly #hooks: SwitchHooks;
  #socket: RespSocket | undefined = undefined;
  /** Sentinels that failed since the last subscription. */
  readonly #failed = new Set<string>();
  #hasListened = false;
  #isStarted = false;
  #isOver = false;
  #isSubscribed = false;
  #entry: Entry | undefined = undefined;
  readonly #whenSubscribed: (() => void)[] = [];
  #pulse: Timer | undefined = undefined;
  #silence: AwakeTimeout | undefined = undefined;

  constructor(name: string, way: Way, hooks: SwitchHooks) {
    this.#name = name;
    this.#way = way;
    this.#hooks = hooks;
  }

  /** Idempotent. */
  start(): void {
    if (this.#isStarted || this.#isOver) return;
    this.#isStarted = true;
    void this.#next();
  }

  end(): void {
    this.#isOver = true;
    clock.clearTimeout(this.#pulse);
    this.#silence?.cancel();
    this.#socket?.end(new Error("the subscription was ended"));
  }

  async #next(): Promise<void> {
    const all = this.#hooks.sentinels();
    const sentinel = all.find((one) => !this.#failed.has(nameOf(one)));
    if (sentinel === undefined) {
      this.#nextLater();
      return;
    }
    try {
      await this.#hooks.mayConnect();
    } catch {
      return;
    }
    const entry = await this.#hooks.entry().catch(() => undefined);
    if (this.#hasEnded()) return;
    if (entry === undefined) this.#nextLater();
    else this.#listenTo(sentinel, entry);
  }

  #nextLater(): void {
    this.#failed.clear();
    this.#pulse = setUnrefTimeout(() => void this.#next(), PAUSE * (1 + clock.random() / 2));
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  #listenTo(sentinel: Address, entry: Entry): void {
    this.#isSubscribed = false;
    this.#entry = entry;
    const raw: Socket = dial(sentinel, this.#way, this.#hooks.connectLimit());
    raw.unref();
    const socket = (this.#socket = new RespSocket(raw, {
      reply: (reply) => {
        this.#heard();
        if (!entry.takes(reply)) this.#replied(sentinel, reply);
      },
      ended: () => this.#lost(sentinel),
    }));
    raw.once(this.#way.tls === undefined ? "connect" : "secureConnect", () => this.#heard());
    socket.write([...entry.begin(this.#lineOn(socket)), ...LISTEN]);
    this.#beat(socket);
  }

  /** A Sentinel takes no AUTH from who is subscribed, so the channels are left for it, in one write. */
  #lineOn(socket: RespSocket): Line {
    return {
      isBusy: () => !this.#isSubscribed,
      whenIdle: (run) => void this.#whenSubscribed.push(run),
      logIn: (auth) => {
        this.#isSubscribed = false;
        socket.write([["UNSUBSCRIBE"], auth, ...LISTEN]);
      },
      end: () => socket.end(new Error("the subscription is made anew")),
    };
  }

  #beat(socket: RespSocket): void {
    this.#pulse = setUnrefTimeout(() => {
      if (this.#isSubscribed) socket.write([["PING"]]);
      this.#beat(socket);
    }, PING_EVERY);
  }

  /** It lives: the next sign of it is due in time. */
  #heard(): void {
    this.#silence?.cancel();
    this.#silence = new AwakeTimeout(() => this.#socket?.end(new Error("the Sentinel is silent")), SILENCE);
  }

  #replied(sentinel: Address, reply: Reply): void {
    const [kind, channel, text] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
    if (!this.#isSubscribed) {
      if (reply instanceof ErrorReply) this.#refused(sentinel, reply);
      else if (kind === "subscribe") this.#subscribed();
    }
    if (kind !== "message" || typeof text !== "string") return;
    if (channel === PROMOTED && text.includes(` @ ${this.#name} `)) this.#hooks.changed();
    if (channel !== CHANNEL) return;
    const [name, oldHost, oldPort, host, port] = text.split(" ");
    if (name !== this.#name || oldHost === undefined || host === undefined) return;
    this.#hooks.switched({ host: oldHost, port: Number(oldPort) }, { host, port: Number(port) });
  }

  #subscribed(): void {
    this.#isSubscribed = true;
    this.#failed.clear();
    // What was announced between two subscriptions was missed.
    if (this.#hasListened) this.#hooks.changed();
    this.#hasListened = true;
    for (const run of this.#whenSubscribed.splice(0)) run();
  }

  #refused(sentinel: Address, { message }: ErrorReply): void {
    // Whoever was not let in has not been told that it may not listen.
    if (this.#entry?.isRefused === true) {
      this.#socket?.end(new Error("the Sentinel refuses the login"));
      return;
    }
    this.#hooks.refused(sentinel, message);
    this.end();
  }

  #lost(sentinel: Address): void {
    clock.clearTimeout(this.#pulse);
    this.#silence?.cancel();
    this.#whenSubscribed.length = 0;
    const mayTryAnew = this.#entry?.mayTryAnew === true;
    this.#entry?.end();
    this.#entry = undefined;
    if (this.#isOver) return;
    if (!mayTryAnew) this.#failed.add(nameOf(sentinel));
    void this.#next();
  }
}
