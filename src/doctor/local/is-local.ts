/** Whether an address is this machine: what can be learnt from /proc depends on it. */
import { isLoopback } from "../../failure/environment.js";
import type { Context } from "../check.js";

/** True for a unix socket, a loopback address, and any address of this machine's own interfaces. */
export function isLocalTarget({ seen, machine }: Context): boolean {
  const { endpoint, addresses } = seen;
  if (endpoint === undefined) return false;
  if (endpoint.path !== undefined || isLoopback(endpoint.host)) return true;
  const own = new Set(machine.interfaces().map((one) => one.address));
  return addresses.some(({ address }) => isLoopback(address) || own.has(address));
}
