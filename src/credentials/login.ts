/** One login as a provider gave it, checked. It shows nothing of itself when it is printed. */
import { clock } from "../clock.js";

/** As ioredis keeps it: a password, or a user and a password. */
export type Auth = string | readonly [string, string];

/** An answer without an expiry is good for the connections of one moment, in milliseconds. */
const SHARED_FOR = 1_000;
/** Before it expires it is taken for expired by this share of its life, at most so many milliseconds: it must arrive first. */
const MARGIN = 0.05;
const LONGEST_MARGIN = 5_000;

/** What was wrong with an answer, in words that hold nothing of it. */
export type Rubbish = { readonly wrong: string };

export class Login {
  readonly #auth: Auth;
  /** When it expires, on both clocks: the monotonic one may stand still while the machine sleeps. */
  #expiry: { readonly wall: number; readonly at: number; readonly life: number } | undefined;
  #since: number;
  /** The server has refused it, and has not taken it since. */
  isRefused = false;
  /** Whoever was refused with it may ask for another one and try that: it has not been asked for anew yet. */
  mayAskAnew = false;

  private constructor(auth: Auth, expiresAt: number | undefined) {
    this.#auth = auth;
    this.#since = clock.now();
    this.#expiry = this.#expiryOf(expiresAt);
  }

  /** Checks what a provider returned. */
  static from(answer: unknown): Login | Rubbish {
    if (typeof answer !== "object" || answer === null)
      return { wrong: `returned ${shape(answer)} instead of { password }` };
    const { username, password, expiresAt } = answer as Record<string, unknown>;
    if (typeof password !== "string") return { wrong: `returned ${shape(password)} as the password` };
    if (password === "") return { wrong: "returned an empty password" };
    if (username !== undefined && username !== null && typeof username !== "string") {
      return { wrong: `returned ${shape(username)} as the user name` };
    }
    const until = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
    if (until !== undefined && until !== null && !(typeof until === "number" && Number.isFinite(until))) {
      const what = typeof until === "number" ? invalid(expiresAt) : shape(expiresAt);
      return { wrong: `returned ${what} as expiresAt, which is a Date or milliseconds since 1970` };
    }
    const wall = until ?? undefined;
    if (wall !== undefined && wall <= clock.wallTime()) {
      return { wrong: `returned credentials that have expired${mistakeIn(wall)}` };
    }
    return new Login(username ? [username, password] : password, wall);
  }

  get auth(): Auth {
    return this.#auth;
  }

  /** The same user and password. */
  equals(other: Login): boolean {
    return JSON.stringify(this.#auth) === JSON.stringify(other.#auth);
  }

  /** It was given once more: what is known of its expiry is newer. */
  renewed(by: Login): void {
    this.#expiry = by.#expiry;
    this.#since = by.#since;
  }

  /** Nobody has said that it is over. */
  get isUsable(): boolean {
    const expiry = this.#expiry;
    return expiry === undefined || (clock.now() < expiry.at && clock.wallTime() < expiry.wall);
  }

  /** A new connection may use it without asking. */
  get isFresh(): boolean {
    const expiry = this.#expiry;
    if (expiry === undefined) return clock.now() - this.#since < SHARED_FOR;
    const margin = Math.min(expiry.life * MARGIN, LONGEST_MARGIN);
    return clock.now() < expiry.at - margin && clock.wallTime() < expiry.wall - margin;
  }

  /** Milliseconds from its arrival to its expiry; `undefined` if it has none. */
  get life(): number | undefined {
    return this.#expiry?.life;
  }

  /** Milliseconds until it expires; `Infinity` if nobody knows. */
  get left(): number {
    return this.#expiry === undefined ? Infinity : Math.max(0, this.#expiry.at - clock.now());
  }

  #expiryOf(wall: number | undefined): { wall: number; at: number; life: number } | undefined {
    if (wall === undefined) return undefined;
    const life = wall - clock.wallTime();
    return { wall, at: this.#since + life, life };
  }
}

/** What is no time of these years was meant as something else: seconds since 1970, or how long it lasts. */
function mistakeIn(wall: number): string {
  if (wall > 1e9 && wall < 1e11 && wall * 1_000 > clock.wallTime())
    return ": expiresAt is in seconds, and must be in milliseconds";
  return wall < 1e9 ? ": expiresAt is a point in time, not how long they last" : "";
}

function invalid(expiresAt: unknown): string {
  return expiresAt instanceof Date ? "an invalid Date" : String(expiresAt);
}

function shape(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "function") return "a function";
  return Array.isArray(value) ? "an array" : `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}
