/**
 * Lends connections to one holder at a time: first come first served, never more than `max`, few dials at once, nothing
 * that is broken, unclean or too old. It knows nothing of Redis: what a connection is, `PoolHooks` says.
 *
 * A dial belongs to nobody: whoever is first in the queue gets the next connection that becomes usable, dialled or
 * given back.
 */
import { clock, type Timer } from "../clock.js";
import { WaitRecord } from "./acquire-times.js";
import { Lease, type Borrower } from "./lease.js";
import type { PoolHooks, PoolLimits } from "./pool-hooks.js";
import { IdleList, type Idle } from "./idle-list.js";
import type { LeaseStats, PoolSnapshot } from "../failure/pool-snapshot.js";
import { Waiters, type WaitLimits } from "./waiters.js";

export interface AcquireOptions extends WaitLimits, Borrower {}

interface Member<C> extends Idle {
  readonly connection: C;
  isProven: boolean;
  lease: Lease<C> | undefined;
  leak: Timer | undefined;
}

/** Lifetimes are spread by this share to both sides, so that connections made together do not end together. */
const LIFETIME_SPREAD = 0.1;

export class LeasePool<C> {
  readonly #hooks: PoolHooks<C>;
  readonly #limits: PoolLimits;
  readonly #members = new Set<Member<C>>();
  readonly #waiters = new Waiters<AcquireOptions, Lease<C>>();
  readonly #waits = new WaitRecord();
  readonly #destroyed: Record<string, number> = {};
  readonly #idle: IdleList<Member<C>>;
  #proving = 0;
  /** Being cleaned: about to be idle, so that the next caller need not dial. */
  #returning = 0;
  #created = 0;
  #ended: Error | undefined = undefined;
  #onReturned: (() => void) | undefined = undefined;

  constructor(limits: PoolLimits, hooks: PoolHooks<C>) {
    this.#limits = limits;
    this.#hooks = hooks;
    this.#idle = new IdleList(limits.idleTimeout, {
      hasSpare: () => this.#members.size > limits.min,
      expired: (member, reason) => this.#destroy(member, reason),
    });
  }

  /** Resolves to a loan that the caller must end with `giveBack`. */
  async acquire(options: AcquireOptions): Promise<Lease<C>> {
    options.signal?.throwIfAborted();
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#limits.max === 0) throw this.#late(0, options);
    const since = clock.now();
    const granted = this.#waiters.wait(options, (waited) => this.#late(waited, options));
    this.#serve();
    const lease = await granted;
    this.#waits.add(clock.now() - since);
    return lease;
  }

  /** An idle connection has ended by itself. */
  lost(connection: C): void {
    const member = this.#idle.find((idle) => idle.connection === connection);
    if (member !== undefined) this.#destroy(member, "lost");
  }

  /** The connections that are lent out. */
  leased(): Lease<C>[] {
    return [...this.#members].flatMap(({ lease }) => (lease === undefined ? [] : [lease]));
  }

  /** Destroys the connections in use now; the pool goes on. */
  interrupt(): void {
    for (const member of [...this.#members]) if (member.lease !== undefined) this.#destroy(member, "interrupted");
    this.#serve();
  }

  /** Refuses new callers and those that wait; resolves when every loan has been given back. */
  async drain(reason: Error): Promise<void> {
    this.#ended ??= reason;
    this.#waiters.rejectAll(() => reason);
    while (this.leased().length > 0) await new Promise<void>((resolve) => (this.#onReturned = resolve));
  }

  /** Ends everything at once, loans included. */
  end(reason: Error): void {
    this.#ended ??= reason;
    this.#waiters.rejectAll(() => reason);
    for (const member of [...this.#members]) this.#destroy(member, "closed");
    this.#idle.stop();
  }

  /** Takes callers again. */
  revive(): void {
    this.#ended = undefined;
  }

  stats(): LeaseStats {
    return {
      open: this.#members.size,
      idle: this.#idle.size,
      leased: this.leased().length,
      waiting: this.#waiters.size,
      dialing: this.#proving,
      created: this.#created,
      destroyed: { ...this.#destroyed },
      acquire: this.#waits.snapshot(),
    };
  }

  snapshot(): PoolSnapshot {
    const now = clock.now();
    return { ...this.stats(), max: this.#limits.max, holders: this.leased().map((lease) => lease.holder(now)) };
  }

  // ---- lending

  /** Gives the queue what there is, and dials what is missing. */
  #serve(): void {
    while (this.#waiters.size > this.#proving) {
      const member = this.#idle.pop();
      if (member !== undefined) {
        const rested = clock.now() - member.idleSince;
        if (!this.#isGood(member)) this.#destroy(member, this.#isOld(member) ? "lifetime" : "lost");
        else if (this.#hooks.needsProof(member.connection, rested)) void this.#prove(member, false);
        else this.#lend(member);
      } else if (this.#mayDial) void this.#prove(this.#create(), true);
      else return;
    }
  }

  #late(waited: number, options: AcquireOptions): Error {
    const dialing = [...this.#members].filter(({ isProven }) => !isProven).map(({ connection }) => connection);
    return this.#hooks.late(waited, options, this.snapshot(), dialing);
  }

  get #mayDial(): boolean {
    if (this.#members.size >= this.#limits.max || this.#proving >= this.#limits.maxDials) return false;
    return this.#waiters.size > this.#proving + this.#returning;
  }

  #create(): Member<C> {
    const now = clock.now();
    const lifetime = this.#limits.maxLifetime * (1 + LIFETIME_SPREAD * (2 * clock.random() - 1));
    const member: Member<C> = {
      connection: this.#hooks.create(),
      isProven: false,
      expiresAt: now + lifetime,
      idleSince: now,
      lease: undefined,
      leak: undefined,
    };
    this.#members.add(member);
    this.#created++;
    return member;
  }

  /** A connection that fails the proof is replaced, unless the failure says that the next one would fail too. */
  async #prove(member: Member<C>, isNew: boolean): Promise<void> {
    this.#proving++;
    let failure: unknown;
    try {
      await this.#hooks.prove(member.connection);
    } catch (error) {
      failure = error;
    }
    this.#proving--;
    if (!this.#members.has(member)) return;
    if (failure === undefined) {
      member.isProven = true;
      // Proven just now: it is not asked again.
      if (this.#waiters.size > 0) this.#lend(member);
      else this.#offer(member);
    } else {
      if (isNew && this.#hooks.isFinal(failure)) {
        this.#waiters.rejectAll((borrower) => this.#hooks.refused(failure, borrower));
      }
      this.#destroy(member, isNew ? "failed" : "stale");
    }
    this.#serve();
  }

  #offer(member: Member<C>): void {
    this.#idle.push(member);
    this.#serve();
  }

  #lend(member: Member<C>): void {
    const waiter = this.#waiters.first;
    if (waiter === undefined) {
      this.#idle.push(member);
      return;
    }
    const lease = new Lease(member.connection, waiter.request, (broken) => void this.#returned(member, broken));
    member.lease = lease;
    if (this.#limits.leakAfter !== Infinity) {
      member.leak = clock.setTimeout(() => this.#hooks.leaked(lease, this.#limits.leakAfter), this.#limits.leakAfter);
      member.leak.unref();
    }
    waiter.resolve(lease);
  }

  async #returned(member: Member<C>, broken: string | undefined): Promise<void> {
    clock.clearTimeout(member.leak);
    if (!this.#members.has(member)) return;
    // It stays counted as lent until it is known to be clean.
    this.#returning++;
    const reason = broken ?? (await this.#hooks.clean(member.connection).catch(() => "unclean"));
    this.#returning--;
    if (!this.#members.has(member)) return;
    member.lease = undefined;
    if (reason !== undefined) this.#destroy(member, reason);
    else if (this.#isOld(member)) this.#destroy(member, "lifetime");
    else this.#offer(member);
    this.#onReturned?.();
    this.#serve();
  }

  // ---- ending

  #isOld(member: Member<C>): boolean {
    return clock.now() >= member.expiresAt;
  }

  #isGood(member: Member<C>): boolean {
    return !this.#isOld(member) && this.#hooks.isAlive(member.connection);
  }

  #destroy(member: Member<C>, reason: string): void {
    if (!this.#members.delete(member)) return;
    this.#idle.remove(member);
    clock.clearTimeout(member.leak);
    member.lease?.revoke();
    member.lease = undefined;
    this.#destroyed[reason] = (this.#destroyed[reason] ?? 0) + 1;
    this.#hooks.destroy(member.connection);
    this.#onReturned?.();
  }
}
