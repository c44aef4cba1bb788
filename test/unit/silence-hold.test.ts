import { beforeEach, describe, expect, it } from "vitest";
import { clock, replaceClock, type Immediate, type Timer } from "../../src/clock.js";
import type { Call } from "../../src/engine/call.js";
import { SilenceHold } from "../../src/engine/silence-hold.js";
import { makeCall } from "./call-factory.js";

let now = 0;
let timers: { at: number; run: () => void }[] = [];

beforeEach(() => {
  now = 0;
  timers = [];
  replaceClock({
    ...clock,
    now: () => now,
    setTimeout: (run, ms) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return Object.assign(timer, { unref: () => timer }) as unknown as Timer;
    },
    clearTimeout: (timer) => void (timers = timers.filter((other) => other !== (timer as unknown))),
    setImmediate: (run) => {
      timers.push({ at: now, run });
      return {} as Immediate;
    },
  });
});

/** A connection on which a byte came last at `heardAt`; `replies` ends what is awaited. */
class Connection {
  heardAt = 0;
  owed = true;
  explained = false;
  holds: number[] = [];
  resumes: number[] = [];
  lasting: number[] = [];
  newest: Call | undefined = undefined;
  readonly hold: SilenceHold;
  #onReply: (() => void)[] = [];

  constructor(after: number | false, deadline = 0) {
    this.hold = new SilenceHold(
      { after, deadline },
      {
        isOwed: () => this.owed,
        owedFor: () => (this.explained || !this.owed ? 0 : now - this.heardAt),
        newest: () => this.newest,
        whenNextReply: (run) => this.#onReply.push(run),
        hold: () => this.holds.push(now),
        resume: () => this.resumes.push(now),
        lasts: (silence) => this.lasting.push(silence),
      },
    );
  }

  send(): Call {
    const call = makeCall("get", ["k"], now);
    call.send(now);
    if (!this.hold.isWatching) this.hold.watch(call, now);
    return call;
  }

  reply(): void {
    this.heardAt = now;
    for (const run of this.#onReply.splice(0)) run();
  }
}

/** Lets time pass; `late`: the timers of that time run only at its end, as after a stall. */
function pass(ms: number, late = false): void {
  const end = now + ms;
  if (late) now = end;
  for (;;) {
    timers.sort((one, other) => one.at - other.at);
    const [next] = timers;
    if (next === undefined || next.at > end) break;
    timers.shift();
    now = Math.max(now, next.at);
    next.run();
  }
  now = end;
}

describe("the silence hold", () => {
  it("begins after the time, not before, and ends with the next reply", async () => {
    const connection = new Connection(500);
    connection.send();
    pass(499);
    expect(connection.holds).toEqual([]);
    pass(2);
    expect(connection.holds).toEqual([500]);
    expect(connection.hold.heldFor(now)).toBe(1);
    pass(1000);
    connection.reply();
    expect(connection.resumes).toEqual([]);
    await Promise.resolve();
    expect(connection.resumes).toEqual([1501]);
    expect(connection.hold.heldFor(now)).toBeUndefined();
  });

  it("tells once when the silence has lasted for two seconds, and not of one that ends before", async () => {
    const connection = new Connection(500);
    connection.send();
    pass(1900);
    connection.reply();
    await Promise.resolve();
    pass(1000);
    connection.heardAt = now;
    connection.send();
    pass(1999);
    expect(connection.lasting).toEqual([]);
    pass(10_000);
    expect(connection.lasting).toEqual([2000]);
  });

  it("begins anew with every byte, and not while a block or a payload explains the silence", () => {
    const connection = new Connection(500);
    connection.send();
    for (let i = 0; i < 10; i++) {
      pass(400);
      connection.heardAt = now;
    }
    connection.explained = true;
    pass(5000);
    expect(connection.holds).toEqual([]);
  });

  it("has no timer once nothing is owed", () => {
    const connection = new Connection(500);
    connection.send();
    connection.owed = false;
    pass(200);
    expect(timers).toEqual([]);
    expect(connection.hold.isWatching).toBe(false);
  });

  it("is at most half the deadline, and never less than a few round trips", () => {
    expect(new Connection(500, 300).hold.after).toBe(150);
    const far = new Connection(500, 5000);
    const call = far.send();
    pass(90);
    now = 400;
    call.answered();
    expect(far.hold.after).toBe(1200);
    // A later, quicker one was held up by nothing.
    far.newest = far.send();
    pass(far.hold.after / 5);
    const quick = now - far.newest.sentAt;
    far.newest.answered();
    expect(far.hold.after).toBe(Math.max(500, 3 * quick));
  });

  it("does not count time in which this process stood still", () => {
    const connection = new Connection(500);
    connection.send();
    pass(3000, true);
    expect(connection.holds).toEqual([]);
    connection.reply();
    pass(400);
    expect(connection.holds).toEqual([]);
  });

  it("looks once more after the poll phase", () => {
    const connection = new Connection(500);
    connection.send();
    pass(500);
    expect(connection.holds).toEqual([500]);
    const late = new Connection(100);
    late.send();
    for (let i = 0; i < 4; i++) pass(20);
    now = 100;
    timers.shift()?.run();
    late.heardAt = now;
    pass(1);
    expect(late.holds).toEqual([]);
  });

  it("hears nothing of a connection that is gone", async () => {
    const connection = new Connection(100);
    connection.send();
    pass(101);
    connection.hold.connectionLost();
    connection.reply();
    await Promise.resolve();
    expect(connection.resumes).toEqual([]);
    expect(connection.hold.isWatching).toBe(false);
  });

  it("is off with `false`: nothing is ever watched", () => {
    const connection = new Connection(false);
    connection.send();
    pass(10_000);
    expect(timers).toEqual([]);
    expect(connection.holds).toEqual([]);
  });
});
