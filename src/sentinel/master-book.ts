/**
 * Which master is believed. Sentinels may disagree: one that was cut off names the old master for a while. Each failover raises
 * the epoch of the configuration, so the highest epoch is right, and one below what was seen before is past. Pure: it remembers
 * and decides, and asks nobody.
 */
import { clock } from "../clock.js";
import { isSame, type Address } from "./address.js";
import type { Named } from "./report.js";

interface Known {
  readonly master: Address;
  /** At least. */
  readonly epoch: number | undefined;
  /** The master before it, if a Sentinel announced the change, and when. */
  readonly deposed: { readonly master: Address; readonly at: number } | undefined;
}

/** Sentinels tell each other of a new master within two seconds; where they tell no epoch, the old one is past for so long. Milliseconds. */
const SPREADS = 10_000;

export class MasterBook {
  #known: Known | undefined = undefined;

  /** The master as far as it is known. */
  get master(): Address | undefined {
    return this.#known?.master;
  }

  /** Whether this answer is from before what is known by now. */
  isPast({ master, epoch }: Named): boolean {
    const known = this.#known;
    if (known === undefined) return false;
    if (epoch !== undefined && known.epoch !== undefined) return epoch < known.epoch;
    const { deposed } = known;
    return deposed !== undefined && isSame(master, deposed.master) && clock.now() - deposed.at < SPREADS;
  }

  /** The answer that counts among these, or `undefined` when all of them are past. Remembers it. */
  choose(answers: readonly Named[]): Named | undefined {
    const present = answers.filter((answer) => !this.isPast(answer));
    const candidates = present.length > 0 ? present : this.#madeAnew(answers);
    const [first, ...others] = candidates;
    if (first === undefined) return undefined;
    const best = others.reduce(
      (one, other) => (ranks(other, candidates) > ranks(one, candidates) ? other : one),
      first,
    );
    const known = this.#known;
    const deposed = known !== undefined && isSame(known.master, best.master) ? known.deposed : undefined;
    this.#known = {
      master: best.master,
      epoch: best.epoch ?? (present.length > 0 ? known?.epoch : undefined),
      deposed,
    };
    return best;
  }

  /**
   * A Sentinel says that the master has changed: `known` is no news, `moved` is, and of `doubtful` somebody else must be asked,
   * because it tells of another master than the one that was known.
   */
  announced(from: Address, to: Address): "known" | "moved" | "doubtful" {
    const known = this.#known;
    if (known !== undefined && isSame(known.master, to)) return "known";
    if (known !== undefined && !isSame(known.master, from)) return "doubtful";
    // Each failover has an epoch of its own.
    const epoch = known?.epoch === undefined ? undefined : known.epoch + 1;
    this.#known = { master: to, epoch, deposed: { master: from, at: clock.now() } };
    return "moved";
  }

  /**
   * Answers of a set that was made anew, and counts its failovers from the beginning: more than half of its Sentinels agree. A
   * few that were cut off are never so many.
   */
  #madeAnew(answers: readonly Named[]): readonly Named[] {
    const total = Math.max(...answers.map(({ sentinels }) => sentinels ?? Infinity));
    return answers.filter((answer) => {
      const agreeing = answers.filter(({ master, epoch }) => isSame(master, answer.master) && epoch === answer.epoch);
      return agreeing.length > total / 2;
    });
  }
}

/** The epoch decides; where it is the same or not told, how many say so. */
function ranks(answer: Named, all: readonly Named[]): number {
  const votes = all.filter(({ master }) => isSame(master, answer.master)).length;
  return (answer.epoch ?? -1) * 1_000 + votes;
}
