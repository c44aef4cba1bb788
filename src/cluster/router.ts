/**
 * Sends each command to the node of its slot, and moves those that a node does not serve. A refusal by MOVED or ASK is no
 * failure: nothing was executed, so the call goes on elsewhere with its deadline and its place in the order. When a slot gets
 * another owner, what comes after that waits until the old one has answered what it still has: commands of one key never
 * overtake each other on their way through two nodes.
 */
import type { Command } from "ioredis";
import { withinAwake } from "../awake-timeout.js";
import { clock, setUnrefTimeout, sleep } from "../clock.js";
import { factsOf } from "../command/facts.js";
import { callOf, isUnencodable, luggageOf, takeAlong, type Call, type Handover } from "../engine/call.js";
import * as clientErrors from "../engine/client-errors.js";
import type { Engine } from "../engine/engine.js";
import type { Elsewhere } from "../engine/elsewhere.js";
import { keysOf } from "../engine/footprint.js";
import type { BatchStream, CallOptions, Dispatcher } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import { slotOfCommand } from "../ioredis/commands.js";
import type { Policy } from "../policy/shape.js";
import { wholeSlotOf } from "./batches.js";
import type { Layout, LayoutChange } from "./layout.js";
import type { ClusterNode } from "./node.js";
import { anyOf, type ReadPreference } from "./read-preference.js";
import { readRedirection, saysUnserved } from "./redirection.js";
import type { SlotRange } from "./slot-ranges.js";
import type { Hold, SlotHolds } from "./slot-holds.js";

export interface RouterParts {
  /** Where commands wait as long as no table is known; what is held waits in its name. */
  readonly lobby: Engine;
  readonly layout: Layout;
  readonly holds: SlotHolds;
  readonly reads: ReadPreference;
  readonly policy: Policy;
  /** How often one command may be sent on, by MOVED and ASK. */
  readonly maxRedirections: number;
  /** The table may be old. */
  readonly refresh: () => void;
  /** A node says that the cluster is down. */
  readonly down: (error: Error) => void;
  /** Resolves once a node has told a table that was asked for from now on, or none would. */
  readonly confirmed: () => Promise<void>;
  /** Keys of the masters that this node knows. */
  readonly ownersToldBy: (node: ClusterNode) => Promise<ReadonlySet<string>>;
  /** Carries commands that change what is listened to. */
  readonly subscriptions: Dispatcher;
  /** A replica serves in the place of its master. */
  readonly tookOver: (from: ClusterNode, to: ClusterNode) => void;
  /** A node has left the table. */
  readonly gone: (node: ClusterNode) => void;
}

/** A slot for which a node names itself, or nobody, is tried again after this. Milliseconds. */
const AGAIN = 100;
/** A node that was silent or away for longer may have a successor by now. Milliseconds. */
const SUCCEEDED = 500;
/** Whoever is asked about a node that was silent, or connects to be asked, is waited for so long, in milliseconds. */
const DOUBT = 1_000;
/** A node that serves nothing any more is looked at as often, until it has nothing left. Milliseconds. */
const LOOK = 20;

export interface RouterCounts {
  moved: number;
  asked: number;
  /** Nodes whose connection was cut because another one serves their slots. */
  fenced: number;
  /** Times that slots were held for their old owner. */
  held: number;
}

export class Router implements Dispatcher {
  readonly counts: RouterCounts = { moved: 0, asked: 0, fenced: 0, held: 0 };
  readonly #parts: RouterParts;
  /** The members of a transaction that leaves the lobby. */
  #unit: Call[] = [];

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  // ---- entering

  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const { lobby, holds, reads, layout } = this.#parts;
    const whole = stream === undefined ? undefined : wholeSlotOf(command);
    // The members of a plain pipeline are independent: each goes to its own node.
    const batch = whole === undefined ? undefined : stream;
    if (isUnencodable(command)) {
      // Its pipeline knows already, and looks at nothing that it says.
      lobby.dispatch(command, stream, options);
      return;
    }
    const { dispatch, session } = factsOf(command.name);
    // Also before there is a table: it would wait, and go to a connection that others use.
    if (session === "multi" && batch === undefined) {
      command.reject(new Error(INTERACTIVE));
      return;
    }
    if (!lobby.isOpen || lobby.endpoint.refusing !== 0) {
      lobby.dispatch(command, batch, options);
      return;
    }
    if (dispatch === "subscription") {
      this.#parts.subscriptions.dispatch(command, undefined, options);
      return;
    }
    const slot = whole ?? slotOfCommand(command);
    if (slot < 0) {
      const node = batch === undefined ? this.#anyone() : (placeOf(batch) ?? this.#anyone());
      if (node === undefined) lobby.dispatch(command, batch, options);
      else this.#send(node, command, batch, options);
      return;
    }
    const hold = holds.isEmpty ? undefined : holds.of(slot);
    if (hold !== undefined) {
      this.#wait(hold, command, batch, options);
      return;
    }
    const owner = layout.owners[slot];
    if (owner === undefined) {
      this.#wait(holds.begin([slot], true), command, batch, options);
      this.#parts.refresh();
      return;
    }
    const reader = reads.isMasterOnly || batch !== undefined ? undefined : reads.choose(slot, command);
    const node = reader ?? owner;
    if (stream !== undefined && batch === undefined) node.cork();
    this.#send(node, command, batch, options);
  }

  #send(node: ClusterNode, command: Command, batch: BatchStream | undefined, options: CallOptions | undefined): void {
    if (batch !== undefined) lead(batch, node);
    node.dispatcher.dispatch(command, batch, options);
  }

  /** A node for commands without keys. */
  #anyone(): ClusterNode | undefined {
    const { masters, all } = this.#parts.layout;
    return anyOf(masters.filter((node) => node.isWell)) ?? anyOf(masters) ?? anyOf(all);
  }

  /** The command waits for its slot. What is said to the first member of a transaction is said to all. */
  #wait(hold: Hold, command: Command, batch: BatchStream | undefined, options: CallOptions | undefined): void {
    const { lobby, holds, policy } = this.#parts;
    const before = hold.calls.at(-1);
    const isAccepted = batch !== undefined && before?.stream === batch;
    // At the same moment, so that their time is over together.
    const call = lobby.parked.park(command, batch, options, isAccepted ? before.startedAt : clock.now());
    const { queue } = policy;
    if (queue === false) {
      lobby.parked.reject(call, clientErrors.unavailable);
      return;
    }
    const commands = hold.calls.length === 0 ? 0 : holds.waiting;
    if (isAccepted || (commands < queue.maxCommands && !isRefused(batch))) hold.calls.push(call);
    else {
      if (batch !== undefined) (batch as Partial<Led>).isRefused = true;
      const size = { commands, bytes: 0 };
      lobby.parked.reject(call, (parked, snapshot, now) => clientErrors.queueFull(parked, snapshot, size, queue, now));
    }
  }

  /** The lobby lets a call go: the members of a transaction come one after the other, in one turn. */
  fromLobby(command: Command): void {
    const call = callOf(command);
    if (call === undefined) return;
    // What is left of another one comes first.
    if (this.#unit[0] !== undefined && this.#unit[0].batch !== call.batch) this.#placeUnit();
    this.#unit.push(call);
    if (this.#unit.length < (call.batch?.calls.length ?? 1)) return;
    // A MULTI that was just begun is let go member by member while it is issued: more of it comes in this turn.
    if (wholeSlotOf(command) === undefined || call.facts.session === "exec") this.#placeUnit();
    else queueMicrotask(() => this.#placeUnit());
  }

  #placeUnit(): void {
    const unit = this.#unit;
    this.#unit = [];
    if (unit.length > 0) this.#place(handedOver(unit), undefined, false);
  }

  // ---- what nodes refuse

  /** What a node hands over that it does not serve. */
  elsewhereOf(find: () => ClusterNode | undefined): Elsewhere {
    return {
      redirect: (code, error, calls) => {
        const node = find();
        return node !== undefined && this.#redirect(node, code, error, calls);
      },
      silent: () => {
        const node = find();
        if (node !== undefined) this.#silent(node);
      },
      back: (away) => (away < SUCCEEDED ? undefined : this.#parts.confirmed()),
    };
  }

  #redirect(node: ClusterNode, code: Code, error: Error, calls: readonly Call[]): boolean {
    switch (code) {
      case "MOVED":
      case "ASK":
        return this.#moves(node, code === "ASK", error, calls);
      case "CLUSTER_DOWN":
        this.#parts.refresh();
        if (saysUnserved(error.message)) return this.#unserved(calls);
        this.#parts.down(error);
        return false;
      case "MASTER_DOWN":
        return this.#toMaster(node, calls);
      case "TRY_AGAIN":
      case "READ_ONLY_REPLICA":
        this.#parts.refresh();
        return false;
      default:
        return false;
    }
  }

  #moves(node: ClusterNode, isAsk: boolean, error: Error, calls: readonly Call[]): boolean {
    const { layout, maxRedirections, lobby } = this.#parts;
    const to = readRedirection(error.message, node.host);
    const redirects = (calls[0]?.redirects ?? 0) + 1;
    if (to === undefined || lobby.isClosed) return false;
    this.#parts.refresh();
    if (redirects > maxRedirections) {
      error.message = `Too many Cluster redirections. Last error: ${error.name}: ${error.message}`;
      return false;
    }
    const target = layout.at(to.to);
    target.wake();
    if (isAsk) this.counts.asked++;
    else this.counts.moved++;
    if (target === node) {
      // It names itself: something in between forwards to another node by now, or the table is being changed.
      this.#later(to.slot, calls);
      return true;
    }
    const isLeaving = !isAsk && !node.isReplica && layout.owners[to.slot] === node;
    if (isLeaving) layout.moved(to.slot, target);
    // Before what still waits at the node, which came later.
    this.#place(handedOver(calls), target, isAsk);
    if (isLeaving) this.#holdFor(node, [to.slot]);
    if (isAsk && hasSeveralKeys(calls)) this.#holdBehind(calls, to.slot);
    return true;
  }

  /**
   * While a slot moves key by key, a command of several keys waits at the node that gets it until all of them are there. One that
   * comes later and has only keys that are still here would be served at once: it waits as well.
   */
  #holdBehind(unit: readonly Call[], slot: number): void {
    const last = unit.at(-1)?.command;
    if (last === undefined) return;
    const { holds } = this.#parts;
    const known = holds.of(slot);
    if (known !== undefined) known.reasons++;
    const hold = known ?? holds.begin([slot]);
    whenOver(last, () => this.#release(hold));
  }

  #toMaster(node: ClusterNode, calls: readonly Call[]): boolean {
    const slot = slotOf(calls);
    const owner = slot === undefined ? undefined : this.#parts.layout.owners[slot];
    if (owner === undefined || owner === node) return false;
    this.#parts.refresh();
    this.#place(handedOver(calls), owner, false);
    return true;
  }

  #unserved(calls: readonly Call[]): boolean {
    const slot = slotOf(calls);
    if (slot === undefined || this.#parts.policy.queue === false) return false;
    this.#later(slot, calls);
    return true;
  }

  /** These, and what comes for their slot, wait for a moment. */
  #later(slot: number, calls: readonly Call[]): void {
    const { holds } = this.#parts;
    let hold = holds.of(slot);
    if (hold === undefined) {
      const begun = (hold = holds.begin([slot]));
      setUnrefTimeout(() => this.#release(begun), AGAIN * (0.5 + clock.random()));
    }
    this.#park(hold, handedOver(calls));
  }

  /** Older than what waits already: to its place. The time of a transaction's members is over together. */
  #park(hold: Hold, unit: readonly Handover[]): void {
    const expiresAt = unit.reduce((first, from) => Math.min(first, from.expiresAt), Infinity);
    const parked = unit.map((from) => this.#parts.lobby.parked.parkAgain({ ...from, expiresAt }));
    const [first] = parked;
    if (first === undefined) return;
    const at = hold.calls.findIndex((other) => ((first.order - other.order) | 0) < 0);
    hold.calls.splice(at < 0 ? hold.calls.length : at, 0, ...parked);
  }

  /** A connection owes a reply and says nothing. */
  #silent(node: ClusterNode): void {
    // Its readers are served elsewhere, and asking again does no harm.
    if (node.isReplica) {
      this.#parts.refresh();
      node.fence();
      return;
    }
    if (node.isDoubted) return;
    const replicas = this.#wakeFollowers(node);
    void node.doubt(async () => this.#stillServes(node, await replicas));
  }

  /** By the time a silent master answers, they are connected and can be asked. After a failover, the table may not have them yet. */
  async #wakeFollowers(node: ClusterNode): Promise<readonly ClusterNode[]> {
    const { layout } = this.#parts;
    for (const replica of layout.followersOf(node)) replica.wake();
    await this.#confirmed();
    const replicas = layout.followersOf(node);
    for (const replica of replicas) replica.wake();
    return replicas;
  }

  /** What others say of the table, if they do within a moment. */
  async #confirmed(): Promise<void> {
    // Something of the caller's may throw on the way, such as `natMap`: nothing was learnt then.
    await withinAwake(this.#parts.confirmed(), DOUBT, () => undefined).catch(() => undefined);
  }

  /**
   * Whether a node that was silent is still a master, as the others say. Its replicas are asked first: the one that has taken over
   * knows before all others do.
   */
  async #stillServes(node: ClusterNode, replicas: readonly ClusterNode[]): Promise<boolean> {
    const { layout, refresh } = this.#parts;
    const until = clock.now() + DOUBT;
    while (replicas.some(({ isComing }) => isComing) && clock.now() < until) await sleep(LOOK);
    const owners = replicas.filter(({ isWell }) => isWell).map((replica) => this.#parts.ownersToldBy(replica));
    const told = await Promise.all(
      owners.map((known) => withinAwake(known, DOUBT, () => undefined).catch(() => undefined)),
    );
    if (told.some((masters) => masters?.has(node.key) === false)) {
      refresh();
      return false;
    }
    await this.#confirmed();
    return layout.masters.includes(node);
  }

  // ---- where units go

  /** Puts a call, or a whole transaction, where it belongs now. */
  #place(unit: readonly Handover[], given: ClusterNode | undefined, isAsk: boolean): void {
    const [first] = unit;
    if (first === undefined) return;
    const { lobby, layout, reads, holds } = this.#parts;
    const slot = slotOf(unit);
    let reader: ClusterNode | undefined;
    try {
      reader = slot === undefined || unit.length > 1 ? undefined : reads.choose(slot, first.command);
    } catch (thrown) {
      // The caller's own function: nobody else has the command by now.
      first.command.reject(thrown as Error);
      return;
    }
    const node = given ?? (slot === undefined ? this.#anyone() : (reader ?? layout.owners[slot]));
    if (node === undefined) {
      if (slot === undefined) for (const from of unit) lobby.adopt(from, false);
      else this.#park(holds.of(slot) ?? holds.begin([slot], true), unit);
      return;
    }
    const { stream, command, options } = first;
    const { dispatch } = factsOf(command.name);
    if (stream === undefined && dispatch === "subscription") {
      // Wherever else it was sent, nobody would hear what comes.
      this.#parts.subscriptions.dispatch(command, undefined, options);
      return;
    }
    if (stream !== undefined) lead(stream, node);
    const next = given === undefined ? unit : unit.map((from) => ({ ...from, redirects: from.redirects + 1 }));
    if (stream === undefined && dispatch === "blocking") {
      // Not over a connection that others share.
      const since = luggageOf(command)?.since ?? first.startedAt;
      takeAlong(command, { isAsking: isAsk, redirects: next[0]?.redirects ?? 0, since });
      node.dispatcher.dispatch(command, undefined, options);
      return;
    }
    next.forEach((from, at) => node.engine.adopt(from, isAsk && at === 0));
  }

  /** New commands of these slots wait until the node that served them has answered what it still has. */
  #holdFor(node: ClusterNode, slots: readonly number[]): void {
    const { holds } = this.#parts;
    const hold = holds.begin(slots);
    // With its replies the node is sent more of what waits there: by the end it would be under way, and what comes then past it.
    this.evacuate(node);
    const end = (): void => {
      this.evacuate(node);
      this.#release(hold);
    };
    if (node.whenAnswered(end)) this.counts.held++;
    // Nothing is under way, but something may wait, for a server that refuses for instance.
    else end();
  }

  #release(hold: Hold): void {
    const { holds } = this.#parts;
    hold.reasons--;
    if (hold.reasons > 0) return;
    for (const unit of unitsOf(holds.end(hold))) this.#place(handedOver(unit), undefined, false);
  }

  /** Whether what waits at the node may go on waiting there. A master that has become a replica keeps only what replicas may answer. */
  #serves(node: ClusterNode, slot: number, unit: readonly Call[]): boolean {
    const { layout, reads } = this.#parts;
    if (layout.owners[slot] === node) return true;
    return node.isWell && layout.replicasOf(slot).includes(node) && unit.every(({ command }) => reads.allows(command));
  }

  /** What waits at the node and belongs elsewhere by now goes there. */
  evacuate(node: ClusterNode): void {
    const { layout, holds } = this.#parts;
    const isGone = layout.node(node.key) !== node;
    for (const unit of unitsOf(node.waiting().map(({ call }) => call))) {
      const slot = slotOf(unit);
      const isServed = slot === undefined ? !isGone : this.#serves(node, slot, unit);
      if (isServed) for (const call of unit) call.arrived();
      // Or it waits for a slot that is still arriving here. A replica would answer it with what it has.
      if (isServed || (unit[0]?.isAsking === true && !isGone && !node.isReplica)) continue;
      const hold = slot === undefined ? undefined : holds.of(slot);
      if (hold === undefined) this.#place(handedOver(unit), undefined, false);
      else this.#park(hold, handedOver(unit));
    }
  }

  /** The client ends: what is held will never be sent. */
  end(): void {
    const { holds, lobby } = this.#parts;
    for (const hold of holds.all()) for (const call of holds.end(hold)) lobby.parked.reject(call, clientErrors.closed);
  }

  // ---- a new table

  apply(ranges: readonly SlotRange[]): void {
    const { layout, holds } = this.#parts;
    const change = layout.apply(ranges);
    for (const { from, to } of change.takeovers) this.#parts.tookOver(from, to);
    for (const node of layout.masters) node.wake();
    for (const [node, slots] of change.leaving) this.#holdFor(node, slots);
    for (const node of [...layout.all, ...change.gone]) this.evacuate(node);
    this.#fence(change);
    for (const node of change.gone) this.#retire(node);
    for (const hold of holds.all()) {
      if (hold.isUnserved && hold.slots.every((slot) => layout.owners[slot] !== undefined)) this.#release(hold);
    }
  }

  /**
   * A node that others have replaced and that says nothing must not execute later what it has been sent. One that hands over by
   * order is silent, too, until it has, and then says where everything goes.
   */
  #fence({ leaving, gone }: LayoutChange): void {
    for (const node of new Set([...leaving.keys(), ...gone])) this.#fenceSilent(node);
  }

  #fenceSilent(node: ClusterNode): void {
    const { silence } = node;
    if (this.#parts.layout.masters.includes(node) || silence < LOOK) return;
    if (silence < SUCCEEDED) {
      setUnrefTimeout(() => this.#fenceSilent(node), SUCCEEDED - silence);
      return;
    }
    this.counts.fenced++;
    node.fence();
  }

  /** It ends once nothing of it is under way any more. */
  #retire(node: ClusterNode): void {
    this.#parts.gone(node);
    const look = (): void => {
      const { engine, client } = node;
      if (client.status === "end") return;
      engine.afterLosses(() => this.evacuate(node));
      if (!engine.isIdle && !this.#parts.lobby.isClosed) {
        if (node.silence > SUCCEEDED) node.fence();
        setUnrefTimeout(look, LOOK);
        return;
      }
      client.disconnect();
    };
    look();
  }
}

const INTERACTIVE =
  "MULTI without a pipeline cannot be used on a Cluster: its commands would go to several nodes, and to connections that others use. Use multi() with exec(), or transaction(keys, fn).";

/** Which node the batch goes to: ioredis writes it there. */
interface Led {
  destination: { redis: unknown };
  node?: ClusterNode;
  /** There was no room for it. */
  isRefused?: boolean;
}

function isRefused(batch: BatchStream | undefined): boolean {
  return batch !== undefined && (batch as Partial<Led>).isRefused === true;
}

function lead(batch: BatchStream, node: ClusterNode): void {
  const led = batch as Led;
  if (led.node === node) return;
  led.node = node;
  led.destination = { redis: node.client };
}

function placeOf(batch: BatchStream): ClusterNode | undefined {
  return (batch as Partial<Led>).node;
}

function slotOf(unit: readonly { readonly command: Command }[]): number | undefined {
  for (const { command } of unit) {
    const slot = slotOfCommand(command);
    if (slot >= 0) return slot;
  }
  return undefined;
}

function hasSeveralKeys(unit: readonly Call[]): boolean {
  return new Set(unit.flatMap(keysOf)).size > 1;
}

/** Calls `run` once the command has settled, wherever it goes until then. */
function whenOver(command: Command, run: () => void): void {
  const call = callOf(command);
  if (call === undefined || call.state === "settled") run();
  // Given up by one engine, it has a call of another by then.
  else call.whenSettled(() => queueMicrotask(() => whenOver(command, run)));
}

/** Given up by whichever engine has them. */
function handedOver(calls: readonly Call[]): readonly Handover[] {
  return calls.map((call) => call.owner.handOver(call));
}

/** The calls of one transaction go together. */
function unitsOf(calls: readonly Call[]): readonly (readonly Call[])[] {
  const units: Call[][] = [];
  const known = new Map<BatchStream, Call[]>();
  for (const call of calls) {
    const unit = call.stream && known.get(call.stream);
    if (unit !== undefined) unit.push(call);
    else {
      const begun = [call];
      units.push(begun);
      if (call.stream !== undefined) known.set(call.stream, begun);
    }
  }
  return units;
}
