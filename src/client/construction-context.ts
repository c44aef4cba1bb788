/**
 * What a client is given by whoever constructs it, instead of working it out. Its constructor takes ioredis's arguments and
 * nothing else, and sets everything up before its own first line, so this waits here for it.
 */
import type { ScriptEffects } from "../command/scripts.js";
import type { ClientCredentials } from "../credentials/client-credentials.js";
import type { EndpointFacts } from "../endpoint/endpoint.js";
import type { Role } from "../engine/connections.js";
import type { Elsewhere } from "../engine/elsewhere.js";
import type { Observer } from "../engine/ports.js";
import type { WriteTicks } from "../ioredis/coalesce.js";
import type { TakenLogin } from "../ioredis/login.js";
import type { PolicyWarning } from "../policy/lint.js";
import type { Policy } from "../policy/shape.js";
import type { PolicySources } from "../policy/resolve.js";
import type { ClientParts } from "./parts.js";

/** What a client is given that serves as a node of a cluster. */
export interface NodeContext {
  readonly scripts: ScriptEffects;
  /** Carries on what the node does not serve. */
  readonly elsewhere: Elsewhere | undefined;
  /** Hears what happens at the node, on behalf of the cluster. */
  readonly observe: (facts: EndpointFacts) => Observer;
  /** The cluster: a client of its own for the same server shares no circuit with the node. */
  readonly scope: string;
  /** A key in a slot that the node serves: with another one, nobody would learn whether it takes writes. */
  readonly probeKey?: (() => string) | undefined;
  /** The writes of all nodes count together: what a caller sends in one turn is spread over them. */
  readonly ticks?: WriteTicks | undefined;
}

export interface ConstructionContext {
  readonly policy?: Policy | undefined;
  /** What looks wrong in it; for the log. */
  readonly warnings?: readonly PolicyWarning[] | undefined;
  /** Where the policy comes from instead of `process.env`; its duplicates resolve theirs there too. */
  readonly environment?: Pick<PolicySources, "env" | "prefix"> | undefined;
  /** It is a node of a cluster, or belongs to one: the cluster counts it and writes its log. */
  readonly node?: NodeContext | undefined;
  /** It belongs to another client, which knows the scripts: it neither counts nor has connections of its own. */
  readonly pooled?: PooledContext | undefined;
}

/** What a connection of the pool has from the client that it belongs to. */
export interface PooledContext {
  readonly role: Role;
  readonly scripts: ScriptEffects;
  readonly parts: ClientParts;
  readonly credentials: ClientCredentials | undefined;
  /** The login that a caller took on the client with AUTH. */
  readonly taken: () => TakenLogin | undefined;
}

let context: ConstructionContext | undefined;

/** Constructs a client that is given something. */
export function constructWith<T>(given: ConstructionContext, construct: () => T): T {
  context = given;
  try {
    return construct();
  } finally {
    context = undefined;
  }
}

/** For the client that is being constructed, once: those it makes in turn are given theirs. */
export function takeContext(): ConstructionContext | undefined {
  const taken = context;
  context = undefined;
  return taken;
}
