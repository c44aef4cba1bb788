/** How long the server may hold a command back. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockingTimeoutOf, setBlockingTimeout } from "../../src/command/blocking.js";
import { COMMAND_TABLE } from "../../src/command/table.js";

/** The commands whose row says how they block. */
const MAY_BLOCK = [...COMMAND_TABLE].filter(([, row]) => row.blocks !== undefined).map(([name]) => name);

function timeout(command: string): number | undefined {
  const [name = "", ...args] = command.split(" ");
  return blockingTimeoutOf(name, args);
}

describe("blockingTimeoutOf", () => {
  it.each([
    ["BLPOP a b 5", 5_000],
    ["brpop a 0.25", 250],
    ["BRPOPLPUSH a b 2", 2_000],
    ["BLMOVE a b LEFT RIGHT 3", 3_000],
    ["BLMOVEM a b LEFT RIGHT 3", 3_000],
    ["BLMOVEM a b LEFT RIGHT 3 COUNT 9 OBO", 3_000],
    ["BLMPOP 4 1 a LEFT COUNT 9", 4_000],
    ["BZPOPMIN z 5", 5_000],
    ["BZPOPMAX z 5", 5_000],
    ["BZMPOP 6 1 z MIN", 6_000],
    ["WAIT 1 700", 700],
    ["WAITAOF 1 0 800", 800],
    ["XREAD BLOCK 900 STREAMS s $", 900],
    ["XREAD COUNT 1 block 900 STREAMS s $", 900],
    ["XREADGROUP GROUP g c COUNT 5 BLOCK 1000 NOACK STREAMS s >", 1_000],
    ["XREADGROUP GROUP g c CLAIM 50 BLOCK 1000 STREAMS s >", 1_000],
  ])("reads the timeout of %s in milliseconds", (command, expected) => {
    expect(timeout(command)).toBe(expected);
  });

  it.each(["BLPOP a 0", "BZMPOP 0 1 z MIN", "WAIT 1 0", "XREAD BLOCK 0 STREAMS s $"])(
    "calls %s for ever",
    (command) => {
      expect(timeout(command)).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it.each(["BLPOP", "BLPOP a soon", "BLPOP a -1", "XREAD BLOCK STREAMS s 0", "WAIT 1"])(
    "assumes for ever where the timeout cannot be read: %s",
    (command) => {
      expect(timeout(command)).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it.each([
    "GET k",
    "LPOP l",
    "XREAD STREAMS s 0",
    "XREAD STREAMS block 5",
    "XREAD COUNT 2 STREAMS s block 0 5",
    "XREADGROUP GROUP block 5 STREAMS s >",
    "XREADGROUP GROUP streams block COUNT 1 STREAMS s >",
    "XREAD",
  ])("says that %s does not block", (command) => {
    expect(timeout(command)).toBeUndefined();
  });

  it("reads numbers and Buffers as well as strings", () => {
    expect(blockingTimeoutOf("blpop", ["a", 5])).toBe(5_000);
    expect(blockingTimeoutOf("BLPOP", [Buffer.from("a"), Buffer.from("0.5")])).toBe(500);
    expect(blockingTimeoutOf("xread", [Buffer.from("Block"), Buffer.from("7"), "STREAMS", "s", "$"])).toBe(7);
  });

  it("finds BLOCK behind an option of a later server", () => {
    expect(timeout("XREAD NEWOPTION 3 BLOCK 900 STREAMS s $")).toBe(900);
  });

  it("never throws and never answers with less than nothing", () => {
    const names = fc.oneof(fc.constantFrom(...MAY_BLOCK), fc.string());
    const words = fc.constantFrom("BLOCK", "STREAMS", "GROUP", Buffer.from("block"), -1, Number.NaN);
    fc.assert(
      fc.property(names, fc.array(fc.oneof(words, fc.anything({ withNullPrototype: true }))), (name, args) => {
        const found = blockingTimeoutOf(name, args);
        expect(found === undefined || found > 0).toBe(true);
      }),
    );
  });
});

describe("the rows of commands that may block", () => {
  it("are those of every command that the server flags as blocking, and of no other", () => {
    const fromIoredis = createRequire(createRequire(import.meta.url).resolve("ioredis"));
    const known = fromIoredis("@ioredis/commands/built/commands.json") as Record<string, { flags: string[] }>;
    const flagged = Object.keys(known).filter((name) => known[name]?.flags.includes("blocking"));
    expect([...MAY_BLOCK].sort()).toEqual(flagged.sort());
  });

  it("can all answer with a time", () => {
    for (const name of MAY_BLOCK) {
      const args = name.startsWith("xread") ? ["BLOCK", "5"] : ["1", "1", "1", "1", "1"];
      expect(blockingTimeoutOf(name, args), name).toBeGreaterThan(0);
    }
  });
});

describe("setBlockingTimeout", () => {
  function shortened(command: string, milliseconds: number): string {
    const [name = "", ...args] = command.split(" ");
    const changed = setBlockingTimeout(name, args, milliseconds);
    return changed ? [name, ...args].join(" ") : "left";
  }

  it.each([
    ["BLPOP a b 0", "BLPOP a b 3"],
    ["BLPOP a 9.5", "BLPOP a 2.100"],
    ["BLMPOP 0 1 a LEFT", "BLMPOP 3 1 a LEFT"],
    ["BLMOVE a b LEFT RIGHT 30", "BLMOVE a b LEFT RIGHT 3"],
    ["XREAD COUNT 1 BLOCK 0 STREAMS s 0", "XREAD COUNT 1 BLOCK 2100 STREAMS s 0"],
    ["XREADGROUP GROUP block me BLOCK 9000 STREAMS s >", "XREADGROUP GROUP block me BLOCK 2100 STREAMS s >"],
  ])("gives %s another time, whole seconds rounded up", (command, expected) => {
    expect(shortened(command, 2_100)).toBe(expected);
  });

  it.each(["BLPOP a -1", "BLPOP a soon", "BLPOP a", "XREAD BLOCK STREAMS s 0", "XREAD STREAMS s 0", "GET k"])(
    "leaves %s to the server",
    (command) => {
      expect(shortened(command, 2_100)).toBe("left");
    },
  );
});
