/**
 * What is known of a client's connection, for diagnoses: its age and bytes, what went wrong with it, and what the server
 * said when it closed the door. It remembers and describes; it decides nothing.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { clock } from "../clock.js";
import { shownName } from "../command/shown-name.js";
import { sentAtOf } from "../engine/call.js";
import { IoredoubtError } from "../failure/errors.js";
import type { EndpointInfo, FailureContext, Phase } from "../failure/diagnosis.js";
import type { RedisInternals } from "./internals.js";
import type { ConnectionLogin } from "./login.js";
import type { Watchdog } from "./watchdog.js";

/** A name that is looked up, or a login that is given, within this is nothing to speak of. Milliseconds. */
const SLOW = 500;

export class ConnectionRecord {
  /** Why the present connection is being lost, as far as it is known. */
  lossCause: Error | undefined = undefined;
  lastError: Error | undefined = undefined;
  /** What the server said when it closed the door on this attempt or on the one before. */
  #lastWords: string | undefined = undefined;
  /** The last connection was closed before it was ready, and whatever the server said about it was not read. */
  closedUnheard = false;
  #everReady = false;
  /** The present connection, or the one that was just lost, has been ready. */
  wasReady = false;
  readonly #redis: RedisInternals;
  #endpoint: EndpointInfo;
  readonly #watchdog: Watchdog;
  readonly #login: ConnectionLogin;
  readonly #seen = new WeakSet<Error>();

  constructor(redis: RedisInternals, endpoint: EndpointInfo, watchdog: Watchdog, login: ConnectionLogin) {
    this.#redis = redis;
    this.#endpoint = endpoint;
    this.#watchdog = watchdog;
    this.#login = login;
  }

  /** Marks an error as known; `false` when it was. */
  isNews(error: Error): boolean {
    if (this.#seen.has(error)) return false;
    this.#seen.add(error);
    return true;
  }

  /** A new connection is attempted. */
  dialling(): void {
    this.lossCause = undefined;
    this.wasReady = false;
  }

  /** The present connection suffers from this. */
  suffer(error: Error): void {
    this.lossCause ??= error;
    this.lastError = error;
    // The next attempt's first write may fail before they can be read again; a server that is not reached says nothing.
    this.#lastWords =
      lastWords(this.#watchdog.firstWords) ?? (this.#watchdog.connectedAt > 0 ? this.#lastWords : undefined);
    // A peer that was silent until we gave up has nothing to say.
    const isOurs = IoredoubtError.is(error) && error.code === "HANDSHAKE_TIMEOUT";
    this.closedUnheard = !isOurs && this.#watchdog.connectedAt > 0 && !this.wasReady && this.#lastWords === undefined;
  }

  /** TCP is established. The name of a master says nothing to a person with a shell; its address does. */
  reached({ remoteAddress: host, remotePort: port }: Pick<Socket, "remoteAddress" | "remotePort">): void {
    const { sentinels, host: before, port: portBefore } = this.#endpoint;
    if (sentinels === undefined || host === undefined || (host === before && port === portBefore)) return;
    this.#endpoint = { ...this.#endpoint, host, port };
  }

  /** It let us in: what it said before is no reason for anything that comes later. */
  ready(): void {
    this.#watchdog.firstWords = "";
    this.#everReady = this.wasReady = true;
  }

  /** The connection serves: what went wrong before is history. */
  forget(): void {
    this.lastError = this.lossCause = this.#lastWords = undefined;
    this.closedUnheard = false;
  }

  #phase(): Phase {
    const { status, stream } = this.#redis;
    if (this.#login.askedFor !== undefined) return "login";
    if (this.#watchdog.isResolving) return "resolve";
    return status === "connecting" && inTlsHandshake(stream) ? "handshake" : phaseOf(status);
  }

  get endpoint(): EndpointInfo {
    return this.#endpoint;
  }

  context(): FailureContext {
    const now = clock.now();
    const { status, commandQueue } = this.#redis;
    const { connectedAt, bytesRead, lastReadAt, firstWords, lookup, pausedFor } = this.#watchdog;
    const head = commandQueue.length > 0 ? commandQueue.peekAt(0)?.command : undefined;
    const since = head === undefined ? undefined : sentAtOf(head);
    const connected = connectedAt > 0 && (status === "ready" || status === "connect" || status === "close");
    const everReady = this.#everReady;
    const asked = this.#login.askedFor ?? 0;
    return {
      endpoint: this.#endpoint,
      phase: this.#phase(),
      ...(asked >= SLOW ? { loginMs: Math.round(asked) } : {}),
      ...(lookup >= SLOW && status !== "ready" ? { lookupMs: Math.round(lookup) } : {}),
      ...(connected
        ? {
            connection: {
              ageMs: Math.round(now - connectedAt),
              bytesRead: bytesRead === 0 ? bytesOf(this.#redis.stream) : bytesRead,
              silentMs: Math.round(now - lastReadAt),
              ...(pausedFor === undefined ? {} : { pausedMs: Math.round(pausedFor) }),
              everReady,
              lastWords: lastWords(firstWords) ?? this.#lastWords,
            },
          }
        : everReady || this.#lastWords !== undefined
          ? { connection: { everReady, lastWords: this.#lastWords } }
          : {}),
      ...(head === undefined || since === undefined
        ? {}
        : { head: { command: shownName(head.name), forMs: Math.round(now - since), behind: commandQueue.length - 1 } }),
    };
  }
}

/** TCP is established and TLS is not: for ioredis the socket still connects, and yet no firewall is in the way. */
function inTlsHandshake(stream: Socket | undefined): boolean {
  return stream instanceof TLSSocket && !stream.connecting && !stream.destroyed;
}

/** What came and was not counted yet: the decoder is given a chunk first, and may fail on it. TLS has its own bytes. */
function bytesOf(stream: Socket | undefined): number {
  return stream instanceof TLSSocket ? 0 : (stream?.bytesRead ?? 0);
}

function phaseOf(status: string): Phase {
  switch (status) {
    case "connecting":
    case "reconnecting":
    case "wait":
      return "connect";
    case "connect":
      return "handshake";
    case "ready":
    case "monitoring":
      return "ready";
    default:
      return "closed";
  }
}

/** The error line a server sent before it closed the door; nothing else of what it says is kept. Cut by whoever shows it. */
function lastWords(firstWords: string): string | undefined {
  if (!firstWords.startsWith("-")) return undefined;
  return firstWords.slice(1).split("\r\n", 1)[0];
}
