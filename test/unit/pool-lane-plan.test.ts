import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import { slotOf } from "../../src/ioredis/commands.js";
import { placeOf, placeOfBatch } from "../../src/routing/lane-plan.js";

const SIZE = 4;

function place(name: string, ...args: string[]) {
  return placeOf(new Command(name, args), SIZE, slotOf);
}

describe("placeOf", () => {
  it("sends every command of a key to one lane, and spreads keys over all of them", () => {
    const lanes = new Set<number>();
    for (let n = 0; n < 200; n++) {
      const get = place("get", `key:${n}`);
      expect(place("SET", `key:${n}`, "v")).toEqual(get);
      expect(place("hset", `key:${n}`, "f", "v")).toEqual(get);
      if ("lane" in get) lanes.add(get.lane);
    }
    expect(lanes.size).toBe(SIZE);
  });

  it("keeps keys with one hash tag together", () => {
    const one = place("get", "{user:1}:name");
    expect(place("mget", "{user:1}:name", "{user:1}:mail", "{user:1}:age")).toEqual(one);
    expect(one).toMatchObject({ alone: false });
  });

  it("gives the connections to itself what touches keys of several lanes, or any key", () => {
    const many = Array.from({ length: 20 }, (_, n) => `key:${n}`);
    expect(place("mget", ...many)).toMatchObject({ alone: true });
    expect(place("flushall")).toMatchObject({ lane: 0, alone: true });
    expect(place("dbsize")).toMatchObject({ alone: true });
    expect(place("eval", "return 1", "0")).toMatchObject({ alone: true });
    expect(place("module.command", "whatever")).toMatchObject({ alone: true });
  });

  it("sends what concerns no key at once, to the first lane", () => {
    for (const name of ["ping", "info", "publish", "time"]) {
      expect(place(name, "x", "y")).toEqual({ lane: 0, alone: false });
    }
  });

  it.each(["select", "watch", "unwatch", "multi", "exec", "discard", "wait", "waitaof", "reset"])(
    "refuses %s and says what to do instead",
    (name) => {
      expect(place(name, "1", "2")).toEqual({ refused: expect.stringMatching(/withConnection|transaction/) as string });
    },
  );
});

describe("placeOfBatch", () => {
  it("takes the lane of the first key for all members", () => {
    const batch = [
      new Command("multi"),
      new Command("set", ["k", "v"]),
      new Command("get", ["k"]),
      new Command("exec"),
    ];
    expect(placeOfBatch(batch, SIZE, slotOf)).toEqual(place("get", "k"));
  });

  it("gives the connections to itself a batch with keys of several lanes", () => {
    const batch = Array.from({ length: 20 }, (_, n) => new Command("incr", [`key:${n}`]));
    expect(placeOfBatch(batch, SIZE, slotOf)).toMatchObject({ alone: true });
  });
});
