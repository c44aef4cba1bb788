/** What is done to a socket before ioredis sees it: its writes are joined, and where it must listen before it speaks, it does. */
import type { Socket } from "node:net";
import { coalesceWrites, type WriteStats } from "./coalesce.js";
import type { Connector } from "./internals.js";

const adopted = new WeakSet<Connector>();

/** How long a connection listens before it speaks, when the one before was closed unheard. Milliseconds. */
const LISTEN = 50;

/** Makes the connector's sockets join their writes, counted in `writes`. Idempotent. */
export function adoptConnector(connector: Connector, writes: WriteStats, closedUnheard: () => boolean): void {
  if (adopted.has(connector)) return;
  adopted.add(connector);
  const connect = connector.connect.bind(connector);
  connector.connect = async (emit) => {
    const stream = await connect(emit);
    coalesceWrites(stream, writes);
    if (closedUnheard()) listenFirst(stream);
    return stream;
  };
}

/**
 * A server that turns a client away says why and closes. What the client has written by then makes its kernel report a
 * broken pipe before the words can be read, so the next attempt holds its first write back for a moment.
 */
function listenFirst(stream: Socket): void {
  stream.cork();
  stream.once("connect", () => setTimeout(() => stream.uncork(), LISTEN).unref());
}
