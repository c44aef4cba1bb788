/**
 * Finds out whether a new connection would reach a server that takes writes, without touching the one that serves: a small
 * ioredis client of its own with the caller's address, login and connector, so that the name is looked up afresh.
 * One at a time; it lives for one question, holds no process, and ends with its owner.
 */
import { nameServers } from "./server-name.js";
import { clock } from "../clock.js";
import { Command, Redis as IORedis, type RedisOptions } from "ioredis";
import { internalsOf, type RedisInternals } from "./internals.js";
import { isLoginRefusal, type ConnectionLogin, type SideLogin } from "./login.js";
import { probeCommand, probeKey } from "./probe.js";

/** The limit of a look doubles while looks are not answered in time, up to the handshake's own. */
const GROWTH = 2;

export class WriteScout {
  readonly #redis: RedisInternals;
  readonly #login: ConnectionLogin;
  readonly #first: number;
  readonly #longest: number;
  #limit: number;
  #end: AbortController | undefined = undefined;

  /** `first` and `longest` bound the time of one look, in milliseconds. */
  constructor(redis: RedisInternals, login: ConnectionLogin, first: number, longest: number) {
    this.#redis = redis;
    this.#login = login;
    this.#limit = this.#first = first;
    this.#longest = Math.max(first, longest);
  }

  /** Resolves to whether the server that a new connection reaches takes writes; never rejects. */
  async look(): Promise<boolean> {
    if (this.#end !== undefined) return false;
    const end = (this.#end = new AbortController());
    // Not on the server's time.
    const login = await this.#login.beside(end.signal);
    const found = !(login instanceof Error) && !end.signal.aborted && (await this.#goes(login, end));
    this.#end = undefined;
    return found;
  }

  async #goes(login: SideLogin | undefined, end: AbortController): Promise<boolean> {
    const options = { ...this.#redis.options, ...login?.options };
    const scout = new IORedis(scoutOptions(options, this.#limit) as never);
    scout.on("error", (error) => {
      // The next look has another one, if there is any.
      if (isLoginRefusal(error)) login?.refused();
    });
    letGo(internalsOf(scout));
    const since = clock.now();
    const limit = this.#limit;
    const timer = clock.setTimeout(() => end.abort(), limit);
    timer.unref();
    const ended = new Promise<boolean>((resolve) => {
      end.signal.addEventListener("abort", () => resolve(false), { once: true });
    });
    const found = await Promise.race([ended, takesWrites(scout, probeKey(options.keyPrefix ?? ""))]);
    clock.clearTimeout(timer);
    this.#limit = clock.now() - since >= limit ? Math.min(this.#longest, this.#limit * GROWTH) : this.#first;
    scout.disconnect();
    internalsOf(scout).stream?.destroy();
    return found;
  }

  /** Ends a look that is under way: it has found nothing. */
  stop(): void {
    this.#end?.abort();
  }
}

async function takesWrites(scout: IORedis, key: string): Promise<boolean> {
  try {
    await scout.connect();
    await ask(scout, probeCommand("write", key));
    return true;
  } catch (error) {
    // Some refusals are the same whatever the server's role is; HELLO names the role to everybody.
    return mayBePrimary(error) && isPrimary(await ask(scout, new Command("hello")).catch(ignore));
  }
}

function ask(scout: IORedis, command: Command): Promise<unknown> {
  const traced = scout.sendCommand(command) as Promise<unknown>;
  if (traced !== command.promise) traced.catch(ignore);
  return command.promise;
}

/** The user may not run the probe, the server does not know it, or it is a primary that is in trouble. */
function mayBePrimary(error: unknown): boolean {
  return error instanceof Error && /^(?:NOPERM|ERR|OOM|MISCONF|NOREPLICAS)\b/.test(error.message);
}

/** HELLO answers with pairs, as a flat list or as a map. */
function isPrimary(hello: unknown): boolean {
  const pairs =
    hello instanceof Map ? [...hello].flat() : Array.isArray(hello) ? hello : Object.entries(hello ?? {}).flat();
  const at = pairs.findIndex((name) => String(name) === "role");
  return at >= 0 && String(pairs[at + 1]) === "master";
}

/** What the caller wrote about the way to the server; nothing of what the client does there. */
function scoutOptions(options: RedisOptions, limit: number): RedisOptions {
  return {
    ...options,
    db: 0,
    keyPrefix: "",
    lazyConnect: true,
    connectTimeout: limit,
    retryStrategy: () => null,
    reconnectOnError: null,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    monitor: false,
    readOnly: false,
    scripts: {},
    ...({
      resilience: undefined,
      commandTimeout: undefined,
      blockingTimeout: undefined,
      socketTimeout: undefined,
    } as object),
  };
}

function letGo(redis: RedisInternals): void {
  const { connector } = redis;
  nameServers(connector);
  const connect = connector.connect.bind(connector);
  connector.connect = async (emit) => {
    const stream = await connect(emit);
    stream.unref();
    return stream;
  };
}

function ignore(): undefined {
  // The look has found nothing, which is all that its owner asks.
  return undefined;
}
