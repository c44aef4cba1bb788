/**
 * The password of the user `app`, which changes every two seconds, the old one refused a second later; the provider that gives it,
 * which hangs once and throws once; the load of callers meanwhile, and the cuts. For one server and for a cluster.
 */
import type { Recorded } from "../../lab/recorder.mjs";
import type { Credentials, CredentialsProvider } from "../../src/credentials/provider.js";
import { eventually } from "../helpers/eventually.js";
import { outcomeOf, sleep } from "./core-harness.js";

/** In milliseconds. */
const EVERY = 2_000;
const OVERLAP = 1_000;
const CUT_EVERY = 1_000;
/**
 * A login waits for the end of a block or a MULTI, or for a reply, and is one with the newest password then. Long runs hold it to less:
 * a connection that is lent all the time sometimes misses a password, and has the next.
 */
const LOGIN_WAITS = 2_500;

/** Which questions are answered badly, of those for a server that a login is there for. */
export interface Faults {
  readonly hangs: number;
  readonly throws: number;
}

export class RotatingPassword {
  questions = 0;
  #renewals = 0;
  readonly #setUser: (...rules: readonly string[]) => Promise<unknown>;
  readonly #faults: Faults;
  /** What the provider gave, by port, 0 for what Sentinels lead to: in order, each password once. */
  readonly #given = new Map<number, readonly { readonly password: string; readonly at: number }[]>();
  #current = { password: "p0", refusedAt: Date.now() + EVERY + OVERLAP };

  /** `setUser` changes the user at each server that there is. */
  constructor(setUser: (...rules: readonly string[]) => Promise<unknown>, faults: Faults) {
    this.#setUser = setUser;
    this.#faults = faults;
  }

  readonly provider: CredentialsProvider = ({ endpoint: { port = 0 } }) => {
    this.questions++;
    const before = this.givenFor(port);
    if (before.length > 0) this.#renewals++;
    if (before.length > 0 && this.#renewals === this.#faults.hangs) return new Promise(ignoring);
    if (before.length > 0 && this.#renewals === this.#faults.throws) throw new Error("the vault is sealed");
    const { password, refusedAt } = this.#current;
    if (!before.includes(password)) {
      this.#given.set(port, [...(this.#given.get(port) ?? []), { password, at: performance.now() }]);
    }
    const answer: Credentials = { username: "app", password, expiresAt: refusedAt };
    return answer;
  };

  givenFor(port: number): readonly string[] {
    return (this.#given.get(port) ?? []).map(({ password }) => password);
  }

  /** What a connection that has had `passwords` should have had: one that was soon followed by the next may be missing. */
  dueFor(port: number, passwords: readonly string[], loginWaits = LOGIN_WAITS): readonly string[] {
    const given = this.#given.get(port) ?? [];
    const first = given.findIndex(({ password }) => password === passwords[0]);
    const last = given.findIndex(({ password }) => password === passwords.at(-1));
    return given
      .slice(first, last + 1)
      .filter(({ password, at }, place, due) => {
        const next = due[place + 1];
        return passwords.includes(password) || next === undefined || next.at - at > loginWaits;
      })
      .map(({ password }) => password);
  }

  async begin(): Promise<void> {
    await this.#setUser("resetpass", ">p0");
  }

  /** Goes on while `isOn`. No client may have asked before. */
  async rotate(isOn: () => boolean): Promise<void> {
    this.#current = { password: "p0", refusedAt: Date.now() + EVERY + OVERLAP };
    for (let i = 1; isOn(); i++) {
      await sleep(EVERY);
      const old = this.#current.password;
      await this.#setUser(`>p${i}`);
      this.#current = { password: `p${i}`, refusedAt: Date.now() + EVERY + OVERLAP };
      void sleep(OVERLAP).then(() => this.#setUser(`<${old}`));
    }
  }

  /** Resolves when the last password has reached every connection that is there, and the one before is refused. */
  async hasReached(open: () => readonly Recorded[]): Promise<void> {
    await eventually(() => {
      const behind = open().filter(({ passwords }) => passwords.at(-1) !== this.#current.password);
      const stories = behind.map(({ passwords, commands }) => `${passwords.at(-1)}: ${commands.slice(-6).join(" ")}`);
      if (behind.length > 0) throw new Error(`${behind.length} connections are behind: ${stories.join("; ")}`);
    }, { withinMs: 15_000 }); // prettier-ignore
    await sleep(OVERLAP);
  }
}

/** What callers were told. */
export class Callers {
  answered = 0;
  /** Commands that were in flight, or held by a WATCH or MULTI, when their connection was lost: by a cut, where none ends otherwise. */
  inFlight = 0;
  /** The other errors. */
  readonly failed: string[] = [];

  async count(promise: Promise<unknown>): Promise<void> {
    const { error } = await outcomeOf(promise);
    if (error === undefined) this.answered++;
    else if (/^(?:OutcomeUnknown|TransactionAborted)Error$/.test(error.name)) this.inFlight++;
    else this.failed.push(`${error.name}: ${error.message}`);
  }
}

/** Does the same again and again. */
export async function repeat(isOn: () => boolean, act: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; isOn(); round++) {
    await act(round);
    await sleep(2);
  }
}

/** Cuts a connection each second, in steps of `step` through those that are open. */
export async function cutting(isOn: () => boolean, open: () => readonly Recorded[], step: number): Promise<void> {
  for (let i = 0; isOn(); i++) {
    await sleep(CUT_EVERY);
    const all = open();
    all[(i * step) % Math.max(1, all.length)]?.cut();
  }
}

function ignoring(): void {
  // A promise that never settles.
}
