/**
 * Deadlines are lists and a sweep, not a timer a command: calls with the same allowance expire in the order they came,
 * so the head of each list is all the timer has to look at. Where callers ask for a great many different ones, the rarer
 * share a heap. Knows nothing of what expiry means; its callback does.
 *
 * Time in which this process stood still is given back to a call once, when it would expire: it gets the rest of its time of
 * running. Once, because a process that stalls all the time would otherwise never see the end of a deadline.
 */
import { clock, type Timer } from "../clock.js";
import { stalls, type StallMeter } from "../stall-meter.js";
import type { Call, CallList } from "./call.js";
import { DeadlineHeap } from "./deadline-heap.js";

/** Where calls of one allowance are entered. */
export interface Allowance {
  add(call: Call, now: number): void;
}

/** Calls with one allowance, oldest first. Intrusive: links live in the calls. */
export class DeadlineList implements CallList, Allowance {
  readonly allowance: number;
  /** Kept although empty: somebody holds on to it. */
  readonly pinned: boolean;
  head: Call | undefined = undefined;
  tail: Call | undefined = undefined;

  constructor(allowance: number, pinned: boolean) {
    this.allowance = allowance;
    this.pinned = pinned;
  }

  add(call: Call, now: number): void {
    call.expiresAt = now + this.allowance;
    call.list = this;
    call.previous = this.tail;
    if (this.tail === undefined) this.head = call;
    else this.tail.next = call;
    this.tail = call;
  }

  /** Enters a call that came together with one of the list, before it. */
  addBeside(call: Call, other: Call): void {
    call.expiresAt = other.expiresAt;
    call.list = this;
    call.previous = other.previous;
    call.next = other;
    if (other.previous === undefined) this.head = call;
    else other.previous.next = call;
    other.previous = call;
  }

  remove(call: Call): void {
    if (call.previous === undefined) this.head = call.next;
    else call.previous.next = call.next;
    if (call.next === undefined) this.tail = call.previous;
    else call.next.previous = call.previous;
    call.list = call.previous = call.next = undefined;
  }
}

export interface SweepReport {
  /** How late the sweep ran: the event loop was blocked for about this long, in milliseconds. */
  readonly late: number;
  /** These have been waited for once more already. */
  readonly isFinal?: boolean;
}

/** So many allowances have a list of their own. */
const LISTS = 64;
/** So many calls expire in one turn at most; the rest in the next. */
const AT_ONCE = 20_000;

export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>();
  readonly #heap = new DeadlineHeap();
  readonly #expired: (calls: Call[], report: SweepReport) => void;
  readonly #meter: StallMeter;
  #timer: Timer | undefined = undefined;
  #armedFor = Infinity;
  /** Stalls are measured while a deadline runs. */
  #release: (() => void) | undefined = undefined;

  constructor(expired: (calls: Call[], report: SweepReport) => void, meter: StallMeter = stalls) {
    this.#expired = expired;
    this.#meter = meter;
  }

  /** Where calls of an allowance in milliseconds go. Do not hold on to it: an empty list may be dropped. */
  list(allowance: number): Allowance {
    const list = this.#lists.get(allowance);
    if (list !== undefined) return list;
    if (this.#lists.size >= LISTS) this.#dropEmptyLists();
    return this.#lists.size < LISTS ? this.#create(allowance, false) : this.#heap.allowance(allowance);
  }

  /** A list that stays: one look-up a policy, not one a command. Call it before `list` has made one of that allowance. */
  pinnedList(allowance: number): DeadlineList {
    return this.#create(allowance, true);
  }

  #create(allowance: number, pinned: boolean): DeadlineList {
    const list = new DeadlineList(allowance, pinned);
    this.#lists.set(allowance, list);
    return list;
  }

  arm(call: Call, list: Allowance, now: number): void {
    if (call.list !== undefined) call.list.remove(call);
    list.add(call, now);
    if (call.expiresAt < this.#armedFor) this.#setTimer(call.expiresAt, now);
  }

  /** Gives a call the deadline of another one that it came together with, and that has a list of its allowance or none. */
  armBeside(call: Call, other: Call): void {
    if (other.list instanceof DeadlineList) other.list.addBeside(call, other);
    else call.expiresAt = other.expiresAt;
  }

  /** Arms a call with an allowance in milliseconds, `Infinity` for no limit. */
  allow(call: Call, allowance: number, now: number): void {
    call.givenBack = 0;
    if (allowance !== Infinity) this.arm(call, this.list(allowance), now);
    else {
      call.list?.remove(call);
      call.expiresAt = Infinity;
    }
  }

  /** Goes on with the deadline that the call had elsewhere. What this process has stood still since it was issued is given back. */
  carryOn(call: Call, expiresAt: number, now: number): void {
    if (expiresAt === Infinity) this.allow(call, Infinity, now);
    else this.arm(call, this.#heap.allowance(expiresAt - now), now);
  }

  /**
   * Whether a call whose time is over gets more, for what this process stood still meanwhile: what it has not had of its
   * allowance. It is armed again if so. Only once, also where that time is over as well by the time somebody asks.
   */
  reprieve(call: Call, now: number): boolean {
    const { list, expiresAt } = call;
    if (call.givenBack > 0) return false;
    const from = list instanceof DeadlineList ? expiresAt - list.allowance : call.startedAt;
    const rest = expiresAt - from - this.#meter.awakeSince(from);
    if (rest < 1) return false;
    this.arm(call, this.#heap.allowance(rest), now);
    call.givenBack = call.expiresAt - expiresAt;
    return true;
  }

  /** Stops the timer unless calls are still listed: those that wait elsewhere outlive their client's own connection. */
  rest(): void {
    const isListed = [...this.#lists.values()].some(({ head }) => head !== undefined);
    if (isListed || this.#heap.first !== undefined) return;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
    this.#letGo();
  }

  #letGo(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #setTimer(at: number, now: number): void {
    this.#release ??= this.#meter.hold();
    clock.clearTimeout(this.#timer);
    this.#armedFor = at;
    // Node rounds down: without the extra millisecond the sweep would wake just before the head expires.
    this.#timer = clock.setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(at - now) + 1));
    // A deadline alone must not keep a process alive: what it guards does.
    this.#timer.unref();
  }

  #sweep(): void {
    const now = clock.now();
    const late = Math.max(0, now - this.#armedFor - 1);
    this.#armedFor = Infinity;
    this.#timer = undefined;
    const expired: Call[] = [];
    let next = Infinity;
    for (const list of this.#lists.values()) {
      this.#takeExpired(list, now, expired);
      if (list.head !== undefined && list.head.expiresAt < next) next = list.head.expiresAt;
    }
    for (let { first } = this.#heap; this.#isDue(first, now, expired); { first } = this.#heap) {
      if (this.reprieve(first, now)) continue;
      this.#heap.remove(first);
      expired.push(first);
    }
    const { first } = this.#heap;
    if (first !== undefined && first.expiresAt < next) next = first.expiresAt;
    if (next < this.#armedFor) this.#setTimer(next, now);
    if (this.#armedFor === Infinity) this.#letGo();
    if (expired.length > 0) this.#expired(expired, { late });
  }

  #takeExpired(list: DeadlineList, now: number, expired: Call[]): void {
    for (let { head } = list; this.#isDue(head, now, expired); { head } = list) {
      if (this.reprieve(head, now)) continue;
      list.remove(head);
      expired.push(head);
    }
  }

  #isDue(call: Call | undefined, now: number, expired: readonly Call[]): call is Call {
    return call !== undefined && call.expiresAt <= now && expired.length < AT_ONCE;
  }

  /** Per-call allowances may be any number; lists that have emptied make room for others. */
  #dropEmptyLists(): void {
    for (const [allowance, list] of this.#lists) {
      if (list.head === undefined && !list.pinned) this.#lists.delete(allowance);
    }
  }
}
