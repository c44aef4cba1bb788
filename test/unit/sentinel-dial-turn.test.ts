import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DialTurn, type Waiting } from "../../src/sentinel/dial-turn.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

let turn: DialTurn;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  turn = new DialTurn();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Client extends Waiting {
  readonly told: string[];
}
function client(): Client {
  const told: string[] = [];
  return { told, go: (what) => void told.push(what), failed: ({ message }) => void told.push(message) };
}

const REFUSED = new Error("refused");

describe("whose turn it is to dial", () => {
  it("is everybody's as long as the server can be reached", () => {
    const clients = [client(), client(), client()];
    for (const one of clients) turn.enter(one);
    expect(clients.map(({ told }) => told)).toEqual([["dial"], ["dial"], ["dial"]]);
  });

  it("is one's at a time while it cannot, and the others hear why", () => {
    const clients = [client(), client(), client()];
    for (const one of clients) turn.enter(one);
    for (const one of clients) turn.failed(one, REFUSED);
    const [first, second, third] = [client(), client(), client()];
    for (const one of [first, second, third]) turn.enter(one);
    vi.advanceTimersByTime(10_000);
    expect([first.told, second.told, third.told]).toEqual([["dial"], [], []]);
    turn.failed(first, REFUSED);
    expect([second.told, third.told]).toEqual([["refused"], ["refused"]]);
    vi.advanceTimersByTime(1_000);
    expect(second.told).toEqual(["refused", "dial"]);
    expect(third.told).toEqual(["refused"]);
  });

  it("is everybody's again when one has arrived", () => {
    const [first, second, third] = [client(), client(), client()];
    turn.enter(first);
    turn.failed(first, REFUSED);
    for (const one of [first, second, third]) turn.enter(one);
    vi.advanceTimersByTime(1_000);
    turn.arrived();
    expect([second.told, third.told]).toEqual([["dial"], ["dial"]]);
    expect(turn.isFailing).toBe(false);
  });

  it("comes at most eight times a second, however many fail how quickly", () => {
    let dials = 0;
    const again: Waiting = {
      go: () => {
        dials++;
        turn.failed(again, REFUSED);
        turn.enter(again);
      },
      failed: () => undefined,
    };
    turn.failed(again, REFUSED);
    turn.enter(again);
    vi.advanceTimersByTime(10_000);
    expect(dials).toBeLessThanOrEqual(70);
    expect(dials).toBeGreaterThanOrEqual(40);
  });

  it("passes to the next when the one whose it was leaves", () => {
    const [first, second] = [client(), client()];
    turn.failed(first, REFUSED);
    turn.enter(first);
    turn.enter(second);
    vi.advanceTimersByTime(1_000);
    turn.leave(first);
    vi.advanceTimersByTime(1_000);
    expect(second.told).toEqual(["dial"]);
  });

  it("is over when another server is wanted", () => {
    const [first, second] = [client(), client()];
    turn.failed(first, REFUSED);
    turn.enter(first);
    turn.enter(second);
    turn.abandon();
    expect([first.told, second.told]).toEqual([["again"], ["again"]]);
  });
});
