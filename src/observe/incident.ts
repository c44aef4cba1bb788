/**
 * The incident log of one endpoint: an opening line, a rolling summary, a closing line, however many clients and
 * commands fail. It is told what happens and decides what is worth a line; it knows neither connections nor commands.
 * It is called once a failed command, so everything before a line is written is counting.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
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
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Logger } from "../policy/shape.js";
import type { EventHub, IncidentEnding } from "./events.js";
import { BriefLines } from "./brief-lines.js";
import { FailureCounts, isCallersOwn, isHurt, isWorthALine } from "./failure-counts.js";
import { GatheredLines } from "./gathered-lines.js";
import * as lines from "./incident-lines.js";
import { IncidentTally, type IncidentSnapshot } from "./incident-tally.js";
import { LogThrottle } from "./log-throttle.js";
import { RecentFailures } from "./recent-failures.js";

export interface IncidentLogOptions {
  readonly logger: Logger;
  /** As people write it: `127.0.0.1:6379`. No credentials. */
  readonly endpoint: string;
  /** Milliseconds between two summary lines. */
  readonly summaryInterval: number;
  /** Looks at the endpoint from outside; asked once an incident, and not again within `summaryInterval` of an incident that lasted. */
  readonly examine?: (() => Promise<Examination | undefined>) | undefined;
  /** How many commands wait for this endpoint now. */
  readonly waiting: () => number;
  /** Its clients that want a connection and have none, or wait for a late reply. */
  readonly troubled: () => number;
  /** A write has succeeded since this moment, on the clock of the log. */
  readonly tookWrites: () => number;
  /** What of the endpoint is in trouble, in words, where it is several servers and not all of them are. */
  readonly part?: (() => string | undefined) | undefined;
  /** What the line of the first connection says of the policy: its name and fingerprint. */
  readonly policy: { readonly profile: string; readonly fingerprint: string; readonly text: string };
  /** Where the events of incidents go. */
  readonly hub?: EventHub | undefined;
  /** Monotonic clock in milliseconds. Default: the package's own. */
  readonly now?: () => number;
}

/** What was seen from outside when the incident opened. */
export interface Examination {
  readonly code: Code;
  readonly sentence: string;
}

/** Trouble that is over within this long, with no command refused, is one line at its end. Milliseconds. */
const BLIP = 250;
/** What a takeover costs shows within this long, in milliseconds. */
const COSTS_WITHIN = 1_000;
/** Incidents of one code that may end within one summary interval before the endpoint is said to flap. */
const FLAPS = 3;
/** While it flaps, trouble of the same code that is over within this long is gathered. Milliseconds. */
const LASTING = 2_000;
/** What was under way when all was well again is answered, or too late, within this long: the closing line counts it. Milliseconds. */
const SETTLES_WITHIN = 1_000;
/** Blips that follow each other within this long are a row, and one line. Milliseconds. */
const SUCCESSION = 1_000;
/** Clients that share an endpoint are connected again within this long after the first of them. Milliseconds. */
const STRAGGLERS = 2_000;
/** A server that refused commands, and has refused none for this long, takes them again. Milliseconds. */
const TAKES_AGAIN = 2_000;
/** A circuit that opens while an incident runs, and is closed again within this long, gets no line. Milliseconds. */
const CIRCUIT_LASTS = 1_000;
/** At most one line a code in this span for what reaches the caller anyway. Milliseconds. */
const QUIET = 10_000;

export class IncidentLog implements Observer {
  readonly #options: IncidentLogOptions;
  readonly #logger: Logger;
  readonly #endpoint: string;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #throttle = new LogThrottle();
  readonly #recent: RecentFailures;
  readonly #blips: BriefLines;
  readonly #flaps: BriefLines;
  /** What failed outside any incident; of one kind. */
  readonly #failures: GatheredLines<"failures", FailureCounts>;
  readonly #rejections: GatheredLines<Code, number>;
  readonly #open = new Set<CircuitKind>();
  #examinedAt = -Infinity;
  /** The look is under way, and this was its predecessor's time: given back if the incident ends first. */
  #refund: number | undefined = undefined;
  #endings: { readonly at: number; readonly begun: Code }[] = [];
  #incident: IncidentTally | undefined = undefined;
  #server: ServerIdentity = "unknown";
  /** A takeover that no line has told of yet. */
  #takeover: Takeover | undefined = undefined;
  #takeoverTimer: Timer | undefined = undefined;
  /** The log says so. */
  #lacksCredentials = false;

  constructor(options: IncidentLogOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#endpoint = options.endpoint;
    this.#interval = options.summaryInterval;
    this.#now = options.now ?? (() => clock.now());
    this.#blips = new BriefLines(this.#interval, SUCCESSION, this.#now, (brief) =>
      this.#write(brief.counts.failed > 0 ? "warn" : "info", lines.blip(this.#endpoint, brief, this.#now())),
    );
    this.#flaps = new BriefLines(this.#interval, LASTING + SUCCESSION, this.#now, (brief) =>
      this.#write("warn", lines.flapping(this.#endpoint, brief, this.#now())),
    );
    this.#failures = new GatheredLines<"failures", FailureCounts>(
      this.#interval,
      (_, counts) => this.#write("warn", lines.failures(this.#endpoint, counts)),
      (one, other) => one.addAll(other),
    );
    this.#recent = new RecentFailures(this.#now, (counts) => this.#failures.add("failures", counts));
    this.#rejections = new GatheredLines<Code, number>(
      this.#interval,
      (code, count) => this.#write("warn", lines.rejection(this.#endpoint, code, count, options.waiting())),
      (one, other) => one + other,
    );
  }

  firstConnected(): void {
    const { profile, fingerprint, text } = this.#options.policy;
    this.#logger.info(
      { event: "client.ready", endpoint: this.#endpoint, profile, policy: fingerprint },
      `redis ${this.#endpoint}: connected; ${text}.`,
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
    if (diagnosis.severity === "fatal") {
      this.#trouble(diagnosis, this.#now());
      return;
    }
    const muted = this.#throttle.take(`usage ${diagnosis.code}`, 1, QUIET, this.#now());
    if (muted === undefined) return;
    const line = lines.usage(this.#endpoint, diagnosis, muted - 1);
    // A blocked event loop is nobody's wrong argument: whoever runs this process must hear of it.
    const isLoud = diagnosis.severity === "error" || diagnosis.code === "EVENT_LOOP_BLOCKED";
    this.#logger[isLoud ? "warn" : "debug"](line.fields, line.message);
  }

  /** Nothing is refused yet, and there is time: no incident, but somebody should know before the old login ends. */
  credentialsFailed(diagnosis: Diagnosis): void {
    this.#lacksCredentials = true;
    const muted = this.#throttle.take("credentials", 1, QUIET, this.#now());
    if (muted !== undefined) this.#write("error", lines.credentialsFailed(this.#endpoint, diagnosis, muted - 1));
  }

  credentialsRenewed(): void {
    if (!this.#lacksCredentials) return;
    this.#lacksCredentials = false;
    this.#write("info", lines.credentialsRenewed(this.#endpoint));
  }

  commandFailed(failure: CommandFailure): void {
    const { code, isUnsent } = failure;
    if (isCallersOwn(code)) return;
    const incident = this.#incident;
    if (incident !== undefined) {
      incident.counts.add(failure);
      if (!isUnsent && !incident.isSettling) incident.lastFailureAt = this.#now();
      if (!incident.isAnnounced && !isHurt(code) && !this.#isFlapping(incident)) {
        this.#announce(incident, incident.first, undefined);
      }
    } else if (isUnsent) this.#rejections.add(code, 1);
    else if (isWorthALine(code)) this.#recent.add(failure);
  }

  fellBack(): void {
    if (this.#incident !== undefined) this.#incident.counts.fallbacks++;
  }

  retried(): void {
    if (this.#incident !== undefined) this.#incident.retried++;
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
    else this.#schedule(incident);
  }

  /** What was open for a moment only stands in the numbers of the closing line. */
  #tellCircuits(incident: IncidentTally, now: number): void {
    for (const { kind, cause, probeAt } of incident.takeOpened(now - CIRCUIT_LASTS)) {
      const retryAfter = probeAt === undefined ? undefined : Math.max(0, Math.round(probeAt - now));
      this.#write("warn", lines.circuitOpened(this.#endpoint, incident.id, { kind, retryAfter }, cause));
    }
  }

  reconnected({ server }: Reconnection): void {
    if (server !== "unknown") this.#server = server;
  }

  tookOver(takeover: Takeover): void {
    if (this.#incident !== undefined) {
      this.#incident.takeover = takeover;
      return;
    }
    // What it cost is not known yet: the end of an incident says it as well.
    this.#tellTakeover();
    this.#takeover = takeover;
    this.#takeoverTimer = setUnrefTimeout(() => this.#tellTakeover(), COSTS_WITHIN);
  }

  /** Another server took over, and no incident has told so. */
  #tellTakeover(): void {
    const takeover = this.#takeTakeover();
    if (takeover !== undefined) this.#write("info", lines.tookOver(this.#endpoint, takeover));
  }

  #takeTakeover(): Takeover | undefined {
    const takeover = this.#takeover;
    clock.clearTimeout(this.#takeoverTimer);
    this.#takeover = undefined;
    return takeover;
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    this.#finishSettling();
    const incident = (this.#incident ??= this.#begin(cause, this.#now()));
    if (incident.circuits.has("client")) return;
    incident.circuits.add("client");
    this.#announce(incident, cause, undefined);
    this.#write("warn", lines.clientFailsFast(this.#endpoint, incident.id, retryAfter, cause));
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
    else this.#schedule(incident);
  }

  /** Trouble that comes after all was well is another incident. */
  #finishSettling(): void {
    if (this.#incident?.isSettling === true) this.#finish(this.#incident, "recovered");
  }

  /** Ends the incident with its owner. */
  closed(): void {
    this.#tellTakeover();
    this.#finishSettling();
    const incident = this.#incident;
    if (incident !== undefined) {
      const isWorthIt = incident.isAnnounced || incident.counts.failed > 0;
      if (isWorthIt) this.#writeClosing(incident, "closed", this.#now());
      this.#end();
    }
    this.#blips.flush();
    this.#flaps.flush();
    this.#rejections.flush();
    this.#recent.flush();
    this.#failures.flush();
  }

  snapshot(): IncidentSnapshot {
    return this.#incident?.snapshot(this.#now()) ?? { open: false };
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
      if (now - incident.openedAt >= this.#patience(incident)) this.#announce(incident, diagnosis, undefined);
    } else if (incident.turns(diagnosis, now, BLIP) && !this.#announce(incident, diagnosis, undefined)) {
      this.#changed(incident, diagnosis, now);
    }
    if (this.#incident === incident && (running === undefined || !incident.isAnnounced)) this.#schedule(incident);
  }

  #begin(diagnosis: Diagnosis, since: number): IncidentTally {
    const incident = new IncidentTally(diagnosis, since, this.#now());
    incident.takeover = this.#takeTakeover();
    incident.counts.addAll(this.#recent.takeSince(since));
    this.#server = "unknown";
    return incident;
  }

  /** For how long trouble may last before its opening line is written. */
  #patience(incident: IncidentTally): number {
    return this.#isFlapping(incident) ? LASTING : BLIP;
  }

  #isFlapping({ begun }: IncidentTally): boolean {
    if (this.#endings.length < FLAPS) return false;
    const from = this.#now() - this.#interval;
    return this.#endings.filter((ending) => ending.at > from && ending.begun === begun).length >= FLAPS;
  }

  /** Writes the opening line unless this kind has had one. Returns whether it did. */
  #announce(incident: IncidentTally, diagnosis: Diagnosis, circuit: lines.OpenCircuit | undefined): boolean {
    const isFatal = diagnosis.severity === "fatal";
    const kind = isFatal ? diagnosis.code : "outage";
    if (incident.announced.has(kind)) return false;
    const isFirst = !incident.isAnnounced;
    if (isFirst && !isFatal) incident.settle();
    incident.announced.add(kind);
    // The connection failure that came first explains more than the command that failed because of it.
    const shown = isFatal || !isFirst || incident.first.severity === "fatal" ? diagnosis : incident.first;
    if (isFirst) incident.chapter = shown;
    const line = lines.opening(this.#endpoint, incident.id, shown, circuit, this.#part(shown));
    if (isFatal && this.#logger.fatal !== undefined) this.#logger.fatal(line.fields, line.message);
    else this.#logger.error(line.fields, line.message);
    this.#tell(isFirst ? "incident.opened" : "incident.changed", incident, shown);
    if (isFirst) {
      incident.summarizedAt = this.#now();
      if (!isFatal) void this.#look(incident);
      this.#schedule(incident);
    }
    return true;
  }

  #changed(incident: IncidentTally, diagnosis: Diagnosis, now: number): void {
    const lasted = Math.round(now - incident.openedAt);
    const line = lines.changed(this.#endpoint, incident.id, diagnosis, lasted, this.#part(diagnosis));
    this.#write("warn", line);
    this.#tell("incident.changed", incident, diagnosis);
  }

  /** What of the endpoint is in trouble; `undefined`: all of it. */
  #part({ area }: Diagnosis): string | undefined {
    // That commands cannot be routed is no matter of one server.
    return area === "topology" ? undefined : this.#options.part?.();
  }

  async #look(incident: IncidentTally): Promise<void> {
    const { examine } = this.#options;
    const now = this.#now();
    if (examine === undefined || now - this.#examinedAt < this.#interval) return;
    this.#refund = this.#examinedAt;
    this.#examinedAt = now;
    // A service must not end because its look outside failed, for example where a bundle left the doctor out
    const seen = await examine().catch(() => undefined);
    // What was over before it was seen is not worth the look of an interval.
    if (this.#incident !== incident || incident.isSettling) return;
    this.#refund = undefined;
    if (seen !== undefined) this.#write("warn", lines.examination(this.#endpoint, incident.id, seen));
  }

  // ---- time

  /** Sets the one timer of the incident to whatever is due next. */
  #schedule(incident: IncidentTally): void {
    const now = this.#now();
    const quietAt = incident.lastFailureAt + this.#interval * 0.99;
    const due = [
      incident.isAnnounced ? incident.summarizedAt + this.#interval : incident.openedAt + this.#patience(incident),
      incident.passesByItself ? quietAt : now + BLIP,
      incident.passesByItself && incident.chapter.breaker === "write" ? now + TAKES_AGAIN / 2 : Infinity,
      (incident.recoveredAt ?? Infinity) + (incident.isSettling ? SETTLES_WITHIN : STRAGGLERS),
      (incident.openedSince ?? Infinity) + CIRCUIT_LASTS,
    ].filter((at) => at > now);
    clock.clearTimeout(incident.timer);
    incident.timer = setUnrefTimeout(() => this.#tick(incident), Math.max(1, Math.min(...due) - now));
  }

  #tick(incident: IncidentTally): void {
    const now = this.#now();
    const ending = this.#endingOf(incident, now);
    if (ending !== undefined) {
      this.#finish(incident, ending);
      return;
    }
    this.#tellCircuits(incident, now);
    if (incident.isSettling) {
      this.#schedule(incident);
      return;
    }
    // Refusals that came once, and were over before anybody lost patience, are no outage.
    const lasts = incident.passesByItself ? incident.lastFailureAt : now;
    if (!incident.isAnnounced && lasts - incident.openedAt >= this.#patience(incident)) {
      this.#announce(incident, incident.first, undefined);
    }
    // A wrong password does not get better by being repeated.
    if (incident.isAnnounced && now - incident.summarizedAt >= this.#interval) {
      incident.summarizedAt = now;
      if (incident.announced.has("outage")) {
        const duration = Math.round(now - incident.openedAt);
        this.#write(
          "warn",
          lines.summary(this.#endpoint, incident, duration, this.#options.waiting(), this.#part(incident.chapter)),
        );
      }
    }
    this.#schedule(incident);
  }

  /** How the incident has ended by now, if nobody reports the end of such trouble; `undefined` while it lasts. */
  #endingOf(incident: IncidentTally, now: number): IncidentEnding | undefined {
    const { recoveredAt, chapter, passesByItself } = incident;
    if (this.#open.size > 0) return undefined;
    const wait = incident.isSettling ? SETTLES_WITHIN : STRAGGLERS;
    if (recoveredAt !== undefined && now - recoveredAt >= wait) return "recovered";
    if (incident.isSettling) return undefined;
    const quiet = now - incident.lastFailureAt;
    if (passesByItself) {
      const takesWrites = quiet >= TAKES_AGAIN && this.#takesWrites(incident);
      return takesWrites || quiet >= this.#interval * 0.99 ? "quiet" : undefined;
    }
    if (this.#options.troubled() > 0) return undefined;
    // Replies were late, and come again on the same connection.
    if (chapter.area === "network" || chapter.area === "client") return quiet >= BLIP ? "recovered" : undefined;
    const takesAgain = chapter.area === "server" && quiet >= TAKES_AGAIN && this.#options.waiting() === 0;
    return takesAgain ? "quiet" : undefined;
  }

  /** A server without memory refuses some writes only: that it took another proves nothing. */
  #takesWrites({ chapter, lastFailureAt }: IncidentTally): boolean {
    const { breaker, code } = chapter;
    return breaker === "write" && code !== "OUT_OF_MEMORY" && this.#options.tookWrites() >= lastFailureAt;
  }

  // ---- endings

  #finish(incident: IncidentTally, ending: IncidentEnding): void {
    // Where nothing reports the end, the last refusal is all that is known of it.
    const { recoveredAt, lastFailureAt } = incident;
    const endedAt = ending === "quiet" ? lastFailureAt : (recoveredAt ?? this.#now());
    this.#end();
    if (incident.isAnnounced) {
      const now = this.#now();
      this.#endings = this.#endings.filter(({ at }) => now - at < this.#interval);
      this.#endings.push({ at: now, begun: incident.begun });
      this.#writeClosing(incident, ending, endedAt);
      return;
    }
    const { first, counts, retried, takeover } = incident;
    if (takeover !== undefined) this.#write("info", lines.tookOver(this.#endpoint, takeover));
    const duration = Math.round(endedAt - incident.openedAt);
    // Refusals that hurt nobody and passed.
    if (ending === "quiet" && counts.failed === 0) return;
    const brief = {
      causes: new Map([[first.code, 1]]),
      from: incident.openedAt,
      to: endedAt,
      duration,
      counts,
      retried,
    };
    (duration > BLIP && this.#isFlapping(incident) ? this.#flaps : this.#blips).add(brief);
  }

  #writeClosing(incident: IncidentTally, ending: IncidentEnding, endedAt: number): void {
    const duration = Math.round(endedAt - incident.openedAt);
    const gap = Math.round(endedAt - incident.lastFailureAt);
    const recovery = ending === "recovered" && gap >= 0 ? gap : undefined;
    const { takeover } = incident;
    const ended = { ending, duration, recovery, server: this.#server, takeover };
    this.#write("info", lines.closing(this.#endpoint, incident, ended));
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

  #end(): void {
    clock.clearTimeout(this.#incident?.timer);
    this.#incident = undefined;
    if (this.#refund !== undefined) this.#examinedAt = this.#refund;
    this.#refund = undefined;
  }

  #tell(type: "incident.opened" | "incident.changed", incident: IncidentTally, diagnosis: Diagnosis): void {
    const { hub } = this.#options;
    if (hub?.isHeard !== true) return;
    const told = { endpoint: this.#endpoint, incident: incident.id, code: diagnosis.code, diagnosis };
    hub.tell(type === "incident.opened" ? { type, ...told } : { type, ...told });
  }

  #write(level: "info" | "warn" | "error", line: lines.Line): void {
    this.#logger[level](line.fields, line.message);
  }
}
