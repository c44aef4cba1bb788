import { afterEach, describe, expect, it, vi } from "vitest";
import { Session } from "../../src/flow/session.js";
import { makeBatch, makeCall } from "./call-factory.js";

function send(session: Session, ...names: string[]): ReturnType<typeof makeCall>[] {
  return names.map((name) => {
    const call = makeCall(name);
    session.sent(call);
    return call;
  });
}

describe("what a connection holds", () => {
  it.each([
    [[], undefined],
    [["watch"], "WATCH"],
    [["watch", "unwatch"], undefined],
    [["watch", "multi", "exec"], undefined],
    [["multi"], "MULTI"],
    [["watch", "multi"], "MULTI"],
    [["multi", "discard"], undefined],
    [["multi", "reset"], undefined],
    [["multi", "unwatch"], "MULTI"],
    [["watch", "get", "set"], "WATCH"],
  ] as const)("after %j is %s", (names, held) => {
    const session = new Session();
    send(session, ...names);
    expect(session.held).toBe(held);
    expect(session.isHolding).toBe(held !== undefined);
  });

  it("is nothing for a batch that brings its own EXEC", () => {
    const session = new Session();
    for (const call of makeBatch("multi", "set", "exec").calls) session.sent(call);
    expect(session.isHolding).toBe(false);
  });
});

describe("calls that count on their connection", () => {
  it("are those between MULTI and EXEC, and whether EXEC was sent is known to all of them", () => {
    const session = new Session();
    const [multi, set, exec] = send(session, "multi", "set", "exec");
    expect(set?.tie).toBe(multi?.tie);
    expect(exec?.tie).toBe(multi?.tie);
    expect(multi?.tie).toEqual({ held: "MULTI", executed: true });
    const [open, queued] = send(session, "multi", "set");
    expect(queued?.tie).toEqual({ held: "MULTI", executed: false });
    expect(open?.tie).not.toBe(multi?.tie);
    const [free] = send(session, "discard", "set").slice(1);
    expect(free?.tie).toBeUndefined();
  });

  it("are the EXEC behind a WATCH, and its whole batch", () => {
    const session = new Session();
    send(session, "watch");
    const batch = makeBatch("multi", "set", "exec");
    for (const call of batch.calls) session.sent(call);
    expect(batch.tied).toBe(true);
    expect(batch.calls.map((call) => call.tie?.held)).toEqual([undefined, undefined, "WATCH"]);
    const next = makeBatch("multi", "set", "exec");
    for (const call of next.calls) session.sent(call);
    expect(next.tied).toBe(false);
  });
});

describe("after a lost WATCH", () => {
  it("refuses one transaction, then all is well again", () => {
    const session = new Session();
    send(session, "watch");
    session.connectionLost(false);
    expect(session.check(makeCall("get"))).toBeUndefined();
    expect(session.check(makeCall("multi"))).toBe("WATCH");
    expect(session.isLost).toBe(false);
    expect(session.check(makeCall("multi"))).toBeUndefined();
  });

  it.each(["watch", "unwatch", "discard", "reset"])("is forgotten with %s", (name) => {
    const session = new Session();
    send(session, "watch");
    session.connectionLost(false);
    expect(session.check(makeCall(name))).toBeUndefined();
    expect(session.isLost).toBe(false);
  });

  it("has nothing more to tell when the waiting transaction has been refused already", () => {
    const session = new Session();
    send(session, "watch");
    session.connectionLost(true);
    expect(session.isLost).toBe(false);
  });
});

describe("after a lost MULTI", () => {
  it("refuses everything up to EXEC, but no batch of its own", () => {
    const session = new Session();
    send(session, "multi");
    session.connectionLost(false);
    expect(session.check(makeCall("set"))).toBe("MULTI");
    const [member] = makeBatch("get").calls;
    expect(member && session.check(member)).toBeUndefined();
    expect(session.check(makeCall("exec"))).toBe("MULTI");
    expect(session.check(makeCall("set"))).toBeUndefined();
  });

  it("is over with DISCARD, which says so, and with a new MULTI", () => {
    const session = new Session();
    send(session, "multi");
    session.connectionLost(false);
    expect(session.check(makeCall("discard"))).toBe("MULTI");
    expect(session.isLost).toBe(false);
    send(session, "multi");
    session.connectionLost(false);
    expect(session.check(makeCall("multi"))).toBeUndefined();
    expect(session.check(makeCall("set"))).toBeUndefined();
  });

  it("stays lost when the connection goes once more", () => {
    const session = new Session();
    send(session, "multi");
    session.connectionLost(false);
    session.connectionLost(false);
    expect(session.check(makeCall("set"))).toBe("MULTI");
  });
});

describe("a lost MULTI whose owner has given up", () => {
  afterEach(() => vi.useRealTimers());

  it("stops refusing what others send on the same client after 30 s, and not before", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const session = new Session();
    send(session, "multi");
    session.connectionLost(false);
    vi.advanceTimersByTime(29_999);
    expect(session.check(makeCall("get"))).toBe("MULTI");
    vi.advanceTimersByTime(1);
    expect(session.check(makeCall("get"))).toBeUndefined();
    expect(session.isLost).toBe(false);
  });
});
