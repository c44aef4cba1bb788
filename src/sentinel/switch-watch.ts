/**
 * Hears of failovers: one subscription to `+switch-master`, at one Sentinel. It is pinged, and moves to the next Sentinel when that
 * is silent or gone; then somebody must ask, because an announcement may have been missed.
 */
import type { Socket } from "node:net";
import { AwakeTimeout } from "../awake-timeout.js";
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { ErrorReply, type Reply } from "../resp.js";
import { nameOf, type Address } from "./address.js";
import { dial, loginOf, type Way } from "./dial.js";
import { RespSocket } from "./resp-socket.js";

export interface SwitchHooks {
  /** The Sentinels, those that answer first. */
  sentinels(): readonly Address[];
  /** Resolves when another connect may begin; rejects when there is to be none. */
  mayConnect(): Promise<void>;
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
      this.#failed.clear();
      this.#pulse = setUnrefTimeout(() => void this.#next(), PAUSE * (1 + clock.random() / 2));
      return;
    }
    try {
      await this.#hooks.mayConnect();
    } catch {
      return;
    }
    if (!this.#hasEnded()) this.#listenTo(sentinel);
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  #listenTo(sentinel: Address): void {
    this.#isSubscribed = false;
    const raw: Socket = dial(sentinel, this.#way, this.#hooks.connectLimit());
    raw.unref();
    const login = loginOf(this.#way);
    let logins = login.length;
    const socket = (this.#socket = new RespSocket(raw, {
      reply: (reply) => {
        this.#heard();
        if (logins > 0) logins--;
        else this.#replied(sentinel, reply);
      },
      ended: () => this.#lost(sentinel),
    }));
    raw.once(this.#way.tls === undefined ? "connect" : "secureConnect", () => this.#heard());
    socket.write([...login, ["SUBSCRIBE", CHANNEL], ["SUBSCRIBE", PROMOTED]]);
    this.#beat(socket);
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
    if (!this.#isSubscribed) {
      if (reply instanceof ErrorReply) {
        this.#hooks.refused(sentinel, reply.message);
        this.end();
        return;
      }
      this.#isSubscribed = true;
      this.#failed.clear();
      // What was announced between two subscriptions was missed.
      if (this.#hasListened) this.#hooks.changed();
      this.#hasListened = true;
      return;
    }
    const [kind, channel, text] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
    if (kind !== "message" || typeof text !== "string") return;
    if (channel === PROMOTED && text.includes(` @ ${this.#name} `)) this.#hooks.changed();
    if (channel !== CHANNEL) return;
    const [name, oldHost, oldPort, host, port] = text.split(" ");
    if (name !== this.#name || oldHost === undefined || host === undefined) return;
    this.#hooks.switched({ host: oldHost, port: Number(oldPort) }, { host, port: Number(port) });
  }

  #lost(sentinel: Address): void {
    clock.clearTimeout(this.#pulse);
    this.#silence?.cancel();
    if (this.#isOver) return;
    this.#failed.add(nameOf(sentinel));
    void this.#next();
  }
}
