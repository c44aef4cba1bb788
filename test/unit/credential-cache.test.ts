/** What a provider is asked, when, and what becomes of answers that are late, wrong or none. */
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Failure } from "../../src/credentials/asking.js";
import { CredentialCache, type CredentialsUser } from "../../src/credentials/cache.js";
import { Login } from "../../src/credentials/login.js";
import type { Credentials, CredentialsProvider, CredentialsRequest } from "../../src/credentials/provider.js";
import { followGlobals } from "../helpers/global-clock.js";

const ENDPOINT = { host: "redis.internal", port: 6379, isSentinel: false };
const SECRET = "Canary-Pa55";

beforeEach(() => {
  const timers = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] as const;
  vi.useFakeTimers({ toFake: ["performance", "Date", ...timers], now: 1_800_000_000_000 });
  // No spread: what is due after three quarters of a life is due exactly then.
  vi.spyOn(Math, "random").mockReturnValue(0);
  followGlobals();
});

const endings: (() => void)[] = [];
afterEach(async () => {
  // What hangs is measured against the stalls of this process, and so would be the next test.
  for (const end of endings.splice(0)) end();
  await after(0);
});

/** What is late is told once the sockets have been read. */
const after = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await new Promise((resolve) => setImmediate(resolve));
};
const hanging = (): Promise<never> => new Promise(() => undefined);

type Answer = unknown;

/** A provider that gives these answers, then the last one for ever, and notes what it was asked. */
function provider(
  ...answers: ((request: CredentialsRequest) => Answer)[]
): CredentialsProvider & { reasons: string[] } {
  const reasons: string[] = [];
  const fromVault = (request: CredentialsRequest): Credentials => {
    reasons.push(request.reason);
    const answer = answers[Math.min(reasons.length, answers.length) - 1];
    return answer?.(request) as Credentials;
  };
  return Object.assign(fromVault, { reasons });
}

/** What `life` milliseconds from now expires. */
const lasting = (password: string, life: number) => (): Credentials => ({ password, expiresAt: Date.now() + life });

class User implements CredentialsUser {
  readonly heard: string[] = [];
  changed(login: Login): void {
    this.heard.push(`changed ${String(login.auth)}`);
  }
  failed(what: string, left: number): void {
    this.heard.push(`failed: ${what}; ${String(left)}`);
  }
  renewed(): void {
    this.heard.push("renewed");
  }
}

const unwatched = new AbortController().signal;

/** What a dial is given: the login's words, or the failure's. */
async function dial(cache: CredentialCache, signal: AbortSignal = unwatched): Promise<string> {
  const given = await cache.take(signal);
  return given instanceof Failure ? `failure: ${given.what}` : String(given.auth);
}

async function live(cache: CredentialCache): Promise<User> {
  const user = new User();
  const login = await cache.take(unwatched);
  if (login instanceof Failure) throw new Error(login.what);
  cache.join(user);
  endings.push(() => cache.leave(user));
  cache.accepted(login);
  return user;
}

function currentOf(cache: CredentialCache): Login {
  if (cache.current === undefined) throw new Error("nothing was given yet");
  return cache.current;
}

describe("a dial", () => {
  it("shares the question with those at the same time, and the answer while it is good", async () => {
    const given = provider(lasting("one", 60_000), lasting("two", 60_000));
    const cache = new CredentialCache(given, ENDPOINT);
    expect(await Promise.all([dial(cache), dial(cache), dial(cache)])).toEqual(["one", "one", "one"]);
    await after(50_000);
    expect(await dial(cache)).toBe("one");
    // It must arrive before it expires.
    await after(8_000);
    expect(await dial(cache)).toBe("two");
    expect(given.reasons).toEqual(["connect", "connect"]);
  });

  it("asks each time, a moment apart, where nobody knows the expiry", async () => {
    const given = provider(
      () => ({ username: "app", password: "one" }),
      () => ({ password: "two" }),
    );
    const cache = new CredentialCache(given, ENDPOINT);
    expect(await dial(cache)).toBe("app,one");
    await after(500);
    expect(await dial(cache)).toBe("app,one");
    await after(600);
    expect(await dial(cache)).toBe("two");
  });

  it("does not wait for a provider that hangs while the old login is good, and no longer than ten seconds else", async () => {
    const given = provider(lasting("one", 8_000), hanging);
    const cache = new CredentialCache(given, ENDPOINT);
    const user = await live(cache);
    await after(6_500);
    expect(given.reasons).toEqual(["connect", "expiring"]);
    expect(await dial(cache)).toBe("one");
    await after(1_500);
    expect(user.heard).toEqual(["failed: did not answer within 2 s; 0"]);
    const waiting = dial(cache);
    await after(10_000);
    expect(await waiting).toMatch(/^failure: did not answer within/);
  });

  it("aborts the question that has come too late, and the one that nobody waits for any more", async () => {
    const signals: AbortSignal[] = [];
    const cache = new CredentialCache((request) => {
      signals.push(request.signal);
      return hanging();
    }, ENDPOINT);
    const controller = new AbortController();
    const given = dial(cache, controller.signal);
    controller.abort();
    expect(await given).toMatch(/^failure/);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await after(0);
    const late = dial(cache);
    await after(9_999);
    expect(signals.at(-1)?.aborted).toBe(false);
    await after(1);
    expect(await late).toBe("failure: did not answer within 10 s");
    expect(signals.at(-1)?.aborted).toBe(true);
  });

  it("goes on with the last login when the provider fails, unless that has expired", async () => {
    const broken = (): never => {
      throw new Error(SECRET);
    };
    const eternal = new CredentialCache(
      provider(() => ({ password: "old" }), broken),
      ENDPOINT,
    );
    const expiring = new CredentialCache(provider(lasting("old", 5_000), broken), ENDPOINT);
    expect([await dial(eternal), await dial(expiring)]).toEqual(["old", "old"]);
    await after(5_000);
    expect([await dial(eternal), await dial(expiring)]).toEqual(["old", "failure: threw an error"]);
  });
});

describe("a login that expires", () => {
  it("is renewed at three quarters of its life, less a tenth of that, and everybody is told", async () => {
    const given = provider(lasting("one", 60_000), lasting("two", 60_000), lasting("three", 60_000));
    const cache = new CredentialCache(given, ENDPOINT);
    const user = await live(cache);
    await after(44_999);
    expect(given.reasons).toEqual(["connect"]);
    vi.spyOn(Math, "random").mockReturnValue(1);
    await after(1);
    expect(given.reasons).toEqual(["connect", "expiring"]);
    await after(40_499);
    expect(user.heard).toEqual(["changed two"]);
    await after(1);
    expect(user.heard).toEqual(["changed two", "changed three"]);
  });

  it("is not renewed while nobody is connected", async () => {
    const given = provider(lasting("one", 60_000), lasting("two", 60_000));
    const cache = new CredentialCache(given, ENDPOINT);
    const user = await live(cache);
    cache.leave(user);
    await after(600_000);
    expect(given.reasons).toEqual(["connect"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is asked for at most once a second, whatever the provider keeps handing out", async () => {
    const end = Date.now() + 4_000;
    const given = provider(() => ({ password: "same", expiresAt: end }));
    const user = await live(new CredentialCache(given, ENDPOINT));
    await after(4_000);
    expect(given.reasons.length).toBeGreaterThan(1);
    expect(given.reasons.length).toBeLessThanOrEqual(4);
    expect(user.heard.filter((one) => one.startsWith("changed"))).toEqual([]);
  });

  it("is asked for again with growing pauses when the provider fails, and the end of that is told once", async () => {
    const broken = (): never => {
      throw Object.assign(new Error(SECRET), { code: "ECONNREFUSED" });
    };
    vi.spyOn(Math, "random").mockReturnValue(0.999);
    const given = provider(lasting("one", 100_000), broken, broken, broken, lasting("two", 100_000));
    const user = await live(new CredentialCache(given, ENDPOINT));
    await after(67_508);
    expect(user.heard).toEqual([expect.stringMatching(/^failed: threw an error \(ECONNREFUSED\); 32\d\d\d/)]);
    await after(7_100);
    expect(given.reasons).toHaveLength(5);
    expect(user.heard.slice(3)).toEqual(["renewed", "changed two"]);
  });

  it("is asked for anew when its provider says that it has changed", async () => {
    let changed = (): void => undefined;
    const stop = vi.fn();
    const watching = Object.assign(
      provider(
        () => ({ password: "one" }),
        () => ({ password: "two" }),
      ),
      {
        watch: (tell: () => void) => {
          changed = tell;
          return stop;
        },
      },
    );
    const cache = new CredentialCache(watching, ENDPOINT);
    const user = await live(cache);
    changed();
    await after(0);
    expect(user.heard).toEqual(["changed two"]);
    cache.leave(user);
    expect(stop).toHaveBeenCalledOnce();
    changed();
    await after(0);
    expect(watching.reasons).toEqual(["connect", "expiring"]);
  });
});

describe("a login that the server refuses", () => {
  it("is asked for once more, at once, and who is refused dials again", async () => {
    const given = provider(lasting("old", 60_000), lasting("new", 60_000));
    const cache = new CredentialCache(given, ENDPOINT);
    await dial(cache);
    const login = currentOf(cache);
    // All those that were dialling with it.
    expect([cache.refused(login), cache.refused(login)]).toEqual([true, true]);
    expect(await Promise.all([dial(cache), dial(cache)])).toEqual(["new", "new"]);
    expect(given.reasons).toEqual(["connect", "rejected"]);
    expect(cache.refused(login)).toBe(true);
  });

  it("is a failure when the second is refused as well; then there are pauses", async () => {
    const given = provider(lasting("old", 60_000), lasting("new", 60_000), lasting("newer", 60_000));
    const cache = new CredentialCache(given, ENDPOINT);
    await dial(cache);
    cache.refused(currentOf(cache));
    await dial(cache);
    expect(cache.refused(currentOf(cache))).toBe(false);
    // Perhaps the server takes it by now.
    expect(await dial(cache)).toBe("new");
    await after(250);
    expect(await dial(cache)).toBe("newer");
    expect(given.reasons).toEqual(["connect", "rejected", "rejected"]);
  });

  it("that is all the provider knows is tried again on live connections after a pause, in case the server learns of it", async () => {
    const given = provider(lasting("one", 60_000), () => ({ password: "early", expiresAt: Date.now() + 90_000 }));
    const cache = new CredentialCache(given, ENDPOINT);
    const user = await live(cache);
    await after(45_000);
    expect(user.heard).toEqual(["changed early"]);
    cache.refused(currentOf(cache));
    await after(0);
    expect(user.heard.slice(1)).toEqual([expect.stringMatching(/^failed: gives credentials that the server refuses/)]);
    await after(250);
    expect(user.heard.at(-1)).toBe("changed early");
    cache.accepted(currentOf(cache));
    expect(user.heard.at(-1)).toBe("renewed");
  });
});

describe("rubbish", () => {
  it.each([
    ["nothing at all", undefined, "returned nothing instead of { password }"],
    ["a text", SECRET, "returned a string instead of { password }"],
    ["no password", { username: SECRET }, "returned nothing as the password"],
    ["a number", { password: 9241 }, "returned a number as the password"],
    ["an empty password", { password: "" }, "returned an empty password"],
    ["a user that is none", { password: SECRET, username: [SECRET] }, "returned an array as the user name"],
    ["an expiry that is none", { password: SECRET, expiresAt: SECRET }, "returned a string as expiresAt, which"],
    ["an invalid date", { password: SECRET, expiresAt: new Date(NaN) }, "returned an invalid Date as expiresAt, which"],
    ["no number", { password: SECRET, expiresAt: NaN }, "returned NaN as expiresAt, which"],
    ["an expired login", { password: SECRET, expiresAt: 1_700_000_000_000 }, "returned credentials that have expired"],
    ["a duration", { password: SECRET, expiresAt: 3_600 }, "expiresAt is a point in time, not how long they last"],
    ["seconds", { password: SECRET, expiresAt: 1_800_003_600 }, "expiresAt is in seconds, and must be in milliseconds"],
  ])("such as %s is described by its shape", async (_name, answer, words) => {
    const said = await dial(
      new CredentialCache(
        provider(() => answer),
        ENDPOINT,
      ),
    );
    expect(said).toContain(words);
    expect(said).not.toMatch(/Canary|9241|1700000000000/);
  });

  it.each<[string, () => unknown]>([
    [
      "an error with the secret in every place",
      () => Promise.reject(Object.assign(new Error(SECRET), { code: SECRET })),
    ],
    ["no error", () => AbortSignal.abort(SECRET).throwIfAborted()],
    [
      "a getter that throws",
      () => ({
        get password() {
          throw new Error(SECRET);
        },
      }),
    ],
    ["a proxy", () => Promise.reject(new Proxy(new Error(SECRET), { has: () => { throw new Error(SECRET); } }))], // prettier-ignore
  ])("that is thrown says nothing of itself: %s", async (_name, act) => {
    const said = await dial(new CredentialCache(provider(act), ENDPOINT));
    expect(said).toMatch(/^failure: threw (an error|something that is no error)$/);
  });

  it("a provider that cannot be watched is asked all the same", async () => {
    const watching = Object.assign(
      provider(() => ({ password: "one" })),
      {
        watch: () => {
          throw new Error(SECRET);
        },
      },
    );
    expect((await live(new CredentialCache(watching, ENDPOINT))).heard).toEqual([]);
  });
});

it("shows nothing of a login that is printed", async () => {
  const cache = new CredentialCache(
    provider(() => ({ username: SECRET, password: SECRET })),
    ENDPOINT,
  );
  await dial(cache);
  for (const one of [cache, currentOf(cache), { cache }]) {
    expect(inspect(one, { depth: 20, showHidden: true })).not.toContain("Canary");
    expect(JSON.stringify(one)).not.toContain("Canary");
  }
});
