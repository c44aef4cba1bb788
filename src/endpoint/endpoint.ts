/**
 * What all clients of one server share in this process: the circuits, the retry budget and the facts of an outage. Clients
 * come and go; the endpoint lives as long as one of them does. It knows of its members only what `Member` says, and tells
 * its observer what happens.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import type { CircuitKind, Observer, ServerIdentity, ServerInfo, Takeover } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Policy } from "../policy/shape.js";
import { Breaker } from "./breaker.js";
import { RetryBudget } from "./budget.js";
import { DialPace } from "./dial-pace.js";
import { WriteSearch } from "./write-search.js";

/** What is known of a failure beside its diagnosis. */
export interface FailureDetails {
  readonly again?: boolean;
  readonly silentSince?: number;
}

/** A client, as its endpoint sees it. */
export interface Member {
  /** Connected and serving. */
  readonly isReady: boolean;
  /** Since when it has had no connection, on the monotonic clock; `undefined` with one, or before the first attempt. */
  readonly downSince: number | undefined;
  /** For how long its commands wait for a connection before new ones are refused, in milliseconds. */
  readonly downAfter: number;
  /** Why it has been without one for that long and refuses its commands; `undefined` while it does not. */
  readonly downCause: Diagnosis | undefined;
  /** It wants a connection and has none, or a reply is late. */
  readonly isTroubled: boolean;
  /** A probe would not wait behind a blocking command. */
  readonly mayProbe: boolean;
  readonly waitingCount: number;
  /** Milliseconds until its next connection attempt. */
  retryIn(): number;
  /** Sends the probe for a circuit on its own connection; resolves to whether the server answered well in time. */
  probe(kind: CircuitKind): Promise<boolean>;
  /** A circuit opened: what waits without a deadline and may fail fast should. */
  circuitOpened(kind: CircuitKind): void;
  /** A circuit closed: what waits may go. */
  circuitClosed(kind: CircuitKind): void;
  /** Somebody knows where the server is, and can be asked whatever the present one refuses. */
  readonly isDirected: boolean;
  /** Whether a new connection may reach a server that takes writes. */
  findsWriter(): Promise<boolean>;
  /** Drops the connection as soon as nothing is in flight on it, and dials again. */
  redialWhenIdle(): void;
}

/** What an observer may ask of the endpoint it hears of. */
export interface EndpointFacts {
  readonly label: string;
  readonly policy: Policy;
  /** Commands that wait for it now, of all its clients. */
  waiting(): number;
  /** Its clients that want a connection and have none, or wait for a late reply; at least 1 while none is connected. */
  troubled(): number;
  /** A write has succeeded since this moment, on the monotonic clock, or a little later; -Infinity: none, or it is not counted. */
  tookWrites(): number;
  /** A client was connected to it before. */
  hasServed(): boolean;
  /** What of it is in trouble, in words, where it is several servers and not all of them are. */
  part?(): string | undefined;
}

/** A server that says it started this long before its predecessor was last seen has started anew. Milliseconds. */
const UPTIME_SLACK = 2_000;
/** A timer may fire this much before its time is over on the monotonic clock, in milliseconds. */
const TIMER_EARLY = 5;

export class Endpoint implements EndpointFacts {
  readonly label: string;
  readonly policy: Policy;
  readonly budget: RetryBudget | undefined;
  readonly observer: Observer;
  readonly readWrite: Breaker | undefined;
  readonly write: Breaker | undefined;
  /** Read for every command: 0 while both circuits are closed, 1 when only writes are refused, 2 when everything is. */
  refusing: 0 | 1 | 2 = 0;
  /** When its members may dial. Endpoints of one server share it. */
  readonly dials: DialPace;
  readonly #search: WriteSearch;
  #isKnown = false;
  readonly #members = new Set<Member>();
  /** The member with the newest connection: where a name leads now is asked there. */
  #newest: Member | undefined = undefined;
  /** When a member last lost its connection, on the monotonic clock. */
  #servedUntil = -Infinity;
  #ticker: Timer | undefined = undefined;
  /** Who answers here, and how it compares with who did before. */
  #runId: string | undefined = undefined;
  #server: ServerIdentity = "unknown";
  /** The server that took over last. */
  #present: string | undefined = undefined;

  constructor(label: string, policy: Policy, dials: DialPace, observe: (facts: EndpointFacts) => Observer) {
    this.label = label;
    this.policy = policy;
    this.dials = dials;
    this.observer = observe(this);
    this.#search = new WriteSearch({
      look: async () => (await this.#someMember()?.findsWriter()) ?? false,
      move: () => {
        for (const member of this.#members) member.redialWhenIdle();
      },
    });
    this.budget =
      policy.retry !== false && policy.retry.budget !== false ? new RetryBudget(policy.retry.budget) : undefined;
    if (policy.breaker === false) return;
    const hooks = {
      probe: (kind: CircuitKind) => this.#probe(kind),
      changed: (breaker: Breaker) => this.#circuitChanged(breaker),
    };
    const readWrite = (this.readWrite = new Breaker("read-write", policy.breaker, hooks));
    const write = (this.write = new Breaker("write", policy.breaker, hooks));
    this.#tick(readWrite, write);
  }

  add(member: Member): void {
    this.#members.add(member);
  }

  /** Returns whether it was the last one. */
  remove(member: Member): boolean {
    if (this.#newest === member) this.#newest = undefined;
    if (!this.#members.delete(member)) return false;
    this.#judgeThoseLeft();
    return this.#members.size === 0;
  }

  /** Those that fail fast already may have waited for the patience of the one that has left. */
  #judgeThoseLeft(): void {
    for (const { downCause } of this.#members) {
      if (downCause === undefined) continue;
      if (this.#outage().isOver) this.readWrite?.trip(downCause);
      return;
    }
  }

  /** Its last client has ended. */
  stop(): void {
    this.#search.end();
    clock.clearTimeout(this.#ticker);
    this.readWrite?.shutdown();
    this.write?.shutdown();
    this.observer.closed();
  }

  waiting(): number {
    let waiting = 0;
    for (const member of this.#members) waiting += member.waitingCount;
    return waiting;
  }

  troubled(): number {
    let troubled = 0;
    let isServed = false;
    for (const member of this.#members) {
      if (member.isTroubled) troubled++;
      if (member.isReady) isServed = true;
    }
    return isServed ? troubled : Math.max(1, troubled);
  }

  tookWrites(): number {
    return this.write?.succeededFrom ?? -Infinity;
  }

  hasServed(): boolean {
    return this.#servedUntil > -Infinity;
  }

  /** A member that was connected is not any more. */
  lost(): void {
    this.#servedUntil = clock.now();
  }

  /** A server has said who it is: a cut connection and a server that was started anew look the same from here. */
  identified({ runId, uptime }: ServerInfo): void {
    const before = this.#runId;
    this.#runId = runId;
    if (before === undefined) return;
    if (before === runId) {
      // The first of several clients may have met the new server already.
      if (this.#server === "unknown") this.#server = "same";
      return;
    }
    this.#server = uptime <= clock.now() - this.#servedUntil + UPTIME_SLACK ? "restarted" : "other";
  }

  /**
   * A member has been without a connection for its `downAfter`. Fails everything fast, unless another member is connected,
   * was until a moment ago, or waits for longer: its own time is not over yet, and only the member itself fails fast.
   */
  unreachable(cause: Diagnosis, member: Member): void {
    const { isServed, downAfter, isOver } = this.#outage();
    if (isOver) this.readWrite?.trip(cause);
    else if ((isServed || member.downAfter < downAfter) && member.downCause !== undefined && this.refusing !== 2) {
      this.observer.clientFailsFast(cause, member.retryIn());
    }
  }

  /** Whether a member is connected; how long the most patient of those without one waits, and whether that time is over. */
  #outage(): { readonly isServed: boolean; readonly downAfter: number; readonly isOver: boolean } {
    let downSince = Infinity;
    let downAfter = 0;
    let isServed = false;
    for (const member of this.#members) {
      isServed ||= member.isReady;
      if (member.downSince === undefined) continue;
      downSince = Math.min(downSince, member.downSince);
      downAfter = Math.max(downAfter, member.downAfter);
    }
    // Whoever comes during an outage does not put off its end for the others.
    const away = clock.now() - Math.max(downSince, this.#servedUntil);
    return { isServed, downAfter, isOver: !isServed && away >= downAfter - TIMER_EARLY };
  }

  /**
   * A member is connected: ask the server there at once, whatever is refused, instead of waiting for the next probe. `away`:
   * milliseconds since it lost its connection; `undefined` if it had none before.
   */
  async reachable(member: Member, away: number | undefined): Promise<void> {
    this.#newest = member;
    if (away !== undefined) this.observer.reconnected({ away, server: this.#server });
    if (!this.#isKnown) this.observer.firstConnected();
    this.#isKnown = true;
    const open = [this.readWrite, this.write].filter((breaker) => breaker?.isOpen === true);
    await Promise.all(open.map((breaker) => breaker?.probeAnew() ?? Promise.resolve()));
    this.#reportRecovery(true);
  }

  /** Another server serves from now on. Each member says so. */
  replaced(takeover: Takeover): void {
    if (takeover.to === this.#present) return;
    this.#present = takeover.to;
    this.observer.tookOver(takeover);
  }

  /** The server refused a write that was sent at `sentAt`, because it is a replica by now. */
  readOnly(sentAt: number): void {
    this.#search.refused(sentAt);
  }

  /** A member refused a command itself, for this reason. */
  rejected(code: Code): void {
    // As long as somebody wants to write, somebody looks for where that is possible.
    if (code !== "CIRCUIT_OPEN" || this.refusing !== 1) return;
    if (this.write?.cause?.code === "READ_ONLY_REPLICA" || this.#isDirected) this.#search.refused(clock.now());
  }

  /** Milliseconds until the server is asked next: by a probe, or by whoever reconnects first if nobody is connected. */
  retryAfter(breaker: Breaker): number {
    const probe = Math.max(0, breaker.nextProbeAt - clock.now());
    let dial = Infinity;
    for (const member of this.#members) {
      if (member.isReady) return probe;
      dial = Math.min(dial, member.retryIn());
    }
    return Math.min(probe, dial);
  }

  /**
   * Counts a failed command against the circuit its diagnosis names, once. `again`: it was refused before, and still waits.
   * `silentSince`: nothing has come from the server since then, instead of a refusal.
   */
  failed(diagnosis: Diagnosis, sentAt: number, { again = false, silentSince }: FailureDetails = {}): void {
    if (diagnosis.breaker === "none") {
      this.observer.commandRefused(diagnosis);
      return;
    }
    if (silentSince === undefined) this.observer.serverRefused(diagnosis);
    else this.observer.connectionFailed(diagnosis, silentSince);
    // One that was cut off from its replicas may have been replaced: those who know are asked.
    if (diagnosis.breaker === "write" && this.#isDirected) this.#search.refused(sentAt);
    if (again) return;
    const breaker = diagnosis.breaker === "write" ? this.write : this.readWrite;
    breaker?.failed(diagnosis, sentAt);
  }

  /** Counts an answered command; all the hot path does for circuits and budget. Only writes speak for the write circuit. */
  succeeded(writes: boolean): void {
    if (this.readWrite !== undefined) this.readWrite.succeeded++;
    if (writes && this.write !== undefined) this.write.succeeded++;
    if (this.budget !== undefined) this.budget.successes++;
  }

  /** The same for as many commands, and the writes among them. */
  succeededAll(commands: number, writes: number): void {
    if (this.readWrite !== undefined) this.readWrite.succeeded += commands;
    if (this.write !== undefined) this.write.succeeded += writes;
    if (this.budget !== undefined) this.budget.successes += commands;
  }

  get #isDirected(): boolean {
    // Its members are all of one kind.
    const [first] = this.#members;
    return first?.isDirected === true;
  }

  #tick(readWrite: Breaker, write: Breaker): void {
    this.#ticker = setUnrefTimeout(() => {
      readWrite.tick();
      write.tick();
      this.#tick(readWrite, write);
    }, readWrite.bucketInterval);
  }

  async #probe(kind: CircuitKind): Promise<boolean> {
    const member = this.#someMember();
    return member?.isReady === true && member.probe(kind);
  }

  /** The one that is asked on behalf of all: on the newest connection, if it is free. */
  #someMember(): Member | undefined {
    const members = this.#newest === undefined ? [...this.#members] : [this.#newest, ...this.#members];
    const ready = members.filter((member) => member.isReady);
    return ready.find(({ mayProbe }) => mayProbe) ?? ready[0] ?? members[0];
  }

  #circuitChanged(breaker: Breaker): void {
    this.refusing = this.readWrite?.isOpen === true ? 2 : this.write?.isOpen === true ? 1 : 0;
    this.observer.circuitChanged(breaker.change(this.retryAfter(breaker)));
    if (breaker.state === "open") for (const member of this.#members) member.circuitOpened(breaker.kind);
    if (breaker.state !== "closed") return;
    this.#reportRecovery(false);
    for (const member of this.#members) member.circuitClosed(breaker.kind);
  }

  #reportRecovery(reconnected: boolean): void {
    if (this.refusing !== 0) return;
    const troubled = this.troubled();
    this.observer.recovered({ reconnected, troubled, server: this.#server });
    if (troubled === 0) this.#server = "unknown";
  }
}
