/**
 * Who serves which slot, found out once for all clients of a cluster in this process. One question at a time, to a node that
 * answers; not again before a jittered pause, which grows while nothing changes, so that a cluster in trouble is not asked by
 * everybody at once. When no node answers, the start nodes are looked up anew.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { firstAnswer } from "./hedged.js";
import { fingerprintOf, keyOf, readSlots, SLOTS, slotsIn, type SlotRange } from "./slot-ranges.js";

/** A node that may be asked. */
export interface Source {
  readonly host: string;
  readonly port: number;
  /** Its reply to CLUSTER SLOTS. */
  slots(): Promise<unknown>;
}

/** A client of the cluster, as the topology sees it. */
export interface TopologyMember {
  /** Connected nodes, the best first. */
  sources(): readonly Source[];
  /** Nodes that say nothing, as `host:port`: what they say when they come back is old. */
  silent(): readonly string[];
  /** The start nodes, their names looked up now. */
  seeds(): Promise<readonly Source[]>;
  apply(ranges: readonly SlotRange[]): void;
  /** Nobody answered, or nobody could be asked: the names of the start nodes were not found. */
  failed(error: Error, wasLookup: boolean): void;
  /** Something waits for a better table. */
  isWaiting(): boolean;
}

export interface TopologyOptions {
  /** How long one node is waited for, in milliseconds. */
  readonly timeout: number;
  /** Between two looks without a reason, in milliseconds; 0: none. */
  readonly interval: number;
}

/** Between two questions, at first and at most, in milliseconds. */
const PAUSE = 50;
const LONGEST_PAUSE = 250;
/** After so many questions in vain the pauses grow on, up to this. A failover takes no longer. Milliseconds. */
const PATIENCE = 100;
const PATIENT_PAUSE = 1_000;
/** A table with slots that nobody owns is looked at again after this, though no command waits for them. Milliseconds. */
const GAP = 2_000;
/** Connected nodes that are asked before the start nodes are. */
const SOURCES = 3;
/** A table of this age is given to a client that joins. Milliseconds. */
const FRESH = 1_000;

export class Topology {
  readonly #options: TopologyOptions;
  readonly #members = new Set<TopologyMember>();
  #ranges: readonly SlotRange[] | undefined = undefined;
  #fingerprint = "";
  #running: Promise<void> | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #regular: Timer | undefined = undefined;
  #gap: Timer | undefined = undefined;
  #askedAt = -Infinity;
  #knownAt = -Infinity;
  /** Questions in a row that brought nothing new although something waits. */
  #vain = 0;
  /** Questions asked, and those that nobody answered. */
  readonly counts = { asked: 0, failed: 0 };

  constructor(options: TopologyOptions) {
    this.#options = options;
  }

  /** When a node last told the table, on the monotonic clock; `undefined` before. */
  get knownAt(): number | undefined {
    return this.#knownAt === -Infinity ? undefined : this.#knownAt;
  }

  /** What the members were told last. */
  get ranges(): readonly SlotRange[] {
    return this.#ranges ?? [];
  }

  join(member: TopologyMember): void {
    this.#members.add(member);
    this.#plan();
  }

  /** Returns whether it was the last one. */
  leave(member: TopologyMember): boolean {
    this.#members.delete(member);
    if (this.#members.size > 0) return false;
    clock.clearTimeout(this.#timer);
    clock.clearTimeout(this.#regular);
    clock.clearTimeout(this.#gap);
    this.#timer = this.#regular = this.#gap = undefined;
    return true;
  }

  /** A table for a client that has none: a fresh one is there, or is asked for now. */
  async first(member: TopologyMember): Promise<void> {
    if (this.#ranges !== undefined && clock.now() - this.#knownAt < FRESH) member.apply(this.#ranges);
    else await this.refresh();
  }

  /** The table may be old: it is asked for soon, once, whoever says so. */
  wanted(): void {
    if (this.#members.size === 0 || this.#running !== undefined || this.#timer !== undefined) return;
    const longest = this.#vain < PATIENCE ? LONGEST_PAUSE : PATIENT_PAUSE;
    const bound = Math.min(longest, PAUSE * 2 ** Math.min(this.#vain, 10));
    const pause = bound * (0.5 + clock.random() / 2) - (clock.now() - this.#askedAt);
    this.#timer = setUnrefTimeout(
      () => {
        this.#timer = undefined;
        void this.refresh();
      },
      Math.max(0, pause),
    );
  }

  /** Asks now, or joins the question that is under way. */
  refresh(): Promise<void> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
      if (this.#isWaiting()) this.wanted();
    });
    return this.#running;
  }

  /** The same, but a question that is under way already does not count. */
  async refreshAnew(): Promise<void> {
    await this.#running;
    await this.refresh();
  }

  async #ask(): Promise<void> {
    this.#askedAt = clock.now();
    this.counts.asked++;
    const known = await this.#from(this.#sources());
    if ("answer" in known) {
      this.#tell(known.answer);
      return;
    }
    const seeds = await this.#seeds().catch((error: unknown) => error as Error);
    const found = seeds instanceof Error ? { failure: seeds } : await this.#from(seeds);
    if ("answer" in found) this.#tell(found.answer);
    else {
      this.#vain++;
      this.counts.failed++;
      const failure = found.failure ?? known.failure ?? new Error("no start node is given");
      for (const member of [...this.#members]) member.failed(failure, failure === seeds);
    }
  }

  #from(sources: readonly Source[]) {
    return firstAnswer(
      sources.map((source) => async () => readSlots(await source.slots(), source.host)),
      this.#options.timeout,
    );
  }

  /** Of all clients: whichever is connected may ask. */
  #sources(): readonly Source[] {
    const silent = this.#silent();
    const found = new Map<string, Source>();
    for (const member of this.#members) {
      for (const source of member.sources()) {
        const key = keyOf(source);
        if (!found.has(key) && !silent.has(key)) found.set(key, source);
      }
      if (found.size >= SOURCES) break;
    }
    return [...found.values()].slice(0, SOURCES);
  }

  /** One that is silent for one client may be well for another, which has asked it for nothing. */
  #silent(): ReadonlySet<string> {
    return new Set([...this.#members].flatMap((member) => member.silent()));
  }

  /** Those that are silent come last: nobody else may be there. */
  async #seeds(): Promise<readonly Source[]> {
    const [member] = this.#members;
    const seeds = (await member?.seeds()) ?? [];
    const silent = this.#silent();
    const isSilent = (source: Source): boolean => silent.has(keyOf(source));
    return [...seeds.filter((source) => !isSilent(source)), ...seeds.filter(isSilent)];
  }

  #tell(ranges: readonly SlotRange[]): void {
    const fingerprint = fingerprintOf(ranges);
    const isNew = fingerprint !== this.#fingerprint;
    this.#knownAt = clock.now();
    this.#fingerprint = fingerprint;
    this.#ranges = ranges;
    for (const member of [...this.#members]) member.apply(ranges);
    this.#watchGap();
    this.#vain = isNew || !this.#isWaiting() ? 0 : this.#vain + 1;
  }

  #watchGap(): void {
    clock.clearTimeout(this.#gap);
    if (this.#members.size === 0 || slotsIn(this.ranges) === SLOTS) return;
    this.#gap = setUnrefTimeout(() => void this.refresh(), GAP);
  }

  #isWaiting(): boolean {
    for (const member of this.#members) if (member.isWaiting()) return true;
    return false;
  }

  #plan(): void {
    const { interval } = this.#options;
    if (interval <= 0 || this.#regular !== undefined) return;
    this.#regular = setUnrefTimeout(
      () => {
        this.#regular = undefined;
        if (this.#members.size === 0) return;
        void this.refresh();
        this.#plan();
      },
      interval * (0.9 + clock.random() / 5),
    );
  }
}
