/** Makes the faults of a scenario happen to the network and the servers, and heals the world in the end. */
import type { ClusterAction } from "../cluster/scenario.js";
import type { Fault, FaultAction, Scenario } from "../program/scenario.js";
import type { Sentinel } from "../sentinel/sentinel.js";
import type { Server } from "../server/server.js";
import type { VirtualClock } from "./clock.js";
import type { Network } from "./network.js";

export interface FateHooks {
  /** The data of a server is gone. */
  dataLost(server: Server): void;
  /** Something happens to a cluster. */
  cluster(action: ClusterAction): void;
  /** Who has a key, where not everybody has them all. */
  holderOf(key: string): Server | undefined;
  /** Nothing is wrong any more. */
  healed(): void;
}

export class Fate {
  readonly #scenario: Scenario;
  readonly #clock: VirtualClock;
  readonly #network: Network;
  readonly #servers: readonly Server[];
  readonly #hooks: FateHooks;
  readonly #sentinels: readonly Sentinel[];
  /** Counts the failovers. */
  #epoch = 0;
  /** By which clients know the service. */
  readonly #name: string;
  /** The server that the name should lead to. */
  #master: Server;

  constructor(
    scenario: Scenario,
    name: string,
    network: Network,
    servers: readonly [Server, ...Server[]],
    sentinels: readonly Sentinel[],
    hooks: FateHooks,
  ) {
    this.#scenario = scenario;
    this.#clock = network.clock;
    this.#network = network;
    this.#servers = servers;
    this.#hooks = hooks;
    this.#sentinels = sentinels;
    this.#name = name;
    this.#master = servers[0];
  }

  plan(faults: readonly Fault[]): void {
    if (this.#scenario.serverStartsAt > 0) {
      for (const server of this.#servers) server.door = "refuse";
      this.#clock.at(this.#scenario.serverStartsAt, () => {
        for (const server of this.#servers) server.start();
      });
    }
    for (const { at, action } of faults) this.#clock.at(at, () => this.#strike(action));
    this.#clock.at(this.#scenario.healsAt, () => this.#heal());
  }

  #note(text: string): void {
    this.#network.timeline.note("network", text);
  }

  #heal(): void {
    this.#note("— from here on nothing is wrong any more —");
    for (const server of this.#servers) {
      server.thaw();
      if (server.door !== "up") server.start();
      server.turnsAway = undefined;
      server.refusal = undefined;
      server.thinks = 0;
    }
    for (const sentinel of this.#sentinels) {
      sentinel.thaw();
      sentinel.hear(this.#master.address, this.#epoch);
    }
    for (const link of this.#network.links) link.resetAfterUp = link.resetAfterDown = Infinity;
    this.#network.isDark = false;
    this.#network.dnsError = undefined;
    this.#network.names.set(this.#name, this.#master);
    Object.assign(this.#network.conditions, this.#scenario.conditions);
    this.#hooks.healed();
  }

  /** `target`: the one server that it happens to. */
  #strike(action: FaultAction, target?: Server): void {
    const network = this.#network;
    const links = [...network.links].filter(({ host }) => target === undefined || host === target);
    const master = target ?? this.#master;
    switch (action.do) {
      case "reset":
        this.#note(`all ${String(links.length)} connections are reset`);
        for (const link of links) link.reset();
        break;
      case "end":
        this.#note("the server's side closes all connections");
        for (const link of links) link.end();
        break;
      case "reset-after":
        for (const link of links) {
          if (action.direction === "up") link.resetAfterUp = action.bytes;
          else link.resetAfterDown = action.bytes;
        }
        break;
      case "deaf-down":
      case "deaf-both":
        this.#note(
          `${String(links.length)} connections lose everything ${action.do === "deaf-both" ? "in both directions" : "that servers say"} (half-open)`,
        );
        for (const link of links) {
          link.isDeafDown = true;
          if (action.do === "deaf-both") link.isDeafUp = true;
        }
        break;
      case "dark":
        this.#note("no packet gets through");
        network.isDark = true;
        for (const link of links) {
          if (action.cuts) link.reset();
          else link.isDeafDown = link.isDeafUp = true;
        }
        break;
      case "light":
        this.#note("packets get through again");
        network.isDark = false;
        break;
      case "conditions":
        this.#note(`conditions ${JSON.stringify(action.conditions)}`);
        Object.assign(network.conditions, action.conditions);
        break;
      case "dns":
        network.dnsError = action.error;
        break;
      case "sentinel":
        this.#strikeSentinel(this.#sentinels[action.which], action.how);
        break;
      case "node":
        this.#strike(action.action, this.#servers[action.which % this.#servers.length]);
        break;
      case "cluster":
        this.#hooks.cluster(action.action);
        break;
      case "move-name":
        this.#note(`the name leads to ${master.address} now`);
        network.names.set(this.#name, master);
        break;
      default:
        this.#strikeServer(action, master);
    }
  }

  #strikeSentinel(sentinel: Sentinel | undefined, how: "freeze" | "refuse" | "thaw"): void {
    if (how === "freeze") sentinel?.freeze();
    else if (how === "thaw") sentinel?.thaw();
    else if (sentinel !== undefined) {
      sentinel.note("is killed");
      sentinel.door = "refuse";
      for (const link of [...this.#network.links]) if (link.host === sentinel) link.reset();
    }
  }

  #strikeServer(action: FaultAction, master: Server): void {
    switch (action.do) {
      case "freeze":
        master.freeze();
        break;
      case "thaw":
        for (const server of this.#servers) server.thaw();
        break;
      case "crash":
        master.crash();
        if (action.losesData) {
          master.keyspace.flush();
          this.#hooks.dataLost(master);
        }
        break;
      case "start":
        for (const server of this.#servers) if (server.door === "refuse") server.start();
        break;
      case "refuse":
        master.refuse(action.code, action.ms, action.count);
        break;
      case "thinks":
        master.note(`takes ${String(action.ms)} ms for each reply`);
        master.thinks = action.ms;
        break;
      case "door":
        master.turnsAway = action.how === "open" ? undefined : action.how;
        break;
      case "say":
        for (const session of master.sessions) session.blurt(action.text);
        break;
      case "flush-scripts":
        master.scripts.clear();
        break;
      case "deny-select":
        master.note("SELECT is denied from now on");
        for (const server of this.#servers) server.deniesSelect = true;
        break;
      case "rival":
        for (const key of [action.key, `p:${action.key}`]) {
          const holder = this.#hooks.holderOf(key) ?? master;
          if (key === action.key) holder.note(`another client: SET ${key} val:${String(action.id)}`);
          for (const database of [0, 1, 2, 3]) {
            holder.keyspace.put(database, key, { type: "string", text: `val:${String(action.id)}` }, Infinity);
          }
        }
        break;
      case "demote":
      case "failover":
        this.#replace(master, action.do === "failover");
        break;
      default:
        throw new Error(`unknown fault ${action.do}`);
    }
  }

  #replace(old: Server, isCrash: boolean): void {
    const next = this.#servers.find((server) => server !== old);
    if (next === undefined) return;
    if (isCrash) old.crash();
    old.promote(next);
    this.#master = next;
    const epoch = ++this.#epoch;
    const { hearAfter = [] } = this.#scenario.sentinels ?? {};
    this.#sentinels.forEach((sentinel, at) => {
      this.#clock.after(hearAfter[at] ?? 0, () => sentinel.hear(next.address, epoch, at === 0));
    });
    if (isCrash) {
      this.#clock.after(3000, () => {
        old.start();
        old.demote(next);
      });
    } else old.demote(next);
  }
}
