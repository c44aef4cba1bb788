/**
 * The Sentinels of one set as this process knows them, shared by all its clients: who is asked, what was said, which master is
 * believed, and who may dial it. It opens sockets to Sentinels and to nothing else.
 */
import { clock, sleep, type Timer } from "../clock.js";
import type { IoredoubtError } from "../failure/errors.js";
import { isSame, nameOf, type Address } from "./address.js";
import { ConnectPace } from "./connect-pace.js";
import { LateError, type Way } from "./dial.js";
import { DialTurn } from "./dial-turn.js";
import type { Entry } from "./entry.js";
import { SentinelLink, type LinkLimits } from "./link.js";
import { SentinelLogins, type LoginOptions } from "./logins.js";
import { Lookups, type Lookup } from "./lookups.js";
import { MasterBook } from "./master-book.js";
import { isNoLogin } from "./lookup-errors.js";
import { mapped } from "./replicas.js";
import { namesIn, peersIn, questionsFor, reportOf, type Listed, type Named, type Report, type Role } from "./report.js";
import { askAround } from "./round.js";
import { SentinelList } from "./sentinel-list.js";
import { SwitchWatch, type SwitchHooks } from "./switch-watch.js";

export interface SetOptions {
  readonly sentinels: readonly Address[];
  /** Of the master set. */
  readonly name: string;
  readonly way: Way;
  /** Who the Sentinels are asked as. */
  readonly login: LoginOptions;
  /** ioredis's `natMap`. */
  readonly natMap: unknown;
  /** Failovers are heard of, not only asked for. */
  readonly listens: boolean;
  /** ioredis's `updateSentinels`: those that others name are asked as well. */
  readonly discovers: boolean;
  /** Connections to Sentinels at a time, at most. */
  readonly most: number;
  /** What a Sentinel is given at first, and what it is given at most while all are late. Milliseconds. */
  readonly limits: LinkLimits & { readonly hedgeAfter: number };
  readonly longest: LinkLimits;
}

/** A client of the set. */
export interface SetMember {
  /** The Sentinels name another master than before: its address from here. */
  masterMoved(master: Address): void;
  /** The Sentinels do not let this client hear of failovers: this one said so, in these words. */
  notTold(sentinel: Address, said: string): void;
  /** There are no new credentials for the Sentinels, and connections to them go on with those that they have. */
  credentialsFailed(error: IoredoubtError): void;
  /** After that: there are. */
  credentialsRenewed(): void;
}

/** What a lookup has found: for a master its address from here, for replicas all that are up. */
export interface Found {
  readonly master?: Address | undefined;
  readonly replicas?: Listed | undefined;
  /** What each Sentinel said. */
  readonly reports: readonly Report[];
}

/** While the server cannot be reached the Sentinels are asked this often, in milliseconds; up to half as much again is drawn on top. */
const ASK_EVERY = 200;

export class SentinelSet {
  readonly #options: SetOptions;
  readonly #list: SentinelList;
  readonly #book = new MasterBook();
  readonly #pace = new ConnectPace();
  readonly #links = new Map<string, SentinelLink>();
  /** Questions under way, by link. */
  readonly #asking = new Map<string, Promise<Report>>();
  /** Sentinels that answered when they were asked last, and those that did not. */
  readonly #well = new Set<string>();
  readonly #silent = new Set<string>();
  readonly #turns = new Map<string, DialTurn>();
  readonly #members = new Set<SetMember>();
  readonly #ending = new AbortController();
  readonly #logins: SentinelLogins;
  readonly #lookups: Readonly<Record<Role, Lookups<Found>>>;
  /** Lookups in a row that ended because nobody answered in time. */
  #lateRounds = 0;
  #connects = 0;
  #watch: Timer | undefined = undefined;
  readonly #switches: SwitchWatch | undefined;

  constructor(options: SetOptions) {
    this.#options = options;
    this.#list = new SentinelList(options.sentinels);
    const { name, way, listens } = options;
    this.#logins = new SentinelLogins(name, options.login, {
      failed: (error) => {
        for (const member of [...this.#members]) member.credentialsFailed(error);
      },
      renewed: () => {
        for (const member of [...this.#members]) member.credentialsRenewed();
      },
    });
    this.#switches = listens ? new SwitchWatch(name, way, this.#switchHooks()) : undefined;
    const lookups = (role: Role): Lookups<Found> => new Lookups(() => this.#look(role), this.#ending.signal);
    this.#lookups = { master: lookups("master"), slave: lookups("slave") };
  }

  /** Where the master is from here, as far as it is known. */
  get master(): Address | undefined {
    const { master } = this.#book;
    return master && this.#mapped(master);
  }

  add(member: SetMember): void {
    this.#members.add(member);
  }

  /** Returns whether it was the last one. */
  remove(member: SetMember): boolean {
    return this.#members.delete(member) && this.#members.size === 0;
  }

  /** Nobody needs it any more: all its sockets are destroyed. */
  end(): void {
    this.#ending.abort(new Error("the set is not used any more"));
    clock.clearTimeout(this.#watch);
    this.#switches?.end();
    for (const link of [...this.#links.values()]) link.end();
    for (const turn of this.#turns.values()) turn.abandon();
  }

  /** Asks the Sentinels, together with everybody who asks now. */
  find(role: Role): Promise<Lookup<Found>> {
    return this.#lookups[role].next();
  }

  /** Hears of failovers from now on. Idempotent. */
  listen(): void {
    this.#switches?.start();
  }

  /** Who may dial this server. */
  turnAt(address: Address): DialTurn {
    const key = nameOf(address);
    let turn = this.#turns.get(key);
    if (turn === undefined) this.#turns.set(key, (turn = new DialTurn()));
    return turn;
  }

  /** Replicas that could not be reached just now are left alone as long as there are others. */
  isFailing(address: Address): boolean {
    return this.#turns.get(nameOf(address))?.isFailing === true;
  }

  /** Where an address that the Sentinels name is reached from here. */
  #mapped(address: Address): Address {
    return mapped(address, this.#options.natMap);
  }

  #switchHooks(): SwitchHooks {
    const check = (): void => void this.#lookups.master.anew();
    return {
      // Those that are well come first.
      sentinels: () =>
        [...this.#list.all].sort((one, other) => Number(this.#isWell(other)) - Number(this.#isWell(one))),
      mayConnect: () => this.#mayConnect(),
      entry: () => this.#entry(),
      connectLimit: () => this.#limits().connect,
      switched: (from, to) => {
        const before = this.#book.master ?? from;
        const news = this.#book.announced(from, to);
        if (news === "moved") this.#moved(before, to);
        else if (news === "doubtful") check();
      },
      changed: check,
      refused: (sentinel, said) => {
        for (const member of [...this.#members]) member.notTold(sentinel, said);
      },
    };
  }

  /** Goes on asking while a server cannot be reached: another one may be named any moment. */
  watchFor(role: Role): void {
    if (this.#watch !== undefined || this.#ending.signal.aborted) return;
    this.#watch = clock.setTimeout(
      () => {
        this.#watch = undefined;
        if (![...this.#turns.values()].some((turn) => turn.isFailing && !turn.isIdle)) return;
        this.#lookups[role].next().then(
          () => this.watchFor(role),
          () => undefined,
        );
      },
      ASK_EVERY * (1 + clock.random() / 2),
    );
    this.#watch.unref();
  }

  async #look(role: Role): Promise<Lookup<Found>> {
    this.#connects = 0;
    const { hedgeAfter } = this.#options.limits;
    const before = this.#book.master;
    const isAnswered = (reports: readonly Report[]): boolean =>
      role === "slave"
        ? reports.some((report) => report.kind === "listed" && report.replicas.length > 0)
        : namedIn(reports).some((report) => !this.#book.isPast(report));
    const reports = await askAround(
      this.#list.all.slice(0, this.#options.most),
      { hedgeAfter, confirmFor: hedgeAfter },
      {
        ask: (sentinel) => this.#ask(role, sentinel),
        isAnswered,
        isQuick: (sentinel) => !this.#silent.has(nameOf(sentinel)),
        late: (report) => {
          if (report.kind === "named") this.#learn([report]);
        },
      },
    );
    const silent = reports.filter((report) => report.kind === "silent");
    const isLate = silent.length === reports.length && silent.some((report) => report.isLate);
    this.#lateRounds = isLate ? this.#lateRounds + 1 : 0;
    const connects = this.#connects;
    if (role === "slave") {
      const lists = reports.filter((report) => report.kind === "listed");
      const replicas = lists.reduce<Listed | undefined>(
        (one, other) => (one === undefined || other.replicas.length > one.replicas.length ? other : one),
        undefined,
      );
      const isFound = replicas !== undefined && replicas.replicas.length > 0;
      return { result: { replicas, reports }, isFound, connects };
    }
    const master = this.#learn(namedIn(reports), before);
    return { result: { master: master && this.#mapped(master), reports }, isFound: master !== undefined, connects };
  }

  /** Returns the master that is to be believed after these answers; tells everybody if it is another one. */
  #learn(answers: readonly Named[], before: Address | undefined = this.#book.master): Address | undefined {
    const best = this.#book.choose(answers);
    if (best !== undefined && before !== undefined && !isSame(before, best.master)) this.#moved(before, best.master);
    return best?.master;
  }

  #moved(from: Address, to: Address): void {
    const old = this.#mapped(from);
    const present = this.#mapped(to);
    this.#lookups.master.told({ master: present, reports: [] });
    this.#lookups.slave.told(undefined);
    if (isSame(old, present)) return;
    this.#turns.get(nameOf(old))?.abandon();
    for (const member of [...this.#members]) member.masterMoved(present);
  }

  #isWell(sentinel: Address): boolean {
    return this.#well.has(nameOf(sentinel));
  }

  /** One question at a time goes to each Sentinel: who wants the same joins it. */
  #ask(role: Role, sentinel: Address): Promise<Report> {
    const key = `${role} ${nameOf(sentinel)}`;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#report(role, sentinel, key).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #report(role: Role, sentinel: Address, key: string): Promise<Report> {
    const { name, discovers } = this.#options;
    const questions = questionsFor(role, name, discovers);
    try {
      let link = await this.#linkTo(sentinel, key);
      let replies = await link.ask(questions, this.#limits());
      let report = reportOf(role, sentinel, replies);
      if (report.kind === "access" && link.mayLogInAnew) {
        link.end();
        link = await this.#linkTo(sentinel, key);
        replies = await link.ask(questions, this.#limits());
        report = reportOf(role, sentinel, replies);
      }
      this.#silent.delete(nameOf(sentinel));
      this.#well.add(nameOf(sentinel));
      // The next question may have another login.
      if (report.kind === "access") link.end();
      if (discovers) for (const peer of peersIn(replies[2])) this.#list.add(this.#mapped(peer));
      if (report.kind !== "unknown") return report;
      const [masters] = await link.ask([["sentinel", "masters"]], this.#limits());
      return { ...report, knows: namesIn(masters) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error("it failed");
      // Of the Sentinel that says nothing.
      if (isNoLogin(error)) return { kind: "silent", sentinel, error, isLate: false };
      this.#silent.add(nameOf(sentinel));
      this.#well.delete(nameOf(sentinel));
      this.#list.defer(sentinel);
      return { kind: "silent", sentinel, error, isLate: thrown instanceof LateError };
    }
  }

  async #linkTo(sentinel: Address, key: string): Promise<SentinelLink> {
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const entry = await this.#entry();
    await this.#mayConnect();
    const link = new SentinelLink(sentinel, this.#options.way, entry, () => {
      if (this.#links.get(key) === link) this.#links.delete(key);
    });
    this.#links.set(key, link);
    return link;
  }

  /** How the next connection to a Sentinel logs in. */
  #entry(): Promise<Entry> {
    return this.#logins.next(this.#ending.signal);
  }

  /** Resolves when another connect to a Sentinel may begin. */
  async #mayConnect(): Promise<void> {
    this.#connects++;
    const wait = this.#pace.reserve();
    const { signal } = this.#ending;
    if (wait > 0) await sleep(wait, signal);
    signal.throwIfAborted();
  }

  /** What is allowed doubles while nobody answers in time: the Sentinels may be far away. */
  #limits(): LinkLimits {
    const { limits, longest } = this.#options;
    const grown = 2 ** Math.min(this.#lateRounds, 10);
    return {
      connect: Math.max(limits.connect, Math.min(longest.connect, limits.connect * grown)),
      answer: Math.max(limits.answer, Math.min(longest.answer, limits.answer * grown)),
    };
  }
}

function namedIn(reports: readonly Report[]): Named[] {
  return reports.filter((report) => report.kind === "named");
}
