/**
 * Lines about less than an incident: failures and refusals outside of one, trouble that passed before its line was due, wrong
 * use, a takeover that cost nothing, credentials that run out. Each kind is throttled or gathered in its own way.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import type { CommandFailure, Takeover } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Logger } from "../policy/shape.js";
import { BriefLines } from "./brief-lines.js";
import { isWorthALine, type FailureCounts } from "./failure-counts.js";
import { GatheredLines } from "./gathered-lines.js";
import * as lines from "./incident-lines.js";
import { LASTING } from "./incident-schedule.js";
import { LogThrottle } from "./log-throttle.js";
import { RecentFailures } from "./recent-failures.js";

export interface LesserLinesOptions {
  readonly logger: Logger;
  readonly endpoint: string;
  /** A line of a kind in this span, in milliseconds. */
  readonly summaryInterval: number;
  /** How many commands wait for this endpoint now. */
  readonly waiting: () => number;
  /** Monotonic clock in milliseconds. */
  readonly now: () => number;
}

/** What a takeover costs shows within this long, in milliseconds. */
const COSTS_WITHIN = 1_000;
/** Blips that follow each other within this long are a row, and one line. Milliseconds. */
const SUCCESSION = 1_000;
/** At most one line a code in this span for what reaches the caller anyway. Milliseconds. */
const QUIET = 10_000;

export class LesserLines {
  readonly #logger: Logger;
  readonly #endpoint: string;
  readonly #now: () => number;
  readonly #throttle = new LogThrottle();
  readonly #recent: RecentFailures;
  readonly #blips: BriefLines;
  readonly #flaps: BriefLines;
  /** What failed outside any incident; of one kind. */
  readonly #failures: GatheredLines<"failures", FailureCounts>;
  readonly #rejections: GatheredLines<Code, number>;
  /** A takeover that no line has told of yet. */
  #takeover: Takeover | undefined = undefined;
  #takeoverTimer: Timer | undefined = undefined;
  /** The log says so. */
  #lacksCredentials = false;

  constructor({ logger, endpoint, summaryInterval: interval, waiting, now }: LesserLinesOptions) {
    this.#logger = logger;
    this.#endpoint = endpoint;
    this.#now = now;
    this.#blips = new BriefLines(interval, SUCCESSION, now, (brief) =>
      this.#write(brief.counts.failed > 0 ? "warn" : "info", lines.blip(endpoint, brief, now())),
    );
    this.#flaps = new BriefLines(interval, LASTING + SUCCESSION, now, (brief) =>
      this.#write("warn", lines.flapping(endpoint, brief, now())),
    );
    this.#failures = new GatheredLines<"failures", FailureCounts>(
      interval,
      (_, counts) => this.#write("warn", lines.failures(endpoint, counts)),
      (one, other) => one.addAll(other),
    );
    this.#recent = new RecentFailures(now, (counts) => this.#failures.add("failures", counts));
    this.#rejections = new GatheredLines<Code, number>(
      interval,
      (code, count) => this.#write("warn", lines.rejection(endpoint, code, count, waiting())),
      (one, other) => one + other,
    );
  }

  /** A command failed while no incident runs. One may begin that was there before: then it takes this along. */
  failed(failure: CommandFailure): void {
    if (failure.isUnsent) this.#rejections.add(failure.code, 1);
    else if (isWorthALine(failure.code)) this.#recent.add(failure);
  }

  /** Takes out what failed from `since` on, and just before: it belongs to an incident that begins. */
  takeSince(since: number): FailureCounts {
    return this.#recent.takeSince(since);
  }

  /** Trouble has passed of which no line has told. */
  passed(brief: lines.Brief, isFlapping: boolean): void {
    (isFlapping ? this.#flaps : this.#blips).add(brief);
  }

  /** A command is sent again while no incident runs. */
  retried(): void {
    if (!this.#blips.retried()) this.#flaps.retried();
  }

  /** A failure that concerns its caller only. */
  usage(diagnosis: Diagnosis): void {
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

  /** Another server took over. What it cost is not known yet: the end of an incident says it as well. */
  tookOver(takeover: Takeover): void {
    this.tellTakeover();
    this.#takeover = takeover;
    this.#takeoverTimer = setUnrefTimeout(() => this.tellTakeover(), COSTS_WITHIN);
  }

  /** Tells of a takeover; by default of one that no line has told of yet. */
  tellTakeover(takeover: Takeover | undefined = this.takeTakeover()): void {
    if (takeover !== undefined) this.#write("info", lines.tookOver(this.#endpoint, takeover));
  }

  /** Takes it out: an incident tells of it. */
  takeTakeover(): Takeover | undefined {
    const takeover = this.#takeover;
    clock.clearTimeout(this.#takeoverTimer);
    this.#takeover = undefined;
    return takeover;
  }

  /** Tells what is gathered, now. */
  flush(): void {
    this.#blips.flush();
    this.#flaps.flush();
    this.#rejections.flush();
    this.#recent.flush();
    this.#failures.flush();
  }

  #write(level: "info" | "warn" | "error", line: lines.Line): void {
    this.#logger[level](line.fields, line.message);
  }
}
