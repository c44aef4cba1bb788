/**
 * Deadlines are lists and a sweep, not a timer a command: calls with the same allowance expire in the order they came,
 * so the head of each list is all the timer has to look at. Where callers ask for a great many different ones, the rarer
 * share a heap. Knows nothing of what expiry means; its callback does.
 */
import { clock, type Timer } from "../clock.js";
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
}

/** So many allowances have a list of their own. */
const LISTS = 64;
/** So many calls expire in one turn at most; the rest in the next. */
const AT_ONCE = 20_000;

export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>();
  readonly #heap = new DeadlineHeap();
  readonly #expired: (calls: Call[], report: SweepReport) => void;
  #timer: Timer | undefined = undefined;
  #armedFor = Infinity;

  constructor(expired: (calls: Call[], report: SweepReport) => void) {
    this.#expired = expired;
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

  /** Arms a call with an allowance in milliseconds, `Infinity` for no limit. */
  allow(call: Call, allowance: number, now: number): void {
    if (allowance !== Infinity) this.arm(call, this.list(allowance), now);
    else {
      call.list?.remove(call);
      call.expiresAt = Infinity;
    }
  }

  /** Stops the timer; calls that are still listed stay so, and the next `arm` starts it again. */
  stop(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  #setTimer(at: number, now: number): void {
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
      let head = list.head;
      while (head !== undefined && head.expiresAt <= now && expired.length < AT_ONCE) {
        list.remove(head);
        expired.push(head);
        head = list.head;
      }
      if (head !== undefined && head.expiresAt < next) next = head.expiresAt;
    }
    let first = this.#heap.first;
    while (first !== undefined && first.expiresAt <= now && expired.length < AT_ONCE) {
      this.#heap.remove(first);
      expired.push(first);
      first = this.#heap.first;
    }
    if (first !== undefined && first.expiresAt < next) next = first.expiresAt;
    if (next !== Infinity) this.#setTimer(next, now);
    if (expired.length > 0) this.#expired(expired, { late });
  }

  /** Per-call allowances may be any number; lists that have emptied make room for others. */
  #dropEmptyLists(): void {
    for (const [allowance, list] of this.#lists) {
      if (list.head === undefined && !list.pinned) this.#lists.delete(allowance);
    }
  }
}
