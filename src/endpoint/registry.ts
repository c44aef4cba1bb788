/** The endpoints of this process, shared by all clients of one server, and each client's place in one of them. */
import type { Observer } from "../engine/ports.js";
import type { Policy } from "../policy/shape.js";
import { DialPace } from "./dial-pace.js";
import { Endpoint, type EndpointFacts, type Member } from "./endpoint.js";

const endpoints = new Map<string, Endpoint>();

/** Clients of one server that log elsewhere or have other limits belong to other endpoints, and still must not dial all at once. */
function paceOf(label: string): DialPace {
  for (const endpoint of endpoints.values()) if (endpoint.label === label) return endpoint.dials;
  return new DialPace();
}

export interface EndpointIdentity {
  /** What people call it: `host:port`, socket path or Sentinel set. */
  readonly label: string;
  readonly policy: Policy;
  /** What it belongs to, a cluster: it shares nothing with the same server outside of it. */
  readonly scope?: string | undefined;
  /** Stands for where it logs: clients that log to different places do not share an incident. */
  readonly logId: number;
  /** Makes the observer of a new endpoint. */
  readonly observe: (facts: EndpointFacts) => Observer;
}

/** One client's membership: it leaves when the client ends and joins again when it is revived. */
export class EndpointMembership {
  readonly #identity: EndpointIdentity;
  readonly #key: string;
  #member: Member | undefined = undefined;
  /** The endpoint it belongs to now, or belonged to last. Read for every command, so it is a field; only this class sets it. */
  endpoint: Endpoint;

  constructor(identity: EndpointIdentity) {
    const { label, policy, logId, scope } = identity;
    this.#identity = identity;
    this.#key = JSON.stringify([
      label,
      logId,
      // It follows the deadline, and each client keeps its own.
      policy.breaker && { ...policy.breaker, downAfter: undefined },
      policy.retry && policy.retry.budget,
      policy.summaryInterval,
      scope,
    ]);
    this.endpoint = this.#find();
  }

  /** Says who the member is, once, and joins. */
  enter(member: Member): void {
    this.#member = member;
    this.join();
  }

  join(): void {
    this.endpoint = this.#find();
    if (this.#member !== undefined) this.endpoint.add(this.#member);
  }

  leave(): void {
    if (this.#member === undefined || !this.endpoint.remove(this.#member)) return;
    endpoints.delete(this.#key);
    this.endpoint.stop();
  }

  #find(): Endpoint {
    let endpoint = endpoints.get(this.#key);
    if (endpoint === undefined) {
      const { label, policy, observe } = this.#identity;
      endpoints.set(this.#key, (endpoint = new Endpoint(label, policy, paceOf(label), observe)));
    }
    return endpoint;
  }
}
