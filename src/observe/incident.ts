/**
 * The incident log of one endpoint: an opening line, a rolling summary, a closing line, however many clients and
 * commands fail. It is told what happens, and says when an incident begins, turns and ends; it knows neither connections nor
 * commands. It is called once a failed command, so everything before a line is written is counting.
 */
import { clock, setUnrefTimeout } from "../clock.js";
import type {
  CircuitChange,
  CircuitKind,
  CommandFailure,
  Observer,
  Reconnection,
  Recovery,
  ServerIdentity,
  Takeover,
} from "../engine/ports.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { IncidentEnding } from "./events.js";
import { Examinations, type Examine } from "./examinations.js";
import { isCallersOwn, isHurt } from "./failure-counts.js";
import type { OpenCircuit } from "./incident-lines.js";
import { BLIP, CIRCUIT_LASTS, IncidentSchedule, type IncidentFacts } from "./incident-schedule.js";
import { IncidentTally } from "./incident-tally.js";
import { IncidentWriter, type IncidentWriterOptions } from "./incident-writer.js";
import { LesserLines } from "./lesser-lines.js";

export interface IncidentLogOptions extends IncidentFacts, IncidentWriterOptions {
  /** Looks at the endpoint from outside; asked once an incident, and not again within `summaryInterval` of an incident that lasted. */
  readonly examine?: Examine | undefined;
  /** What the line of the first connection says of the policy: its name and fingerprint. */
  readonly policy: { readonly profile: string; readonly fingerprint: string; readonly text: string };
  /** Monotonic clock in milliseconds. Default: the package's own. */
  readonly now?: () => number;
}

export class IncidentLog implements Observer {
  readonly #options: IncidentLogOptions;
  readonly #now: () => number;
  readonly #schedule: IncidentSchedule;
  readonly #writer: IncidentWriter;
  readonly #lesser: LesserLines;
  readonly #examinations: Examinations;
  readonly #open = new Set<CircuitKind>();
  #incident: IncidentTally | undefined = undefined;
  #server: ServerIdentity = "unknown";

  constructor(options: IncidentLogOptions) {
    const now = (this.#now = options.now ?? (() => clock.now()));
    this.#options = options;
    this.#schedule = new IncidentSchedule(options);
    this.#writer = new IncidentWriter(options);
    this.#lesser = new LesserLines({ ...options, now });
    this.#examinations = new Examinations(options.examine, options.summaryInterval, now);
  }

  firstConnected(): void {
    const { logger, endpoint, policy } = this.#options;
    logger.info(
      { event: "client.ready", endpoint, profile: policy.profile, policy: policy.fingerprint },
      `redis ${endpoint}: connected; ${policy.text}.`,
    );
  }

  /** A connection dropped or could not be made: a line only if it lasts or a command is refused. */
  connectionFailed(diagnosis: Diagnosis, since: number = this.#now()): void {
    this.#trouble(diagnosis, since);
  }

  serverRefused(diagnosis: Diagnosis): void {
    this.#trouble(diagnosis, this.#now());
  }

  /** A failure that concerns its caller only. Credential and configuration faults are incidents all the same. */
  commandRefused(diagnosis: Diagnosis): void {
    if (diagnosis.severity === "fatal") this.#trouble(diagnosis, this.#now());
    else this.#lesser.usage(diagnosis);
  }

  credentialsFailed(diagnosis: Diagnosis): void {
    this.#lesser.credentialsFailed(diagnosis);
  }

  credentialsRenewed(): void {
    this.#lesser.credentialsRenewed();
  }

  commandFailed(failure: CommandFailure): void {
    const { code, isUnsent } = failure;
    if (isCallersOwn(code)) return;
    const incident = this.#incident;
    if (incident === undefined) {
      this.#lesser.failed(failure);
      return;
    }
    incident.counts.add(failure);
    if (!isUnsent && !incident.isSettling) incident.lastFailureAt = this.#now();
    if (!incident.isAnnounced && !isHurt(code) && !this.#schedule.isFlapping(incident, this.#now())) {
      this.#announce(incident, incident.first, undefined);
    }
  }

  fellBack(): void {
    if (this.#incident !== undefined) this.#incident.counts.fallbacks++;
  }

  retried(): void {
    if (this.#incident === undefined) this.#lesser.retried();
    else this.#incident.retried++;
  }

  circuitChanged({ kind, state, retryAfter, cause }: CircuitChange): void {
    if (state === "closed") {
      this.#open.delete(kind);
      this.#incident?.circuitClosed(kind);
    }
    if (state === "half-open" && this.#incident !== undefined) this.#incident.probes++;
    if (state !== "open") return;
    this.#open.add(kind);
    this.#finishSettling();
    const now = this.#now();
    const incident = (this.#incident ??= cause === undefined ? undefined : this.#begin(cause, now));
    const probeAt = retryAfter === undefined ? undefined : now + retryAfter;
    if (incident?.circuitOpened(kind, cause, probeAt, now) !== true) return;
    const shown = incident.isAnnounced ? (cause ?? incident.first) : incident.first;
    if (this.#announce(incident, shown, { kind, retryAfter })) incident.takeOpened(now);
    else this.#wait(incident);
  }

  reconnected({ server }: Reconnection): void {
    if (server !== "unknown") this.#server = server;
  }

  tookOver(takeover: Takeover): void {
    if (this.#incident === undefined) this.#lesser.tookOver(takeover);
    else this.#incident.takeover = takeover;
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    this.#finishSettling();
    const incident = (this.#incident ??= this.#begin(cause, this.#now()));
    if (incident.circuits.has("client")) return;
    incident.circuits.add("client");
    this.#announce(incident, cause, undefined);
    this.#writer.clientFailsFast(incident, cause, retryAfter);
  }

  /**
   * The endpoint is reachable and all circuits are closed. That a client has connected does not end the refusals of a
   * server that was reachable all the time, nor what other clients still suffer from.
   */
  recovered({ reconnected, troubled, server }: Recovery): void {
    const incident = this.#incident;
    if (incident === undefined || (reconnected && incident.passesByItself)) return;
    if (server !== "unknown") this.#server = server;
    incident.recoveredAt ??= this.#now();
    incident.isSettling = troubled === 0;
    if (incident.isSettling && !incident.isAnnounced) this.#finish(incident, "recovered");
    else this.#wait(incident);
  }

  /** Ends the incident with its owner. */
  closed(): void {
    this.#lesser.tellTakeover();
    this.#finishSettling();
    const incident = this.#incident;
    if (incident !== undefined) {
      const isWorthIt = incident.isAnnounced || incident.counts.failed > 0;
      if (isWorthIt) this.#writer.closed(incident, { ending: "closed", endedAt: this.#now(), server: this.#server });
      this.#end();
    }
    this.#lesser.flush();
  }

  #trouble(diagnosis: Diagnosis, since: number): void {
    const now = this.#now();
    this.#finishSettling();
    const running = this.#incident;
    const incident = (this.#incident ??= this.#begin(diagnosis, since));
    incident.add(diagnosis, since, now);
    const isFatal = diagnosis.severity === "fatal";
    if (isFatal) this.#announce(incident, diagnosis, undefined);
    else if (!incident.isAnnounced) {
      if (this.#schedule.isOpeningDue(incident, now, now)) this.#announce(incident, diagnosis, undefined);
    } else if (incident.turns(diagnosis, now, BLIP) && !this.#announce(incident, diagnosis, undefined)) {
      this.#writer.changed(incident, diagnosis, now);
    }
    if (this.#incident === incident && (running === undefined || !incident.isAnnounced)) this.#wait(incident);
  }

  #begin(diagnosis: Diagnosis, since: number): IncidentTally {
    const incident = new IncidentTally(diagnosis, since, this.#now());
    incident.takeover = this.#lesser.takeTakeover();
    incident.counts.addAll(this.#lesser.takeSince(since));
    this.#server = "unknown";
    return incident;
  }

  /** Writes the opening line unless this kind has had one. Returns whether it did. */
  #announce(incident: IncidentTally, diagnosis: Diagnosis, circuit: OpenCircuit | undefined): boolean {
    const isFatal = diagnosis.severity === "fatal";
    const kind = isFatal ? diagnosis.code : "outage";
    if (incident.announced.has(kind)) return false;
    const isFirst = !incident.isAnnounced;
    if (isFirst && !isFatal) incident.settle();
    incident.announced.add(kind);
    // The connection failure that came first explains more than the command that failed because of it.
    const shown = isFatal || !isFirst || incident.first.severity === "fatal" ? diagnosis : incident.first;
    if (isFirst) incident.chapter = shown;
    this.#writer.opened(incident, shown, { circuit, isFatal, isFirst });
    if (isFirst) {
      incident.summarizedAt = this.#now();
      if (!isFatal) void this.#examine(incident);
      this.#wait(incident);
    }
    return true;
  }

  #examine(incident: IncidentTally): Promise<void> {
    return this.#examinations.look(
      () => this.#incident === incident && !incident.isSettling,
      (seen) => this.#writer.examined(incident, seen),
    );
  }

  // ---- time

  /** Sets the one timer of the incident to whatever is due next. */
  #wait(incident: IncidentTally): void {
    clock.clearTimeout(incident.timer);
    incident.timer = setUnrefTimeout(() => this.#tick(incident), this.#schedule.dueIn(incident, this.#now()));
  }

  #tick(incident: IncidentTally): void {
    const now = this.#now();
    const ending = this.#open.size > 0 ? undefined : this.#schedule.endingOf(incident, now);
    if (ending !== undefined) {
      this.#finish(incident, ending);
      return;
    }
    // What was open for a moment only stands in the numbers of the closing line.
    for (const circuit of incident.takeOpened(now - CIRCUIT_LASTS)) this.#writer.circuitOpened(incident, circuit, now);
    if (!incident.isSettling) {
      // Refusals that came once, and were over before anybody lost patience, are no outage.
      const lasts = incident.passesByItself ? incident.lastFailureAt : now;
      if (!incident.isAnnounced && this.#schedule.isOpeningDue(incident, lasts, now)) {
        this.#announce(incident, incident.first, undefined);
      }
      if (this.#schedule.isSummaryDue(incident, now)) {
        incident.summarizedAt = now;
        // A wrong password does not get better by being repeated.
        if (incident.announced.has("outage")) this.#writer.summary(incident, this.#options.waiting(), now);
      }
    }
    this.#wait(incident);
  }

  // ---- endings

  /** Trouble that comes after all was well is another incident. */
  #finishSettling(): void {
    if (this.#incident?.isSettling === true) this.#finish(this.#incident, "recovered");
  }

  #finish(incident: IncidentTally, ending: IncidentEnding): void {
    // Where nothing reports the end, the last refusal is all that is known of it.
    const { recoveredAt, lastFailureAt } = incident;
    const now = this.#now();
    const endedAt = ending === "quiet" ? lastFailureAt : (recoveredAt ?? now);
    this.#end();
    if (incident.isAnnounced) {
      this.#schedule.ended(incident, now);
      this.#writer.closed(incident, { ending, endedAt, server: this.#server });
      return;
    }
    const { first, counts, retried, takeover, openedAt } = incident;
    if (takeover !== undefined) this.#lesser.tellTakeover(takeover);
    const duration = Math.round(endedAt - openedAt);
    // Refusals that hurt nobody and passed.
    if (ending === "quiet" && counts.failed === 0) return;
    const causes = new Map([[first.code, 1]]);
    const isFlapping = duration > BLIP && this.#schedule.isFlapping(incident, now);
    this.#lesser.passed({ causes, from: openedAt, to: endedAt, duration, counts, retried }, isFlapping);
  }

  #end(): void {
    clock.clearTimeout(this.#incident?.timer);
    this.#incident = undefined;
    this.#examinations.ended();
  }
}
