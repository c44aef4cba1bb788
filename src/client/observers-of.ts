/** Who hears what happens at an endpoint, and where its events go. */
import type { EndpointFacts } from "../endpoint/endpoint.js";
import type { Observer } from "../engine/ports.js";
import { reportBug } from "../ioredis/report-bug.js";
import { EventObserver } from "../observe/event-observer.js";
import { EventHub } from "../observe/events.js";
import type { Examination } from "../observe/examinations.js";
import { IncidentLog } from "../observe/incident.js";
import { LogOnDemand } from "../observe/log-on-demand.js";
import { Observers } from "../observe/observers.js";
import { fingerprintOf, policyLine } from "../policy/fingerprint.js";
import type { Logger } from "../policy/shape.js";

/** Looks at the endpoint from outside. `served`: it has been connected to before. */
export type Examine = (served: boolean) => Promise<Examination | undefined>;

/** Who hears what happens at an endpoint. */
export function observerFor(logger: Logger, examine: Examine | undefined): (facts: EndpointFacts) => Observer {
  return (facts) => {
    const { policy } = facts;
    const hub = new EventHub(reportBug);
    const makeLog = (): IncidentLog =>
      new IncidentLog({
        logger,
        endpoint: facts.label,
        summaryInterval: policy.summaryInterval,
        examine: examine && (() => examine(facts.hasServed())),
        waiting: () => facts.waiting(),
        troubled: () => facts.troubled(),
        tookWrites: () => facts.tookWrites(),
        part: () => facts.part?.(),
        hub,
        policy: { profile: policy.profile, fingerprint: fingerprintOf(policy), text: policyLine(policy) },
      });
    const log = new LogOnDemand(facts.label, logger, makeLog);
    const observer = new Observers(log, new EventObserver(facts.label, hub));
    hubs.set(observer, hub);
    return observer;
  };
}

/** Where the events of an endpoint go, by what observes it. */
const hubs = new WeakMap<Observer, EventHub>();

/** Where the events of what this observer hears go. */
export function hubOf(observer: Observer): EventHub | undefined {
  return hubs.get(observer);
}
