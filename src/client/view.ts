/**
 * A view of a client: its commands carry limits of their own, everything else is the client itself. State that ioredis
 * keeps on `this` (status, listeners, sockets) must be read and changed on the client, whoever calls.
 */
import type { Command, Redis as IORedis } from "ioredis";
import type { BatchStream } from "../engine/ports.js";

/** These send handshakes or make clients, which the limits of single commands do not concern. */
const CLIENTS_OWN: ReadonlySet<PropertyKey> = new Set(["close", "connect", "disconnect", "duplicate", "monitor"]);

export function viewOf<T extends IORedis>(
  client: T,
  send: (command: Command, stream?: BatchStream) => unknown,
  properties: Readonly<Record<PropertyKey, unknown>>,
): T {
  const own: Readonly<Record<PropertyKey, unknown>> = { ...properties, sendCommand: send };
  return new Proxy(client, {
    get(target, name): unknown {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return CLIENTS_OWN.has(name) && typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
