/**
 * A Sentinel that does not answer must not keep a client that has ended: ioredis lets the question run on, and with it the process, until
 * the connection to that Sentinel gives up by itself.
 */
import { internalsOf, type Connector } from "./internals.js";

/** How long a socket to a Sentinel may outlive its question, in milliseconds: ioredis waits for one that has closed already, too. */
const LINGER = 20;

/** Ends the questions under way when the connector is told to disconnect. Does nothing to a connector that asks no Sentinel. */
export function endLookupsWith(connector: Connector): void {
  const ask = connector.connectToSentinel?.bind(connector);
  if (ask === undefined) return;
  const asked = new Set<ReturnType<typeof ask>>();
  connector.connectToSentinel = (endpoint, options) => {
    const client = ask(endpoint, { disconnectTimeout: LINGER, ...options });
    asked.add(client);
    client.once("end", () => asked.delete(client));
    return client;
  };
  const disconnect = connector.disconnect.bind(connector);
  connector.disconnect = () => {
    disconnect();
    for (const client of asked) {
      client.disconnect();
      // Whoever has not answered may not close its side either.
      internalsOf(client).stream?.destroy();
    }
    asked.clear();
  };
}
