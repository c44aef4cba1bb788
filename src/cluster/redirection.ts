/** What a node means by MOVED and ASK. Pure. */
import { isSlot, type NodeAddress } from "./slot-ranges.js";

/** Another node serves the slot. */
export interface Redirection {
  readonly slot: number;
  readonly to: NodeAddress;
}

/**
 * Reads `MOVED 3999 10.0.0.7:6379` and its like; `undefined` when it names no slot or no address. `askedHost` stands for a
 * host that is left out: it is the one that answered.
 */
export function readRedirection(message: string, askedHost: string): Redirection | undefined {
  const [, slotText, address = ""] = message.split(" ");
  const slot = Number(slotText);
  const colon = address.lastIndexOf(":");
  const port = Number(address.slice(colon + 1));
  if (!isSlot(slot) || colon < 0 || !Number.isInteger(port) || port <= 0 || port > 65_535) return undefined;
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { slot, to: { host: host === "" || host === "?" ? askedHost : host, port } };
}

/** CLUSTERDOWN speaks of one slot, not of the cluster: nobody serves it now. */
export function saysUnserved(message: string): boolean {
  return /slot not served/i.test(message);
}
