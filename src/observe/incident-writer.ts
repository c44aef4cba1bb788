/** Writes the lines of incidents, and tells their events. When one is due is not its business. */
import type { ServerIdentity } from "../engine/ports.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Logger } from "../policy/shape.js";
import type { EventHub, IncidentEnding } from "./events.js";
import type { Examination } from "./examinations.js";
import * as lines from "./incident-lines.js";
import type { IncidentTally, OpenedCircuit } from "./incident-tally.js";

export interface IncidentWriterOptions {
  readonly logger: Logger;
  /** As people write it: `127.0.0.1:6379`. No credentials. */
  readonly endpoint: string;
  /** What of the endpoint is in trouble, in words, where it is several servers and not all of them are. */
  readonly part?: (() => string | undefined) | undefined;
  /** Where the events of incidents go. */
  readonly hub?: EventHub | undefined;
}

/** How an incident is opened. */
export interface Opened {
  readonly circuit: lines.OpenCircuit | undefined;
  /** It will not pass by itself. */
  readonly isFatal: boolean;
  /** It is the first line of the incident. */
  readonly isFirst: boolean;
}

/** How an incident ended. Moments in milliseconds on the clock of the log. */
export interface IncidentEnd {
  readonly ending: IncidentEnding;
  readonly endedAt: number;
  readonly server: ServerIdentity;
}

export class IncidentWriter {
  readonly #options: IncidentWriterOptions;
  readonly #logger: Logger;
  readonly #endpoint: string;

  constructor(options: IncidentWriterOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#endpoint = options.endpoint;
  }

  /** The opening line: the first of the incident, or that of another fault that will not pass by itself. */
  opened(incident: IncidentTally, shown: Diagnosis, { circuit, isFatal, isFirst }: Opened): void {
    const line = lines.opening(this.#endpoint, incident.id, shown, circuit, this.#part(shown));
    if (isFatal && this.#logger.fatal !== undefined) this.#logger.fatal(line.fields, line.message);
    else this.#logger.error(line.fields, line.message);
    this.#tell(isFirst ? "incident.opened" : "incident.changed", incident, shown);
  }

  changed(incident: IncidentTally, diagnosis: Diagnosis, now: number): void {
    const lasted = Math.round(now - incident.openedAt);
    this.#warn(lines.changed(this.#endpoint, incident.id, diagnosis, lasted, this.#part(diagnosis)));
    this.#tell("incident.changed", incident, diagnosis);
  }

  circuitOpened(incident: IncidentTally, { kind, cause, probeAt }: OpenedCircuit, now: number): void {
    const retryAfter = probeAt === undefined ? undefined : Math.max(0, Math.round(probeAt - now));
    this.#warn(lines.circuitOpened(this.#endpoint, incident.id, { kind, retryAfter }, cause));
  }

  clientFailsFast(incident: IncidentTally, cause: Diagnosis, retryAfter: number): void {
    this.#warn(lines.clientFailsFast(this.#endpoint, incident.id, retryAfter, cause));
  }

  examined(incident: IncidentTally, seen: Examination): void {
    this.#warn(lines.examination(this.#endpoint, incident.id, seen));
  }

  summary(incident: IncidentTally, waiting: number, now: number): void {
    const lasted = Math.round(now - incident.openedAt);
    this.#warn(lines.summary(this.#endpoint, incident, lasted, waiting, this.#part(incident.chapter)));
  }

  closed(incident: IncidentTally, { ending, endedAt, server }: IncidentEnd): void {
    const duration = Math.round(endedAt - incident.openedAt);
    const gap = Math.round(endedAt - incident.lastFailureAt);
    const recovery = ending === "recovered" && gap >= 0 ? gap : undefined;
    const { takeover } = incident;
    const line = lines.closing(this.#endpoint, incident, { ending, duration, recovery, server, takeover });
    this.#logger.info(line.fields, line.message);
    const { hub } = this.#options;
    if (hub?.isHeard !== true || !incident.isAnnounced) return;
    hub.tell({
      type: "incident.closed",
      endpoint: this.#endpoint,
      incident: incident.id,
      code: incident.first.code,
      ending,
      durationMs: duration,
      ...incident.numbers(),
    });
  }

  /** What of the endpoint is in trouble; `undefined`: all of it. */
  #part({ area }: Diagnosis): string | undefined {
    // That commands cannot be routed is no matter of one server.
    return area === "topology" ? undefined : this.#options.part?.();
  }

  #tell(type: "incident.opened" | "incident.changed", incident: IncidentTally, diagnosis: Diagnosis): void {
    const { hub } = this.#options;
    if (hub?.isHeard !== true) return;
    const told = { endpoint: this.#endpoint, incident: incident.id, code: diagnosis.code, diagnosis };
    hub.tell(type === "incident.opened" ? { type, ...told } : { type, ...told });
  }

  #warn(line: lines.Line): void {
    this.#logger.warn(line.fields, line.message);
  }
}
