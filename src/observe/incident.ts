/**
 * The incident log of one endpoint: an opening line, a rolling summary, a closing line, however many clients and
 * commands fail. It is told what happens and decides what is worth a line; it knows neither connections nor commands.
 * It is called once a failed command, so everything before a line is written is counting.
 */
import { clock, setUnrefTimeout } from "../clock.js";
import type { CircuitChange, CircuitKind, Observer } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import * as lines from "./incident-lines.js";
import { IncidentTally, type IncidentSnapshot } from "./incident-tally.js";
import type { Logger } from "../policy/shape.js";
import { LogThrottle } from "./log-throttle.js";

export interface IncidentLogOptions {
  readonly logger: Logger;
  /** As people write it: `127.0.0.1:6379`. No credentials. */
  readonly endpoint: string;
  /** Milliseconds between two summary lines. */
  readonly summaryInterval: number;
  /** Looks at the endpoint from outside; asked once an incident, and not again within `summaryInterval`. */
  readonly examine?: (() => Promise<Examination | undefined>) | undefined;
  /** How many commands wait for this endpoint now. */
  readonly waiting: () => number;
  /** What the line of the first connection says of the policy: its name and fingerprint. */
  readonly policy: { readonly profile: string; readonly fingerprint: string; readonly text: string };
  /** Monotonic clock in milliseconds. Default: the package's own. */
  readonly now?: () => number;
}

/** What was seen from outside when the incident opened. */
export interface Examination {
  readonly code: Code;
  readonly sentence: string;
}

/** A connection that is back within this long, with no failed command, was a blip. Milliseconds. */
const BLIP = 250;
/** Incidents that may end within one summary interval before they are treated as one. */
const FLAPS = 3;
/** Clients that share an endpoint are connected again within this long after the first of them. Milliseconds. */
const STRAGGLERS = 2_000;
/** At most one line a code in this span for what reaches the caller anyway. Milliseconds. */
const QUIET = 10_000;

export class IncidentLog implements Observer {
  readonly #logger: Logger;
  readonly #endpoint: string;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #throttle = new LogThrottle();
  readonly #waiting: () => number;
  readonly #policy: IncidentLogOptions["policy"];
  readonly #examine: IncidentLogOptions["examine"];
  #examinedAt = -Infinity;
  readonly #open = new Set<CircuitKind>();
  #endings: number[] = [];
  #incident: IncidentTally | undefined = undefined;

  constructor(options: IncidentLogOptions) {
    this.#examine = options.examine;
    this.#logger = options.logger;
    this.#endpoint = options.endpoint;
    this.#interval = options.summaryInterval;
    this.#now = options.now ?? (() => clock.now());
    this.#waiting = options.waiting;
    this.#policy = options.policy;
  }

  firstConnected(): void {
    const { profile, fingerprint, text } = this.#policy;
    this.#logger.info(
      { event: "client.ready", endpoint: this.#endpoint, profile, policy: fingerprint },
      `redis ${this.#endpoint}: connected; ${text}.`,
    );
  }

  /** A connection dropped or could not be made: a line only if it lasts or a command fails. */
  connectionFailed(diagnosis: Diagnosis): void {
    this.#failed(diagnosis, 0);
  }

  /** Something of the availability kind failed: opens the incident, or is counted. */
  commandFailed(diagnosis: Diagnosis, again = false): void {
    this.#failed(diagnosis, again ? 0 : 1);
  }

  #failed(diagnosis: Diagnosis, count: number): void {
    const incident = (this.#incident ??= this.#begin(diagnosis));
    incident.add(diagnosis, count, this.#now());
    if (count > 0 || diagnosis.severity === "fatal") this.#announce(incident, diagnosis, undefined);
  }

  /** A failure that concerns its caller only. Credential and configuration faults are incidents all the same. */
  commandRefused(diagnosis: Diagnosis): void {
    if (diagnosis.severity === "fatal") {
      this.commandFailed(diagnosis);
      return;
    }
    const muted = this.#throttle.take(`usage ${diagnosis.code}`, 1, QUIET, this.#now());
    if (muted === undefined) return;
    const line = lines.usage(this.#endpoint, diagnosis, muted - 1);
    // A blocked event loop is nobody's wrong argument: whoever runs this process must hear of it.
    const isLoud = diagnosis.severity === "error" || diagnosis.code === "EVENT_LOOP_BLOCKED";
    this.#logger[isLoud ? "warn" : "debug"](line.fields, line.message);
  }

  retried(count = 1): void {
    if (this.#incident !== undefined) this.#incident.retried += count;
  }

  outcomeUnknown(count = 1): void {
    if (this.#incident !== undefined) this.#incident.unknownOutcome += count;
  }

  /** Commands this client refused to send: circuit open, queue full, pool exhausted. */
  rejected(code: Code, count = 1): void {
    const incident = this.#incident;
    if (incident !== undefined) {
      incident.reject(code, count);
      this.#announce(incident, incident.first, undefined);
      return;
    }
    // Another client of the endpoint has not reconnected yet: that story has been told.
    if (code === "CIRCUIT_OPEN" && this.#now() - (this.#endings.at(-1) ?? -Infinity) < STRAGGLERS) return;
    const muted = this.#throttle.take(`rejected ${code}`, count, this.#interval, this.#now());
    if (muted !== undefined) this.#write("warn", lines.rejection(this.#endpoint, code, muted, this.#waiting()));
  }

  circuitChanged({ kind: which, state, retryAfter, cause }: CircuitChange): void {
    if (state === "closed") this.#open.delete(which);
    if (state === "half-open" && this.#incident !== undefined) this.#incident.probes++;
    if (state !== "open") return;
    this.#open.add(which);
    const incident = (this.#incident ??= cause === undefined ? undefined : this.#begin(cause));
    if (incident === undefined || incident.circuits.has(which)) return;
    incident.circuits.add(which);
    if (this.#announce(incident, cause ?? incident.first, retryAfter)) return;
    this.#write("warn", lines.circuitOpened(this.#endpoint, incident.id, which, retryAfter, cause));
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    const incident = (this.#incident ??= this.#begin(cause));
    if (incident.circuits.has("client")) return;
    incident.circuits.add("client");
    this.#announce(incident, cause, undefined);
    this.#write("warn", lines.clientFailsFast(this.#endpoint, incident.id, retryAfter, cause));
  }

  /**
   * The endpoint is reachable and all circuits are closed. `reconnected`: that is all that is known, and it does not end
   * the refusals of a server that was reachable all the time.
   */
  recovered(reconnected = false): void {
    const incident = this.#incident;
    if (incident === undefined || (reconnected && incident.passesByItself)) return;
    const now = this.#now();
    if (incident.announced.size === 0) {
      this.#end();
      const muted = this.#throttle.take("blip", 1, this.#interval, this.#now());
      if (muted !== undefined) {
        this.#write("info", lines.blip(this.#endpoint, incident.first, Math.round(now - incident.openedAt), muted - 1));
      }
      return;
    }
    this.#endings = this.#endings.filter((at) => now - at < this.#interval);
    if (this.#endings.length < FLAPS) {
      this.#finish(incident, "recovered");
      return;
    }
    incident.recoveredAt = now;
    if (!incident.announced.has("flapping")) {
      incident.announced.add("flapping");
      this.#write("warn", lines.flapping(this.#endpoint, incident, this.#endings.length));
    }
  }

  /** Ends the incident with its owner. */
  closed(): void {
    const incident = this.#incident;
    if (incident === undefined) return;
    if (incident.announced.size > 0) this.#finish(incident, "closed");
    else this.#end();
  }

  snapshot(): IncidentSnapshot {
    return this.#incident?.snapshot(this.#now()) ?? { open: false };
  }

  #begin(diagnosis: Diagnosis): IncidentTally {
    const incident = new IncidentTally(diagnosis, this.#now());
    incident.timer = setUnrefTimeout(() => this.#announce(incident, incident.first, undefined), BLIP);
    return incident;
  }

  /** Writes the opening line unless this kind has had one. Returns whether it did. */
  #announce(incident: IncidentTally, diagnosis: Diagnosis, retryAfter: number | undefined): boolean {
    const fatal = diagnosis.severity === "fatal";
    const kind = fatal ? diagnosis.code : "outage";
    if (incident.announced.has(kind)) return false;
    const firstLine = incident.announced.size === 0;
    incident.announced.add(kind);
    // The connection failure that came first explains more than the command that failed of it.
    const shown = fatal || !firstLine || incident.first.severity === "fatal" ? diagnosis : incident.first;
    const line = lines.opening(this.#endpoint, incident.id, shown, retryAfter);
    if (fatal && this.#logger.fatal !== undefined) this.#logger.fatal(line.fields, line.message);
    else this.#logger.error(line.fields, line.message);
    if (firstLine) {
      if (!fatal) void this.#look(incident);
      clock.clearTimeout(incident.timer);
      incident.timer = clock.setInterval(() => this.#tick(incident), this.#interval);
      incident.timer.unref();
    }
    return true;
  }

  async #look(incident: IncidentTally): Promise<void> {
    const now = this.#now();
    if (this.#examine === undefined || now - this.#examinedAt < this.#interval) return;
    this.#examinedAt = now;
    // A service must not end because its look outside failed, for example where a bundle left the doctor out
    const seen = await this.#examine().catch(() => undefined);
    if (seen !== undefined && this.#incident === incident)
      this.#write("warn", lines.examination(this.#endpoint, incident.id, seen));
  }

  #tick(incident: IncidentTally): void {
    const now = this.#now();
    const quiet = now - incident.lastFailureAt >= this.#interval * 0.99;
    if (quiet && this.#open.size === 0 && (incident.recoveredAt !== undefined || incident.passesByItself)) {
      this.#finish(incident, incident.recoveredAt === undefined ? "quiet" : "recovered");
      return;
    }
    // A wrong password does not get better by being repeated.
    if (!incident.announced.has("outage")) return;
    this.#write("warn", lines.summary(this.#endpoint, incident, Math.round(now - incident.openedAt), this.#waiting()));
  }

  #finish(incident: IncidentTally, ending: lines.Ending): void {
    const now = this.#now();
    this.#end();
    this.#endings.push(now);
    const recovery = Math.round(now - incident.lastFailureAt);
    this.#write("info", lines.closing(this.#endpoint, incident, Math.round(now - incident.openedAt), recovery, ending));
  }

  #end(): void {
    clock.clearTimeout(this.#incident?.timer);
    this.#incident = undefined;
  }

  #write(level: "info" | "warn", line: lines.Line): void {
    this.#logger[level](line.fields, line.message);
  }
}
