/** One slot on its way from a node to another: key by key, and then by name. */
import type { Server } from "../server/server.js";
import type { VirtualClock } from "../world/clock.js";
import type { Member } from "./member.js";
import { slotOf } from "./slots.js";

export interface MigrationHooks {
  /** The slot is the target's. */
  arrived(): void;
  /** Its old owner knows. */
  left(): void;
}

export class Migration {
  readonly slot: number;
  readonly #from: Member;
  readonly #to: Member;
  readonly #clock: VirtualClock;
  readonly #hooks: MigrationHooks;
  #stage: "keys" | "named" | "over" = "keys";

  constructor(slot: number, from: Member, to: Member, clock: VirtualClock, hooks: MigrationHooks) {
    this.slot = slot;
    this.#from = from;
    this.#to = to;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** `gap` between two keys, `pause` after the last, `late` until the old owner hears that it has lost the slot. Milliseconds. */
  begin(gap: number, pause: number, late: number): void {
    this.#from.server.note(`slot ${String(this.slot)} migrates to ${this.#to.server.address}`);
    this.#to.importing.add(this.slot);
    this.#from.migrating.set(this.slot, this.#to.server);
    const step = (): void => {
      if (this.#stage !== "keys") return;
      if (this.#moveKey()) this.#clock.after(gap, step);
      else this.#clock.after(pause, () => this.#name(late));
    };
    this.#clock.after(gap, step);
  }

  /** At once. */
  finish(): void {
    this.#name(0);
    this.#leave();
  }

  #name(late: number): void {
    if (this.#stage !== "keys") return;
    this.#stage = "named";
    while (this.#moveKey());
    this.#to.importing.delete(this.slot);
    this.#hooks.arrived();
    this.#clock.after(late, () => this.#leave());
  }

  #leave(): void {
    if (this.#stage !== "named") return;
    this.#stage = "over";
    this.#from.server.note(`slot ${String(this.slot)} belongs to ${this.#to.server.address}`);
    this.#from.migrating.delete(this.slot);
    this.#hooks.left();
  }

  #moveKey(): boolean {
    const { keyspace } = this.#from.server;
    const key = keyspace.keys(0).find((name) => slotOf(name) === this.slot);
    const value = key === undefined ? undefined : keyspace.get(0, key);
    if (key === undefined || value === undefined) return false;
    move(this.#from.server, this.#to.server, key);
    return true;
  }
}

function move(from: Server, to: Server, key: string): void {
  const value = from.keyspace.get(0, key);
  const expiresAt = from.keyspace.expiry(0, key) ?? Infinity;
  if (value === undefined) return;
  from.keyspace.delete(0, key);
  to.keyspace.put(0, key, value, expiresAt);
}
