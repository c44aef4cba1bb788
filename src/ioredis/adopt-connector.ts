/**
 * What is done before ioredis sees a socket: the login is asked for, its writes are joined, and where it must listen before it
 * speaks, it does.
 */
import { clock } from "../clock.js";
import { Socket } from "node:net";
import { CLOSED_MESSAGE } from "../engine/client-errors.js";
import { deferConnectTimeout } from "./awake-connect-timeout.js";
import { coalesceWrites, type WriteStats, type WriteTicks } from "./coalesce.js";
import type { Connector } from "./internals.js";
import { nameServers } from "./server-name.js";
import { endLookupsWith } from "./sentinel-lookups.js";

const adopted = new WeakSet<Connector>();

/** How long a connection listens before it speaks, when the one before was closed unheard. Milliseconds. */
const LISTEN = 50;

export interface Preparation {
  /** Gets it. `null`: nobody wants the connection any more; an error: why it must not be made. */
  prepare(): Promise<Error | null | undefined>;
  /** Nobody wants the connection any more. */
  giveUp(): void;
  /** The client has ended in the meantime: not even a connection that failed is waited for. */
  isOver(): boolean;
}

export interface Adoption {
  /** Counts the writes of its sockets. */
  readonly writes: WriteStats;
  /** Sockets whose writes count together with those of this one; none: it counts alone. */
  readonly ticks: WriteTicks | undefined;
  /** What a connection needs before it is made, if anything. */
  readonly preparation: Preparation | undefined;
  /** The last connection was closed before anything of it was read. */
  closedUnheard(): boolean;
  /** Whether the address of the server is being looked up, and not given. */
  isResolving(): boolean;
  /** It has been found. */
  resolved(): void;
  /** ioredis has just been told that a socket is connected, and has sent what it sends at once. */
  greeted(): void;
}

/** Makes the connector's sockets join their writes. Idempotent. */
export function adoptConnector(connector: Connector, adoption: Adoption): void {
  const { writes, ticks, closedUnheard, greeted, preparation } = adoption;
  if (adopted.has(connector)) return;
  adopted.add(connector);
  nameServers(connector);
  endLookupsWith(connector);
  endOnce(connector);
  const connect = connector.connect.bind(connector);
  const prepare = preparation && prepareWith(connector, preparation);
  const dial: Connector["connect"] = async (emit) => {
    // Not a turn later without need: the connector knows nothing of a connection, nor of its end, before it is told to make it.
    const unborn = prepare && (await prepare());
    if (unborn !== undefined) return unborn;
    const stream = await connect(emit);
    coalesceWrites(stream, writes, ticks);
    watchLookup(stream, adoption);
    if (closedUnheard()) listenFirst(stream);
    return stream;
  };
  connector.connect = (emit) => {
    const dialled = dial(emit);
    // ioredis listens to what is returned first, and we directly after it: to the socket in the same order.
    queueMicrotask(() => void dialled.then((stream) => afterIoredis(stream, greeted), ignore));
    return dialled;
  };
}

/** A socket that never was, with the reason for it: ioredis reports it as it does a connection that failed, and dials again. */
function stillborn(connector: Connector, reason: Error | undefined): Socket {
  connector.firstError = reason;
  return new Socket().destroy();
}

/**
 * What is being prepared is given up with the connection that it is for. The connector knows nothing of a connection before it is
 * told to make it: it would make one that was given up, and nobody would ever end it.
 */
function prepareWith(connector: Connector, preparation: Preparation): () => Promise<Socket | undefined> {
  let givenUp = 0;
  const disconnect = connector.disconnect.bind(connector);
  connector.disconnect = () => {
    givenUp++;
    preparation.giveUp();
    disconnect();
  };
  return async () => {
    const before = givenUp;
    const reason = await preparation.prepare();
    const isUnwanted = reason === null || givenUp !== before;
    if (isUnwanted && preparation.isOver()) throw new Error(CLOSED_MESSAGE);
    return isUnwanted || reason !== undefined ? stillborn(connector, reason ?? undefined) : undefined;
  };
}

/** ioredis sets a timer and listens to the socket each time that it ends it, and a socket may be ended again until its peer closes it. */
function endOnce(connector: Connector): void {
  const disconnect = connector.disconnect.bind(connector);
  let ended: unknown;
  connector.disconnect = () => {
    const { stream } = connector;
    if (stream === undefined || stream !== ended) {
      ended = stream;
      disconnect();
      return;
    }
    connector.stream = undefined;
    disconnect();
    connector.stream = stream;
  };
}

/** `connectTimeout` is for the server; the name has a limit of its own. */
function watchLookup(stream: Socket, { isResolving, resolved }: Adoption): void {
  const begin = deferConnectTimeout(stream);
  if (isResolving()) {
    const found = (): void => {
      resolved();
      begin();
    };
    stream.once("lookup", found);
    // One that answers at once has answered before anybody could listen.
    stream.once("connect", found);
  } else begin();
}

/** ioredis has just put its listener on the socket, or has queued its call when the socket was connected already. */
function afterIoredis(stream: Socket, greeted: () => void): void {
  if (stream.connecting) {
    stream.once("connect", greeted);
    stream.once("secureConnect", greeted);
  } else process.nextTick(greeted);
}

function ignore(): void {
  // ioredis reports it.
}

/**
 * A server that turns a client away says why and closes. What the client has written by then makes its kernel report a
 * broken pipe before the words can be read, so the next attempt holds its first write back for a moment.
 */
function listenFirst(stream: Socket): void {
  stream.cork();
  stream.once("connect", () => clock.setTimeout(() => stream.uncork(), LISTEN).unref());
}
