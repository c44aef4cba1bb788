/** Our encoder against ioredis's, on random commands and in both supported versions. */
import fc from "fast-check";
import { Command } from "ioredis";
import { Command as Command5 } from "ioredis5";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { encoder } from "../../src/ioredis/encode.js";

const socket = new Socket();
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 200 }),
);
const argument = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 2, arbitrary: fc.oneof(fc.integer(), fc.double(), fc.constant(2 ** 60), fc.bigInt()) },
  { weight: 1, arbitrary: fc.oneof(fc.constant(null), fc.constant(undefined), fc.boolean(), fc.constant({})) },
  { weight: 1, arbitrary: fc.array(text, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)) },
);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("get", "set", "mset", "hset", "xadd", "GET") },
  // ioredis takes a name that every object knows for one with a transformer.
  { weight: 1, arbitrary: text.filter((name) => !(name in {})) },
);
const ASCII = /^\p{ASCII}*$/u;

function bytes(data: string | Buffer): string {
  return Buffer.from(data as string).toString("hex");
}

describe("the encoder", () => {
  it("writes what ioredis writes, and knows ASCII when it sees it", () => {
    let own = 0;
    fc.assert(
      fc.property(name, fc.array(argument, { maxLength: 20 }), (name, args) => {
        const command = new Command(name, args as never[]);
        encoder.begin();
        const encoded = encoder.encode(command);
        const expected = command.toWritable(socket);
        // ioredis 5 writes large numbers in another way, and everything else in the same.
        const other = new Command5(name, command.args as never[]);
        expect(bytes(other.toWritable(socket))).toBe(bytes(expected));
        if (encoded === undefined) return;
        own++;
        expect(bytes(encoded)).toBe(bytes(expected));
        expect(encoder.isAscii).toBe(ASCII.test(encoded));
      }),
      { numRuns: 2_000 },
    );
    expect(own).toBeGreaterThan(500);
  });

  it("leaves to ioredis what is no text, and commands with ways of their own", () => {
    class Script extends Command {
      override toWritable(): string {
        return "other";
      }
    }
    expect(encoder.encode(new Script("get", ["a"]))).toBeUndefined();
    expect(encoder.encode(new Command("set", ["a", Buffer.from("b")]))).toBeUndefined();
    expect(encoder.encode(new Command("gät", ["a"]))).toBeUndefined();
    const spoilt = new Command("get", ["a"]);
    spoilt.args[0] = 1 as never;
    expect(encoder.encode(spoilt)).toBeUndefined();
  });
});
