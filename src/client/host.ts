/** The client as its routers and its pool see it, and the further clients that are made for them. */
import type { ClientCredentials } from "../credentials/client-credentials.js";
import type { ClientHost, OwnConnection, Role } from "../engine/connections.js";
import type { Dispatcher } from "../engine/ports.js";
import type { Logger } from "../policy/shape.js";
import { ADAPTER, type Adapted } from "../ioredis/adapter.js";
import { copyScripts, makeCommand } from "../ioredis/commands.js";
import { optionsForDuplicate, type Options } from "../ioredis/explicit-options.js";
import { internalsOf } from "../ioredis/internals.js";
import type { TakenLogin } from "../ioredis/login.js";
import type { Engine } from "../engine/engine.js";
import type { ScriptEffects } from "../command/scripts.js";
import type { Policy } from "../policy/shape.js";
import { constructWith, type NodeContext } from "./construction-context.js";
import type { ClientParts } from "./parts.js";
import type { ResilientOptions } from "./redis-options.js";
import { STATE, type State } from "./state.js";

/** A client of this package, as far as composing one needs it. */
export type Client = Adapted &
  OwnConnection["client"] & {
    readonly [STATE]: State;
    options: ResilientOptions;
  };

export interface HostParts {
  readonly client: Client;
  readonly engine: Engine;
  readonly policy: Policy;
  readonly logger: Logger;
  readonly explicit: Options;
  readonly brought: Options;
  readonly scripts: ScriptEffects;
  readonly parts: ClientParts;
  /** The client is a node of a cluster. */
  readonly node: NodeContext | undefined;
  readonly credentials: ClientCredentials | undefined;
  readonly dispatcher: () => Dispatcher;
  /** Makes another client of the same class. */
  readonly create: (options: ResilientOptions) => Client;
}

export function hostOf(parts: HostParts): ClientHost {
  const { client, engine, policy, logger, dispatcher } = parts;
  const internals = internalsOf(client);
  return {
    policy,
    logger,
    own: connectionOf(client, engine),
    open: (role) => {
      const pooled = createPooled(parts, role);
      return connectionOf(pooled, pooled[STATE].engine);
    },
    dispatcher,
    isDedicated: () =>
      client.status !== "ready" || (Boolean(internals.condition?.subscriber) && internals.condition?.protocol !== 3),
    command: makeCommand,
  };
}

function connectionOf(client: Client, engine: Engine): OwnConnection {
  const internals = internalsOf(client);
  return {
    client,
    engine,
    // Read when it is asked: a client that is being constructed has none yet.
    get transport() {
      return client[ADAPTER].transport;
    },
    epoch: () => internals.connectionEpoch,
    isLive: () => internals.status === "ready" && internals.stream?.writable === true && engine.isOpen,
    unanswered: () => internals.commandQueue.length,
    login: () => client[ADAPTER].transport.login.taken,
    logInAs: (login) => client[ADAPTER].transport.logInAs(login as TakenLogin),
    destroy: () => {
      client.disconnect();
      internals.stream?.destroy();
    },
  };
}

/** A client with the same options for the pool's own use; it connects when it is first used. */
function createPooled(host: HostParts, role: Role): Client {
  const { client, policy, explicit, brought, scripts, parts, node, credentials, create } = host;
  const options = optionsForDuplicate(client.options, explicit, brought) as ResilientOptions;
  // What a fallback answers inside an exclusive unit of work would be taken for the server's word.
  const fallback = role === "lease" ? undefined : options.resilience?.fallback;
  const pool = { ...policy.pool, size: 1, min: 0, max: 0, blocking: 0 };
  // What one borrower left in an automatic pipeline would leave with the commands of the next.
  const own = { lazyConnect: true, enableAutoPipelining: false };
  const taken = (): TakenLogin | undefined => client[ADAPTER].transport.login.taken;
  const context = { policy: { ...policy, pool }, node, pooled: { role, scripts, parts, credentials, taken } };
  const pooled = constructWith(context, () =>
    create({ ...options, ...own, resilience: { ...options.resilience, fallback } }),
  );
  copyScripts(client, pooled, () => pooled[STATE].engine.session.isInMulti);
  return pooled;
}
