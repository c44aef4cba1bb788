/**
 * Finds the server of a set through its Sentinels and dials it: in the place of ioredis's `SentinelConnector`, with the same
 * options. What is asked and known is shared with all clients of the set (`src/sentinel`); here is one client's way through it.
 */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { clock, sleep } from "../clock.js";
import type { RedisOptions } from "ioredis";
import type { CredentialsOptions } from "../credentials/provider.js";
import { IoredoubtError } from "../failure/errors.js";
import type { SentinelPolicy } from "../policy/shape.js";
import { redactText } from "../failure/redact.js";
import { isSame, nameOf, sentinelAt, type Address } from "../sentinel/address.js";
import type { DialTurn, Waiting } from "../sentinel/dial-turn.js";
import { lookupFailed, saidBy, type Retry } from "../sentinel/lookup-errors.js";
import { chooseReplica, mapped } from "../sentinel/replicas.js";
import type { Replica, Role } from "../sentinel/report.js";
import type { Found, SentinelSet, SetMember, SetOptions } from "../sentinel/sentinel-set.js";
import { joinSet, leaveSet } from "../sentinel/sets.js";
import { withServerName } from "./server-name.js";
import type { Emit, SentinelClient } from "./sentinel-client.js";

/** Characters of a Sentinel's words that are shown. */
const WORDS = 160;
/** "At once" is spread over this, in milliseconds. */
const SPREAD = 5;
/** ioredis's own words for an attempt that its owner ended. */
const CLOSED = "Connection is closed.";

/** An attempt to connect, from the first question to the socket. */
interface Attempt {
  readonly emit: Emit;
  readonly ending: AbortController;
}

export class SentinelConnector implements SetMember {
  readonly #client: SentinelClient;
  readonly #setOptions: SetOptions;
  #set: SentinelSet | undefined = undefined;
  #attempt: Attempt | undefined = undefined;
  /** Where the present connection leads, or the last one did, and who may dial there. */
  #turn: DialTurn | undefined = undefined;
  #address: Address | undefined = undefined;
  #isWrongRole = false;
  #hasArrived = false;
  /** Another server is wanted than the one that was dialled last. */
  #isReplaced = false;
  #stream: Socket | undefined = undefined;
  #ended: Socket | undefined = undefined;
  /** What the last socket failed with, for ioredis. */
  firstError: Error | undefined = undefined;

  constructor(client: SentinelClient, options: SetOptions) {
    this.#client = client;
    this.#setOptions = options;
  }

  /** The last attempt met a server that cannot be reached: when the next may begin is decided for all clients together. */
  get isPaced(): boolean {
    return this.#isReplaced || this.#turn?.isFailing === true;
  }

  async connect(emit: Emit): Promise<Socket> {
    this.#attempt?.ending.abort(new Error(CLOSED));
    const attempt = (this.#attempt = { emit, ending: new AbortController() });
    const set = (this.#set ??= joinSet(this.#setOptions, this));
    const { signal } = attempt.ending;
    const { options } = this.#client;
    const role: Role = options.role === "slave" ? "slave" : "master";
    for (let tries = 1; ; tries++) {
      const { result } = await before(signal, set.find(role));
      const address = this.#chosen(set, result);
      if (address === undefined) {
        await this.#nothingFound(attempt, role, result, tries);
        continue;
      }
      const turn = set.turnAt(address);
      set.watchFor(role);
      const isCrowded = turn.isFailing;
      const waiting = await this.#turnAt(turn, attempt);
      // Whoever waited for the one that has arrived does not dial in the same instant as all others.
      if (isCrowded && !set.isFailing(address)) await sleep(this.#client.spaced(clock.random() * SPREAD), signal);
      if (waiting !== undefined) return this.#dial(address, turn, waiting, attempt);
    }
  }

  /** ioredis asks with what INFO says, before the connection is used. */
  check({ role }: Readonly<Record<string, string>>): boolean {
    const { options, label } = this.#client;
    if (role !== undefined && role !== options.role) {
      this.#isWrongRole = true;
      this.#client.failed(wrongRole(label, this.#address, options.role === "slave" ? "replica" : "master", role));
      return false;
    }
    this.#arrived();
    return true;
  }

  async look(): Promise<boolean> {
    const found = await this.#set?.find("master").catch(() => undefined);
    const master = found?.result.master;
    return master !== undefined && isIP(master.host) === 0;
  }

  /** The server is there, though it may not serve yet. */
  heard(): void {
    if (!this.#isWrongRole) this.#arrived();
  }

  disconnect(): void {
    this.#attempt?.ending.abort(new Error(CLOSED));
    this.#attempt = undefined;
    const stream = this.#stream;
    // Its end has been set going before, and is waited for.
    if (stream === undefined || stream.destroyed || stream === this.#ended) return;
    this.#ended = stream;
    const { disconnectTimeout = 0 } = this.#client.options as { readonly disconnectTimeout?: number };
    const timer = clock.setTimeout(() => stream.destroy(), disconnectTimeout);
    stream.once("close", () => clock.clearTimeout(timer));
    stream.end();
  }

  /** The client has ended: with the last one of a set, the connections to its Sentinels end. */
  leave(): void {
    this.disconnect();
    if (this.#set !== undefined) leaveSet(this.#set, this);
    this.#set = undefined;
  }

  /** Whoever is connected to another server leaves it. Who waits to dial the old one is told by its turn. */
  masterMoved(master: Address): void {
    const from = this.#address;
    if (from === undefined) return;
    if (this.#client.options.role === "slave") {
      if (isSame(from, master)) void this.#leaveMaster(from);
    } else if (!isSame(from, master)) this.#leave(from, master);
  }

  credentialsFailed(error: IoredoubtError): void {
    this.#client.credentials.failed(error);
  }

  credentialsRenewed(): void {
    this.#client.credentials.renewed();
  }

  notTold(sentinel: Address, said: string): void {
    this.#client.notice(
      `${nameOf(sentinel)} does not tell of failovers (${redactText(said, WORDS)}); the Sentinels are asked instead`,
    );
  }

  #leave(from: Address, to: Address): void {
    this.#isReplaced = true;
    this.#client.replaced(nameOf(from), nameOf(to));
  }

  /** The replica of this client has become the master. It is left where there is another replica. */
  async #leaveMaster(from: Address): Promise<void> {
    const set = this.#set;
    const found = await set?.find("slave").catch(() => undefined);
    const to = set && found && this.#chosen(set, found.result);
    if (to !== undefined && !isSame(to, from) && this.#address === from) this.#leave(from, to);
  }

  #arrived(): void {
    if (this.#hasArrived) return;
    this.#hasArrived = true;
    this.#turn?.arrived();
  }

  #chosen(set: SentinelSet, { master, replicas }: Found): Address | undefined {
    if (replicas === undefined) return master;
    const { preferredSlaves, natMap } = this.#client.options;
    const all = replicas.replicas;
    const isWell = ({ ip, port }: Replica): boolean =>
      ip !== undefined && !set.isFailing(mapped({ host: ip, port: Number(port) }, natMap));
    const well = all.filter(isWell);
    const choice = chooseReplica(well.length > 0 ? well : all, preferredSlaves);
    return choice && mapped(choice, natMap);
  }

  /** Says so, and waits as ioredis's strategy wants it. Throws when that gives up. */
  async #nothingFound({ emit, ending }: Attempt, role: Role, { reports }: Found, tries: number): Promise<void> {
    const { options, label, retryStrategy } = this.#client;
    for (const report of reports) {
      if (report.kind !== "named" && report.kind !== "listed") emit("sentinelError", new Error(saidBy(report)));
    }
    const retry: Retry = retryStrategy === undefined ? undefined : delayOf(retryStrategy, tries);
    const error = lookupFailed(label, options.name ?? "", role, reports, retry);
    if (retry === "over") throw error;
    emit("error", error);
    if (retry !== undefined) await sleep(retry, ending.signal);
  }

  /** Resolves once it may dial there, or to `undefined` when the server is to be looked for again. */
  async #turnAt(turn: DialTurn, { emit, ending: { signal } }: Attempt): Promise<Waiting | undefined> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        turn.leave(waiting);
        reject(signal.reason as Error);
      };
      const waiting: Waiting = {
        go: (what) => {
          signal.removeEventListener("abort", onAbort);
          resolve(what === "dial" ? waiting : undefined);
        },
        failed: (error) => emit("error", error),
      };
      signal.addEventListener("abort", onAbort, { once: true });
      turn.enter(waiting);
    });
  }

  #dial(address: Address, turn: DialTurn, waiting: Waiting, { ending: { signal } }: Attempt): Socket {
    if (signal.aborted) {
      turn.leave(waiting);
      throw signal.reason as Error;
    }
    this.#turn = turn;
    this.#address = address;
    this.#isWrongRole = this.#hasArrived = this.#isReplaced = false;
    this.#set?.listen();
    this.firstError = undefined;
    const { options } = this.#client;
    this.#client.dialling(isIP(address.host) === 0);
    const tls = options.enableTLSForSentinelMode === true ? (options.tls as ConnectionOptions | null) : undefined;
    const stream = (this.#stream = tls
      ? connectTls({ ...address, ...withServerName(tls, address.host) })
      : connect(address));
    let error: Error | undefined;
    stream.once("error", (thrown: Error) => (this.firstError = error = thrown));
    stream.once("close", () => {
      const wasHere = this.#stream === stream;
      if (wasHere && this.#hasArrived) return;
      // One that its owner ended says nothing of the server, and one that spoke is there.
      if (signal.aborted || (stream.bytesRead > 0 && !this.#isWrongRole)) turn.leave(waiting);
      else
        turn.failed(
          waiting,
          error ?? this.#client.lastError() ?? new Error(`${nameOf(address)} closed the connection`),
        );
    });
    return stream;
  }
}

/** What the options say of the Sentinels. `longest` is what a far one is given at most, in milliseconds. */
export function setOptionsOf(
  options: RedisOptions,
  listens: boolean,
  limits: SentinelPolicy,
  longest: number,
): SetOptions {
  const { sentinels, name, sentinelUsername, sentinelPassword, sentinelTLS, sentinelCommandTimeout } = options;
  const { family, natMap, updateSentinels, sentinelMaxConnections } = options;
  const { sentinelCredentials: provider } = options as CredentialsOptions;
  return {
    sentinels: (sentinels ?? []).map(sentinelAt),
    name: name ?? "",
    way: { tls: sentinelTLS ?? undefined, family },
    login: {
      username: sentinelUsername ?? undefined,
      password: sentinelPassword ?? undefined,
      provider: typeof provider === "function" ? provider : undefined,
    },
    natMap,
    listens,
    discovers: updateSentinels !== false,
    most: sentinelMaxConnections ?? Infinity,
    limits: { connect: limits.connectTimeout, answer: limits.answerTimeout, hedgeAfter: limits.hedgeAfter },
    longest: { connect: longest, answer: sentinelCommandTimeout ?? longest },
  };
}

function delayOf(strategy: unknown, tries: number): number | "over" {
  const ask = typeof strategy === "function" ? (strategy as (times: number) => unknown) : () => undefined;
  const delay = ask(tries);
  return typeof delay === "number" ? delay : "over";
}

/** What `promise` resolves to, unless the signal aborts first. */
function before<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function wrongRole(label: string, address: Address | undefined, wanted: string, role: string): IoredoubtError {
  const is = role === "slave" ? "replica" : role;
  const where = address === undefined ? "the server" : nameOf(address);
  const text = `Sentinel names ${where} as a ${wanted}, and it is a ${is}; the connection was left`;
  return new IoredoubtError("SENTINEL_WRONG_ROLE", text, { endpoint: label });
}
