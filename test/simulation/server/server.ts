/**
 * One Redis server: a process that can be stopped, killed, promoted and demoted, with its data, its replica and its
 * passing reasons to refuse. What a connection is doing is the session's business.
 */
import type { VirtualClock } from "../world/clock.js";
import type { Host, Link, Peer } from "../world/network.js";
import { Process } from "../world/process.js";
import type { Timeline } from "../world/timeline.js";
import { clone, Keyspace, type Value } from "./keyspace.js";
import { OK, type Reply } from "./resp.js";
import { Session } from "./session.js";

/** A command that was executed, as the server knows it. */
export interface Execution {
  readonly at: number;
  readonly server: Server;
  readonly session: number;
  readonly database: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly reply: Reply;
  /** The EXEC that it was part of. */
  readonly transaction: number | undefined;
  /** By a master that another one had replaced, and that had not heard of it. */
  readonly stale?: Replaced | undefined;
}

/** When a master was replaced, and when it went on afterwards. */
export interface Replaced {
  readonly at: number;
  readonly thawedAt: number;
}

/** What a node of a cluster is asked for, as far as slots are concerned. */
export interface Asked {
  readonly keys: readonly string[];
  /** ASKING came before. */
  readonly isAsking: boolean;
  /** Only reads, on a connection that said READONLY. */
  readonly isReading: boolean;
  readonly exists: (key: string) => boolean;
}

/** A server's place in a cluster. */
export interface Membership {
  /** The error reply for what is served elsewhere, or cannot be served now. */
  redirect(asked: Asked): string | undefined;
  /** The reply to CLUSTER. */
  answer(args: readonly string[]): Reply;
  /** Tells the other nodes' subscribers. */
  spread(channel: string, message: string): void;
}

export type RefusalCode =
  "LOADING" | "BUSY" | "READONLY" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN" | "OOM" | "NOPERM";

/** A reason to refuse commands: for so long, and at most so many. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly until: number;
  left: number;
}

interface Replicated {
  readonly at: number;
  readonly database: number;
  readonly key: string;
  readonly value: Value | null;
  readonly expiresAt: number;
}

export interface ServerHooks {
  /** About to be executed: the keyspace is as the command finds it. */
  executing(
    server: Server,
    database: number,
    name: string,
    args: readonly string[],
    transaction: number | undefined,
  ): void;
  executed(execution: Execution): void;
  /** A promotion dropped this key's latest change. */
  replicationLost(server: Server, database: number, key: string, since: number): void;
}

export class Server extends Process implements Host {
  readonly address: string;
  readonly clock: VirtualClock;
  readonly timeline: Timeline;
  readonly hooks: ServerHooks;
  readonly keyspace: Keyspace;
  readonly sessions = new Set<Session>();
  readonly scripts = new Map<string, string>();
  role: "master" | "slave" = "master";
  door: Host["door"] = "up";
  nearness = 1;
  /** What happens to a new connection instead of being served. */
  turnsAway: "close" | "maxclients" | undefined = undefined;
  password: string | undefined = undefined;
  databases = 16;
  /** SELECT of another database than 0 is refused (an ACL that changed). */
  deniesSelect = false;
  refusal: Refusal | undefined = undefined;
  /** How long each reply takes to be made, in milliseconds. */
  thinks = 0;
  /** Milliseconds by which the replica is behind. */
  lag = 5;
  replica: Server | undefined = undefined;
  /** From here on its replica gets nothing. */
  cutAt = Infinity;
  membership: Membership | undefined = undefined;
  /** Another one has taken its place, and it does not know. */
  replaced: Replaced | undefined = undefined;
  transactions = 0;
  #log: Replicated[] = [];
  #made = 0;

  constructor(address: string, clock: VirtualClock, timeline: Timeline, hooks: ServerHooks) {
    super();
    this.address = address;
    this.clock = clock;
    this.timeline = timeline;
    this.hooks = hooks;
    this.keyspace = new Keyspace(() => clock.time);
    this.keyspace.changed = (database, key, value) => {
      this.#replicate(database, key, value);
      if (value?.type === "list") for (const session of [...this.sessions]) session.listChanged(key);
    };
  }

  note(text: string, detail?: () => string): void {
    this.timeline.note("server", `${this.address} ${text}`, detail);
  }

  // ---- connections

  accept(link: Link): Peer {
    const session = new Session(this, link, ++this.#made);
    if (this.turnsAway === undefined) this.sessions.add(session);
    else {
      if (this.turnsAway === "maxclients") link.reply("-ERR max number of clients reached\r\n");
      this.note(`turns ${link.name} away (${this.turnsAway})`);
      link.end();
    }
    return session;
  }

  // ---- what happens to the process

  /** The process is gone: its connections are reset, what it had not read is lost. */
  crash(): void {
    this.note("is killed");
    this.forget();
    this.door = "refuse";
    for (const session of [...this.sessions]) session.cut();
    this.scripts.clear();
  }

  start(): void {
    this.note("starts");
    this.door = "up";
  }

  refuse(code: RefusalCode, ms: number, count: number): void {
    this.note(`refuses with ${code}${count >= 1e9 ? "" : `, ${String(count)} times`} for ${String(ms)} ms at most`);
    this.refusal = { code, until: this.clock.time + ms, left: count };
  }

  /** The reason to refuse that holds now. */
  refusing(): Refusal | undefined {
    const { refusal } = this;
    if (refusal === undefined) return undefined;
    if (refusal.left > 0 && this.clock.time < refusal.until) return refusal;
    return (this.refusal = undefined);
  }

  // ---- replication

  /** Another server takes over from this one: what it has not got yet is lost. */
  promote(replica: Server): void {
    const now = Math.min(this.clock.time, this.cutAt);
    for (const { at, database, key } of this.#log) {
      if (at + this.lag > now) this.hooks.replicationLost(this, database, key, at);
    }
    this.#apply(now, replica);
    this.#log = [];
    this.replica = undefined;
    replica.role = "master";
    replica.note("is promoted to master");
  }

  /** From now on a replica of `master`, with its data. Blocked clients are told. */
  demote(master: Server): void {
    this.role = "slave";
    this.replaced = undefined;
    this.note(`is demoted to a replica of ${master.address}`);
    for (const session of [...this.sessions]) session.demoted();
    this.#log = [];
    this.keyspace.copyFrom(master.keyspace);
    this.#log = [];
    master.replica = this;
  }

  /** Its replica gets what it has not got yet. */
  catchUp(): void {
    const { replica } = this;
    if (replica !== undefined && this.role === "master") this.#apply(Infinity, replica);
  }

  #replicate(database: number, key: string, value: Value | null): void {
    if (this.replaced !== undefined) this.hooks.replicationLost(this, database, key, this.clock.time);
    if (this.replica === undefined || this.role !== "master") return;
    const copy = value === null ? null : clone(value);
    const expiresAt = this.keyspace.expiry(database, key) ?? Infinity;
    this.#log.push({ at: this.clock.time, database, key, value: copy, expiresAt });
    const { replica } = this;
    this.clock.after(this.lag, () => {
      if (this.replica === replica) this.#apply(this.clock.time, replica);
    });
  }

  #apply(now: number, replica: Server): void {
    for (;;) {
      const [next] = this.#log;
      if (next === undefined || next.at + this.lag > Math.min(now, this.cutAt)) return;
      this.#log.shift();
      if (next.value === null) replica.keyspace.delete(next.database, next.key);
      else replica.keyspace.put(next.database, next.key, next.value, next.expiresAt);
    }
  }

  // ---- publishing

  publish(kind: "message" | "smessage", channel: string, message: string): number {
    const heard = this.tell(kind, channel, message);
    if (this.membership !== undefined) {
      if (kind === "message") this.membership.spread(channel, message);
      return heard;
    }
    // Replicas tell it to their own subscribers.
    const { replica } = this;
    if (this.role === "master" && replica !== undefined) {
      this.clock.after(this.lag, () => replica.publish(kind, channel, message));
    }
    return heard;
  }

  /** Its own subscribers hear it. */
  tell(kind: "message" | "smessage", channel: string, message: string): number {
    let heard = 0;
    for (const session of this.sessions) heard += session.published(kind, channel, message);
    return heard;
  }

  /** It serves other slots than before: who waits for a key of another one is told where it is. */
  redirectBlocks(): void {
    for (const session of [...this.sessions]) session.redirectBlock();
  }

  unblock(id: number, withError: boolean): number {
    for (const session of this.sessions) if (session.id === id) return session.unblock(withError) ? 1 : 0;
    return 0;
  }

  scriptsFlushed(): Reply {
    this.scripts.clear();
    return OK;
  }
}
