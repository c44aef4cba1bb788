/**
 * A cluster of simulated servers: shards of a master and a replica, and what its nodes tell each other. Who is promoted is not
 * elected: a replica that can takes over. What a node has not heard of yet it does not know: it may serve what is not its own.
 */
import type { Random } from "../random.js";
import type { Server } from "../server/server.js";
import type { VirtualClock } from "../world/clock.js";
import { Member } from "./member.js";
import { Migration } from "./migration.js";
import type { ClusterAction, ClusterData, NodeRole } from "./scenario.js";
import { slotOf, SlotTable } from "./slots.js";

/** The others agree that a master is away, and serve nobody, for so long before one takes its place, at most. Milliseconds. */
const ELECTION = 600;
/**
 * A slot does not come back to a node so soon after it left it. Where it does while the client's process stands still, what was refused
 * there is overtaken by what the client sends there before it has read the refusal. Longer than a process stands still. Milliseconds.
 */
const BACK = 10_000;
/** A node that goes on hears what has happened after so much, at most. Milliseconds. */
const NEWS = 60;

export class SimulatedCluster {
  readonly members: readonly Member[];
  /** Who serves what, in truth. */
  readonly truth: SlotTable;
  readonly #data: ClusterData;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #migrations = new Set<Migration>();
  /** How often each node was taken away: what was planned for an earlier time does not count. */
  readonly #absences = new Map<Server, number>();
  /** When a slot left a node, or all that it had did, and the node was there all the time. */
  readonly #left = new Map<string, number>();
  #isHealed = false;

  constructor(data: ClusterData, random: Random, clock: VirtualClock, make: (address: string) => Server, lag: number) {
    this.#data = data;
    this.#random = random;
    this.#clock = clock;
    const pairs = Array.from({ length: data.shards }, (_, shard) => {
      const [master, replica] = [make(`10.0.${String(shard)}.1`), make(`10.0.${String(shard)}.2`)];
      master.replica = replica;
      replica.role = "slave";
      master.lag = replica.lag = lag;
      master.nearness = data.nearness?.[2 * shard] ?? 1;
      replica.nearness = data.nearness?.[2 * shard + 1] ?? 1;
      return [master, replica] as const;
    });
    this.truth = new SlotTable(pairs.map(([master]) => master));
    this.members = pairs.flatMap((pair, shard) =>
      pair.map((server) => new Member(server, shard, this.truth.copy(), () => this.members)),
    );
    for (const member of this.members) member.server.membership = member;
  }

  get servers(): readonly [Server, ...Server[]] {
    const [first, ...others] = this.members.map(({ server }) => server);
    if (first === undefined) throw new RangeError("a cluster needs a shard");
    return [first, ...others];
  }

  /** Who has the key now. */
  holderOf(key: string): Server | undefined {
    const slot = slotOf(key);
    const owner = this.truth.ownerOf(slot);
    const next = owner && this.#memberOf(owner)?.migrating.get(slot);
    return next !== undefined && owner?.keyspace.get(0, key) === undefined ? next : owner;
  }

  strike(action: ClusterAction): void {
    if (this.#isHealed) return;
    switch (action.do) {
      case "migrate":
        this.#migrate(action);
        break;
      case "hand-over":
        this.#handOver(action.shard, action.ms);
        break;
      default:
        this.#away(action);
    }
  }

  heal(): void {
    this.#isHealed = true;
    this.#finishMigrations();
    for (const member of this.members) this.#returns(member);
    for (const member of this.members) {
      member.isDown = false;
      this.#hear(member);
    }
  }

  // ---- slots

  #migrate({ tag, to, gap, pause }: Extract<ClusterAction, { do: "migrate" }>): void {
    const slot = slotOf(`{${tag}}`);
    const from = this.#memberOf(this.truth.ownerOf(slot));
    const target = this.#memberOf(this.truth.masters[to % this.#data.shards]);
    if (from === undefined || target === undefined || from === target || this.#isAway(from) || this.#isAway(target))
      return;
    if ([...this.#migrations].some((other) => other.slot === slot) || this.#hasLeft(target, slot)) return;
    const migration = new Migration(slot, from, target, this.#clock, {
      arrived: () => {
        this.truth.move(slot, target.shard);
        this.#hear(target);
      },
      left: () => {
        this.#migrations.delete(migration);
        this.#left.set(placeOf(from, slot), this.#clock.time);
        this.#hear(from);
        this.#spread();
      },
    });
    this.#migrations.add(migration);
    migration.begin(gap, pause, this.#random.int(0, this.#data.gossip));
  }

  #finishMigrations(): void {
    for (const migration of [...this.#migrations]) migration.finish();
  }

  // ---- nodes

  #handOver(shard: number, ms: number): void {
    const old = this.#memberOf(this.truth.masters[shard % this.#data.shards]);
    const next = old && this.#successorOf(old);
    if (old === undefined || next === undefined || this.#hasLeft(next)) return;
    this.#finishMigrations();
    old.server.note(`hands over to ${next.server.address}`);
    const absence = this.#leaves(old);
    old.server.freeze();
    this.#clock.after(ms, () => {
      if (!this.#isStill(old, absence)) return;
      if (this.#successorOf(old) === next) {
        old.server.catchUp();
        this.#left.set(placeOf(old), this.#clock.time);
        this.#promote(old, next);
        this.#hear(old);
      }
      this.#returns(old);
    });
  }

  #away({ do: how, shard, role, ms, timeout }: Extract<ClusterAction, { do: "kill" | "stop" }>): void {
    const member = this.#find(shard % this.#data.shards, role);
    if (member === undefined || this.#isAway(member)) return;
    this.#finishMigrations();
    const absence = this.#leaves(member);
    member.server.cutAt = this.#clock.time;
    if (how === "kill") member.server.crash();
    else member.server.freeze();
    this.#clock.after(ms, () => {
      if (this.#isStill(member, absence)) this.#returns(member);
    });
    if (role === "master" && timeout < ms) this.#clock.after(timeout, () => this.#missed(member, absence));
  }

  /** The others agree that a master is away. */
  #missed(member: Member, absence: number): void {
    if (!this.#isStill(member, absence)) return;
    if (this.#data.needsAll) {
      for (const other of this.members) if (other !== member) other.isDown = true;
    }
    this.#clock.after(this.#random.int(0, ELECTION), () => {
      const next = this.#successorOf(member);
      if (this.#isStill(member, absence) && next !== undefined) this.#promote(member, next);
    });
  }

  #promote(old: Member, next: Member): void {
    this.truth.masters[old.shard] = next.server;
    old.server.promote(next.server);
    old.server.replaced = { at: this.#clock.time, thawedAt: Infinity };
    this.#hear(next);
    this.#spread();
  }

  #returns(member: Member): void {
    const { server } = member;
    if (!this.#isAway(member)) return;
    this.#absences.set(server, -Math.abs(this.#absences.get(server) ?? 0));
    server.cutAt = Infinity;
    server.catchUp();
    if (server.isStopped) {
      if (server.replaced !== undefined) server.replaced = { ...server.replaced, thawedAt: this.#clock.time };
      server.thaw();
      this.#clock.after(this.#random.int(0, NEWS), () => this.#hear(member));
    } else {
      this.#hear(member);
      server.start();
    }
    if (this.#isComplete()) for (const other of this.members) other.isDown = false;
  }

  // ---- news

  /** Everybody hears of the present state, each at its own time. */
  #spread(): void {
    for (const member of this.members) {
      this.#clock.after(this.#random.int(0, this.#data.gossip), () => {
        // Whoever is away hears it when it returns.
        if (!this.#isAway(member)) this.#hear(member);
      });
    }
  }

  #hear(member: Member): void {
    const { server } = member;
    member.table = this.truth.copy();
    if (this.#isComplete()) member.isDown = false;
    const master = this.truth.masters[member.shard];
    if (master !== undefined && master !== server && server.role === "master") server.demote(master);
    server.redirectBlocks();
  }

  // ---- who is there

  #memberOf(server: Server | undefined): Member | undefined {
    return this.members.find((member) => member.server === server);
  }

  #find(shard: number, role: NodeRole): Member | undefined {
    const master = this.truth.masters[shard];
    return this.members.find((member) => member.shard === shard && (member.server === master) === (role === "master"));
  }

  /** The replica that can take its place. */
  #successorOf(member: Member): Member | undefined {
    const replica = this.#find(member.shard, "replica");
    return replica !== undefined && !this.#isAway(replica) && member.server.replica === replica.server
      ? replica
      : undefined;
  }

  #hasLeft(member: Member, slot?: number): boolean {
    const at = Math.max(
      this.#left.get(placeOf(member)) ?? -Infinity,
      this.#left.get(placeOf(member, slot)) ?? -Infinity,
    );
    return this.#clock.time - at < BACK;
  }

  #isComplete(): boolean {
    return this.truth.masters.every((master) => {
      const member = this.#memberOf(master);
      return member !== undefined && !this.#isAway(member);
    });
  }

  #leaves({ server }: Member): number {
    const absence = Math.abs(this.#absences.get(server) ?? 0) + 1;
    this.#absences.set(server, absence);
    return absence;
  }

  #isAway({ server }: Member): boolean {
    return (this.#absences.get(server) ?? 0) > 0;
  }

  #isStill({ server }: Member, absence: number): boolean {
    return this.#absences.get(server) === absence;
  }
}

function placeOf({ server }: Member, slot?: number): string {
  return `${server.address} ${String(slot)}`;
}
