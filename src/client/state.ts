/** Everything that hangs on a client. ioredis's constructor sets it up before a subclass's own fields exist. */
import type { ScriptEffects } from "../command/scripts.js";
import type { Engine } from "../engine/engine.js";
import type { Dispatcher } from "../engine/ports.js";
import type { Adapter } from "../ioredis/adapter.js";
import type { Options } from "../ioredis/explicit-options.js";
import type { ConnectionPool } from "../lease/pool.js";
import type { Policy } from "../policy/shape.js";
import type { Lanes } from "../routing/lanes.js";
import type { ClientEvents } from "./client-events.js";
import type { ConstructionContext } from "./construction-context.js";
import type { ClientParts } from "./parts.js";

export const STATE: unique symbol = Symbol("ioredoubt.state");

export interface State {
  /** What drives the client's own connection. */
  readonly engine: Engine;
  readonly adapter: Adapter;
  /** Where callers' commands go: the engine, or a router before it. Chosen once. */
  readonly dispatcher: Dispatcher;
  readonly policy: Policy;
  /** What the caller wrote, for `duplicate()`. */
  readonly explicit: Options;
  /** ioredis options that the policy set. */
  readonly brought: Options;
  readonly environment: ConstructionContext["environment"];
  readonly scripts: ScriptEffects;
  /** Its connections are made when they are needed. A client that is in a pool has none of its own. */
  readonly pool: ConnectionPool | undefined;
  /** With `pool.size` above 1. */
  readonly lanes: Lanes | undefined;
  /** Its own connection, and those of its pool and lanes. */
  readonly parts: ClientParts;
  /** It is among the clients that can be measured, from now until it ends. */
  readonly enrol: () => void;
  readonly events: ClientEvents;
  /** It was told to end: it did not give up by itself. */
  isEndedByOwner: boolean;
  /** When a message was last delivered, on the monotonic clock. */
  messageAt: number | undefined;
  /** The `close()` that is under way. */
  closing: Promise<void> | undefined;
}
