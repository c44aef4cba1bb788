/**
 * One incident for a whole cluster. Each node has an endpoint and tells its own story; here they become one: trouble of any
 * node belongs to it, a circuit is open as long as one node's is, and it is over when no node is in trouble any more.
 */
import type {
  CircuitChange,
  CircuitKind,
  CommandFailure,
  Observer,
  Reconnection,
  Recovery,
  Takeover,
} from "../engine/ports.js";
import type { EndpointFacts } from "../endpoint/endpoint.js";
import { clock } from "../clock.js";
import type { Diagnosis } from "../failure/diagnosis.js";

interface Part {
  readonly facts: EndpointFacts;
  /** Something has gone wrong there, and it has not been well since. */
  isIll: boolean;
  readonly open: Set<CircuitKind>;
}

/** Nodes in trouble that are named. */
const NAMED = 3;
/** The same takeover is not told again within this. Milliseconds. */
const TOLD = 5_000;

export class ClusterStory {
  readonly #parts = new Set<Part>();
  #takeover: { readonly from: string; readonly to: string; readonly at: number } | undefined = undefined;
  #whole: Observer | undefined = undefined;

  /** Who hears of the cluster as a whole. */
  toldTo(whole: Observer): void {
    this.#whole = whole;
  }

  /** Hears what happens at one node. */
  partOf(facts: EndpointFacts): Observer {
    const part: Part = { facts, isIll: false, open: new Set() };
    this.#parts.add(part);
    return new PartObserver(part, this, () => this.#whole);
  }

  /** Which nodes are in trouble, in words; `undefined`: all of them, or none. */
  part(): string | undefined {
    const ill = [...this.#parts].filter(({ isIll }) => isIll).map(({ facts }) => facts.label);
    if (ill.length === 0 || ill.length === this.#parts.size) return undefined;
    const others = ill.length > NAMED ? ` and ${String(ill.length - NAMED)} more` : "";
    const named = ill.slice(0, NAMED).join(", ");
    return `${String(ill.length)} of ${String(this.#parts.size)} nodes (${named}${others})`;
  }

  /** A replica has taken over. Each client that shares the story says so; it is told once. */
  tookOver(from: string, to: string): void {
    const now = clock.now();
    const isTold = this.#takeover?.from === from && this.#takeover.to === to && now - this.#takeover.at < TOLD;
    this.#takeover = { from, to, at: now };
    if (!isTold) this.#whole?.tookOver({ from, to, as: "the nodes say" });
  }

  /** Clients of its nodes that want a connection, or wait for a late reply. */
  troubled(): number {
    let troubled = 0;
    for (const { isIll, facts } of this.#parts) if (isIll) troubled += facts.troubled();
    return troubled;
  }

  /** Since when each node in trouble has taken a write: what another node takes says nothing of it. */
  tookWrites(): number {
    const ill = [...this.#parts].filter(({ isIll }) => isIll);
    return ill.length === 0 ? -Infinity : Math.min(...ill.map(({ facts }) => facts.tookWrites()));
  }

  /** Commands that wait at its nodes. */
  waiting(): number {
    let waiting = 0;
    for (const { facts } of this.#parts) waiting += facts.waiting();
    return waiting;
  }

  isOpen(kind: CircuitKind): boolean {
    return [...this.#parts].some(({ open }) => open.has(kind));
  }

  end(part: Part): void {
    this.#parts.delete(part);
  }
}

/** The stories of this process, by who hears them: clients that share an incident share its story. */
const stories = new WeakMap<Observer, ClusterStory>();

/** Makes the observer of a whole cluster, of one of a single endpoint. */
export function wholeObserver(observe: (facts: EndpointFacts) => Observer): (facts: EndpointFacts) => Observer {
  return (facts) => {
    const story = new ClusterStory();
    const whole = observe({
      label: facts.label,
      policy: facts.policy,
      waiting: () => facts.waiting() + story.waiting(),
      troubled: () => facts.troubled() + story.troubled(),
      tookWrites: () => story.tookWrites(),
      hasServed: () => facts.hasServed(),
      part: () => story.part(),
    });
    story.toldTo(whole);
    stories.set(whole, story);
    return whole;
  };
}

/** What the nodes tell that observer. */
export function storyOf(whole: Observer): ClusterStory {
  let story = stories.get(whole);
  if (story === undefined) stories.set(whole, (story = new ClusterStory()));
  return story;
}

class PartObserver implements Observer {
  readonly #part: Part;
  readonly #story: ClusterStory;
  readonly #of: () => Observer | undefined;

  constructor(part: Part, story: ClusterStory, whole: () => Observer | undefined) {
    this.#part = part;
    this.#story = story;
    this.#of = whole;
  }

  get #whole(): Observer | undefined {
    return this.#of();
  }

  firstConnected(): void {
    // The cluster is connected when its table is known.
  }

  connectionFailed(diagnosis: Diagnosis, since?: number): void {
    this.#part.isIll = true;
    this.#whole?.connectionFailed(diagnosis, since);
  }

  serverRefused(diagnosis: Diagnosis): void {
    this.#part.isIll = true;
    this.#whole?.serverRefused(diagnosis);
  }

  commandRefused(diagnosis: Diagnosis): void {
    this.#whole?.commandRefused(diagnosis);
  }

  commandFailed(failure: CommandFailure): void {
    this.#whole?.commandFailed(failure);
  }

  fellBack(command: string): void {
    this.#whole?.fellBack(command);
  }

  retried(): void {
    this.#whole?.retried();
  }

  circuitChanged(change: CircuitChange): void {
    const { open } = this.#part;
    const wasOpen = this.#story.isOpen(change.kind);
    if (change.state === "open") open.add(change.kind);
    if (change.state === "closed") open.delete(change.kind);
    if (change.state === "half-open" || wasOpen !== this.#story.isOpen(change.kind))
      this.#whole?.circuitChanged(change);
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    this.#part.isIll = true;
    this.#whole?.clientFailsFast(cause, retryAfter);
  }

  credentialsFailed(diagnosis: Diagnosis): void {
    this.#whole?.credentialsFailed(diagnosis);
  }

  credentialsRenewed(): void {
    this.#whole?.credentialsRenewed();
  }

  reconnected(reconnection: Reconnection): void {
    // Which process answers at one address says nothing of the cluster.
    this.#whole?.reconnected({ ...reconnection, server: "unknown" });
  }

  tookOver(takeover: Takeover): void {
    this.#whole?.tookOver(takeover);
  }

  recovered(recovery: Recovery): void {
    if (recovery.troubled === 0) this.#part.isIll = false;
    this.#recover(recovery);
  }

  /** The node has left the table, or its last client has ended: it is in nobody's way any more. */
  closed(): void {
    const wasOpen = [...this.#part.open];
    this.#part.open.clear();
    this.#story.end(this.#part);
    for (const kind of wasOpen) {
      if (!this.#story.isOpen(kind)) this.#whole?.circuitChanged({ kind, state: "closed" });
    }
    if (this.#part.isIll) this.#recover({ reconnected: true, troubled: 0, server: "unknown" });
  }

  #recover(recovery: Recovery): void {
    const isOpen = this.#story.isOpen("read-write") || this.#story.isOpen("write");
    if (isOpen) return;
    const troubled = recovery.troubled + this.#story.troubled();
    this.#whole?.recovered({ ...recovery, troubled, server: "unknown" });
  }
}
