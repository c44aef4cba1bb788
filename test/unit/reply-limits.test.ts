/** A server's bytes are followed without being decoded: what no true reply can be is told before it has been collected. */
import { describe, expect, it } from "vitest";
import { ReplyLimits, type Excess, type TooLong } from "../../src/ioredis/reply-limits.js";

const LIMIT = 1_000;

/** The first complaint about a text that comes in pieces of `size` bytes. */
function scan(text: string, size: number): Excess | undefined {
  const limits = new ReplyLimits(LIMIT);
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size) {
    const excess = limits.scan(bytes.subarray(at, at + size));
    if (excess !== undefined) return excess;
  }
  return undefined;
}

const bulk = (text: string): string => `$${String(text.length)}\r\n${text}\r\n`;

/** Looks like headers, in the middle of a value. */
const HOSTILE = "\r\n$999999999\r\n*999999999\r\n+";

const FINE: Readonly<Record<string, string>> = {
  status: "+OK\r\n-ERR no\r\n:12345678901234567890\r\n,3.14\r\n(99999999999999999999\r\n#t\r\n_\r\n",
  "values that look like headers": bulk(HOSTILE) + bulk("") + `=${String(HOSTILE.length)}\r\n${HOSTILE}\r\n`,
  "nulls, as many as there may be": "$-1\r\n*-1\r\n".repeat(500),
  "lists of lists": `*2\r\n*3\r\n:1\r\n${bulk(HOSTILE)}$-1\r\n%1\r\n+k\r\n~0\r\n>2\r\n+message\r\n${bulk("x".repeat(LIMIT))}`,
  "a line of 60 KiB": `+${"1".repeat(60_000)}\r\n${bulk("x")}`,
  "a value as long as the limit": bulk("x".repeat(LIMIT)),
};
function tooLong(announced: number, unit: "bytes" | "elements" = "bytes"): TooLong {
  return { announced, unit, allowed: LIMIT };
}

const WRONG: Readonly<Record<string, readonly [string, Excess]>> = {
  "a status without an end": [`+${"a".repeat(70_000)}`, "a line without an end"],
  "an error without an end": [`+OK\r\n-${"a".repeat(70_000)}`, "a line without an end"],
  "a number without an end": [`:${"1".repeat(70_000)}`, "a line without an end"],
  "a length without an end": [`$${"0".repeat(70_000)}`, "a line without an end"],
  "a type that there is not": ["?".repeat(70_000), "a line without an end"],
  "a value longer than the limit": [`*2\r\n${bulk(HOSTILE)}$${String(LIMIT + 1)}\r\n`, tooLong(LIMIT + 1)],
  "a length that no number holds": [`$${"9".repeat(400)}\r\n`, tooLong(Infinity)],
  "a list longer than the limit": [`*${String(LIMIT)}\r\n`, tooLong(LIMIT, "elements")],
  "a push longer than the limit": [">999999999\r\n", tooLong(999_999_999, "elements")],
};

describe(ReplyLimits, () => {
  it.each(Object.entries(FINE))("lets through: %s", (_name, text) => {
    for (const size of [1, 2, 3, 7, 64, 65_536]) expect(scan(text, size)).toBeUndefined();
  });

  it.each(Object.entries(WRONG))("finds: %s", (_name, [text, excess]) => {
    for (const size of [1, 2, 3, 7, 64, 65_536]) expect(scan(text, size)).toEqual(excess);
  });

  it.each([1, 2, 3, 7, 64, 65_536])("knows where each reply ends, in pieces of %i bytes", (size) => {
    const nested = `*2\r\n*3\r\n:1\r\n${bulk(HOSTILE)}$-1\r\n%1\r\n+k\r\n~0\r\n`;
    const replies = ["+OK\r\n", bulk(HOSTILE), nested, "*0\r\n", "*-1\r\n", `|1\r\n+k\r\n+v\r\n${bulk("x")}`, "_\r\n"];
    const bytes = Buffer.from(replies.join(""), "latin1");
    const limits = new ReplyLimits(LIMIT);
    const ends: number[] = [];
    for (let from = 0; from < bytes.length; from += size) {
      const chunk = bytes.subarray(from, from + size);
      for (let at = 0; at < chunk.length; at = limits.end) {
        expect(limits.scan(chunk, at, true)).toBeUndefined();
        if (limits.isBetween) ends.push(from + limits.end);
      }
    }
    let end = 0;
    expect(ends).toEqual(replies.map(({ length }) => (end += length)));
  });

  it("begins anew with each connection", () => {
    const limits = new ReplyLimits(LIMIT);
    expect(limits.scan(Buffer.from("$900\r\nabc"))).toBeUndefined();
    limits.reset();
    expect(limits.scan(Buffer.from("*999999\r\n"))).toEqual({ ...tooLong(999_999, "elements"), allowed: 1_048_576 });
  });
});
