/** The sets that this process knows: clients of one set share what is known of it, however many there are. */
import { idOf } from "../identity.js";
import { SentinelSet, type SetMember, type SetOptions } from "./sentinel-set.js";

const sets = new Map<string, SentinelSet>();

/** The set that these options mean; the caller becomes a member until `leaveSet`. */
export function joinSet(options: SetOptions, member: SetMember): SentinelSet {
  const key = keyOf(options);
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new SentinelSet(options)));
  set.add(member);
  return set;
}

/** With its last member the set ends. */
export function leaveSet(set: SentinelSet, member: SetMember): void {
  if (!set.remove(member)) return;
  for (const [key, other] of sets) if (other === set) sets.delete(key);
  set.end();
}

/** Held in memory only, and never shown: it has the password in it. Objects and functions count as themselves. */
function keyOf(options: SetOptions): string {
  return JSON.stringify(options, (_, value: unknown) => {
    const isOpaque = typeof value === "function" || (typeof value === "object" && value !== null && !isPlain(value));
    return isOpaque ? `object ${String(idOf(value))}` : value;
  });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
