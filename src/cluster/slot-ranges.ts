/** Who serves which slot, as a node tells it. Pure: what to do about it is decided elsewhere. */

/** Slots of a cluster. */
export const SLOTS = 16_384;

/** Where a node can be reached, as the cluster announces it. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Slots that the same nodes serve, the first and the last included. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly master: NodeAddress;
  readonly replicas: readonly NodeAddress[];
}

/** What people and maps know a node by. */
export function keyOf({ host, port }: NodeAddress): string {
  return `${host}:${String(port)}`;
}

/**
 * Reads the reply to CLUSTER SLOTS. A node that does not know its own address leaves it empty: it is the one that was asked.
 *
 * @throws {Error} when the reply is no table, or an empty one.
 */
export function readSlots(reply: unknown, askedHost: string): readonly SlotRange[] {
  if (!Array.isArray(reply)) throw new Error("CLUSTER SLOTS was answered with something that is no table of slots");
  const ranges = reply.flatMap((row: unknown) => readRange(row, askedHost) ?? []);
  if (ranges.length === 0) throw new Error("the node knows of no slot that is served");
  return ranges;
}

function readRange(row: unknown, askedHost: string): SlotRange | undefined {
  if (!Array.isArray(row)) return undefined;
  const [first, last, ...nodes] = row as readonly unknown[];
  const [from, to] = [numberIn(first), numberIn(last)];
  const [master, ...replicas] = nodes.map((node) => readNode(node, askedHost));
  if (!isSlot(from) || !isSlot(to) || from > to || master === undefined) return undefined;
  return { from, to, master, replicas: replicas.filter((node) => node !== undefined) };
}

function readNode(node: unknown, askedHost: string): NodeAddress | undefined {
  if (!Array.isArray(node)) return undefined;
  const [host, text] = node as readonly unknown[];
  const port = numberIn(text);
  // A question mark is a node whose address nobody has been told.
  if (host === "?" || typeof port !== "number" || port <= 0 || port > 65_535) return undefined;
  if (host === null || host === "") return { host: askedHost, port };
  return typeof host === "string" ? { host, port } : undefined;
}

/** With `stringNumbers`, ioredis gives numbers as texts. */
function numberIn(value: unknown): unknown {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}

/** How many slots have an owner. */
export function slotsIn(ranges: readonly SlotRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

export function isSlot(slot: unknown): slot is number {
  return typeof slot === "number" && Number.isInteger(slot) && slot >= 0 && slot < SLOTS;
}

/** The same for the same table, in whatever order it is told. */
export function fingerprintOf(ranges: readonly SlotRange[]): string {
  return ranges
    .map(({ from, to, master, replicas }) => {
      const others = replicas.map(keyOf).sort();
      return `${String(from)}-${String(to)} ${[keyOf(master), ...others].join(",")}`;
    })
    .sort()
    .join(";");
}
