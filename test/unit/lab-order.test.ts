/** The book of orders tells acknowledged writes that took effect out of order from what nobody can hold against a client. */
import { expect, it } from "vitest";
import { Order } from "../../lab/order.mjs";

const MADE = Promise.resolve("OK");
const FAILED = Promise.reject(new Error("the connection was lost"));
FAILED.catch(() => undefined);

/** Keys that are out of order, of one key with these writes, when the server holds this. */
async function wrong(kind: "list" | "string", writes: readonly Promise<unknown>[], held: unknown): Promise<number> {
  const order = new Order();
  for (const write of writes) order.track("k", kind, write);
  await new Promise((resolve) => setImmediate(resolve));
  const seen = await order.violations(() => Promise.resolve([held]));
  expect(seen.watched).toBe(1);
  return seen.outOfOrder;
}

it.each([
  ["a list in order", "list", [MADE, MADE, MADE], ["0", "1", "2"]],
  ["a list with a late write of unknown outcome", "list", [MADE, FAILED, MADE], ["0", "2", "1"]],
  ["the last value", "string", [MADE, MADE], "1"],
  ["a later value of unknown outcome", "string", [MADE, FAILED], "1"],
  ["an earlier value of unknown outcome that came late", "string", [FAILED, MADE], "0"],
] as const)("holds nothing against %s", async (_name, kind, writes, held) => {
  expect(await wrong(kind, writes, held)).toBe(0);
});

it.each([
  ["a list with two acknowledged writes swapped", "list", [MADE, MADE, MADE], ["0", "2", "1"]],
  ["a list with an acknowledged write twice", "list", [MADE, MADE], ["0", "0", "1"]],
  ["an older acknowledged value over a newer one", "string", [MADE, MADE], "0"],
  ["an older acknowledged value before writes of unknown outcome", "string", [MADE, MADE, FAILED], "0"],
] as const)("finds %s", async (_name, kind, writes, held) => {
  expect(await wrong(kind, writes, held)).toBe(1);
});
