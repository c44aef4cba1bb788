import { describe, expect, it } from "vitest";
import { streamTailsOf } from "../../src/command/stream-tails.js";

describe("streams that an XREAD reads from now on", () => {
  it.each<[string, unknown[], unknown]>([
    ["xread", ["BLOCK", 0, "STREAMS", "a", "$"], [{ key: "a", at: 4 }]],
    ["XREAD", ["count", "2", "block", "0", "streams", "a", "b", "0-1", "$"], [{ key: "b", at: 8 }]],
    ["xread", ["STREAMS", Buffer.from("a"), Buffer.from("$")], [{ key: Buffer.from("a"), at: 2 }]],
    ["xread", ["BLOCK", 0, "STREAMS", "$", "5-1"], []],
    ["xread", ["BLOCK", 0, "STREAMS", "a", "b", "$"], []],
    ["xread", ["BLOCK", 0], []],
    ["xread", [null, {}, undefined], []],
    ["xreadgroup", ["GROUP", "g", "c", "STREAMS", "a", "$"], []],
  ])("%s %j", (name, args, tails) => {
    expect(streamTailsOf(name, args)).toEqual(tails);
  });
});
