/** What the effect table says, how it reads arguments, and that the documentation says the same. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMMAND_TABLE } from "../../src/command/table.js";
import { COLLECTION_COMMANDS } from "../../src/command/table-collections.js";
import { KEY_COMMANDS } from "../../src/command/table-keys.js";
import { SERVER_COMMANDS } from "../../src/command/table-server.js";
import { STREAM_COMMANDS } from "../../src/command/table-streams.js";
import { effectOf, isReplaySafe, isWrite } from "../../src/command/effect.js";
import type { Effect } from "../../src/command/effect.js";

interface KnownCommand {
  readonly flags: readonly string[];
  readonly subcommands?: Readonly<Record<string, KnownCommand>>;
}

/** Every command that ioredis knows, with the server's own flags. */
const fromIoredis = createRequire(createRequire(import.meta.url).resolve("ioredis"));
const KNOWN = fromIoredis("@ioredis/commands/built/commands.json") as Readonly<Record<string, KnownCommand>>;

function effect(command: string): Effect {
  const [name = "", ...args] = command.split(" ");
  return effectOf(name, args);
}

function safe(command: string): boolean {
  return isReplaySafe(effect(command));
}

describe("the effect table", () => {
  it("knows every command and subcommand that ioredis knows", () => {
    expect(Object.keys(KNOWN).length).toBeGreaterThan(290);
    const missing = Object.keys(KNOWN).filter((name) => !COMMAND_TABLE.has(name));
    expect(missing).toEqual([]);
    for (const [name, { subcommands }] of Object.entries(KNOWN)) {
      for (const sub of Object.keys(subcommands ?? {})) {
        // An unlisted subcommand has other flags than any listed one of the same container.
        expect(effect(`${name} ${sub}`), `${name} ${sub} is not listed`).not.toBe(effect(`${name} no-such-thing`));
      }
    }
  });

  it("calls nothing unknown but scripts", () => {
    const unknown = Object.keys(KNOWN).filter((name) => effectOf(name, []).kind === "unknown");
    expect(unknown.sort()).toEqual(["eval", "evalsha", "fcall"]);
  });

  it("has no command twice and none in upper case", () => {
    const names = [KEY_COMMANDS, COLLECTION_COMMANDS, STREAM_COMMANDS, SERVER_COMMANDS].flatMap((rows) =>
      Object.keys(rows),
    );
    expect(names.length).toBe(COMMAND_TABLE.size);
    expect(names).toEqual(names.map((name) => name.toLowerCase()));
  });

  it("calls a write what the server refuses on a replica, and a read what the server calls readonly", () => {
    const check = (command: string, { flags, subcommands = {} }: KnownCommand): void => {
      const { kind } = effect(command);
      if (flags.includes("write")) expect(kind, command).toBe("write");
      if (flags.includes("readonly")) expect(kind, command).toBe("read");
      for (const [name, sub] of Object.entries(subcommands)) check(`${command} ${name}`, sub);
    };
    for (const [name, command] of Object.entries(KNOWN)) check(name, command);
  });

  it("never calls a read or a message a write", () => {
    for (const command of ["GET k", "XREAD STREAMS s 0", "PUBLISH c m", "PING", "CONFIG SET a b", "CLIENT LIST"]) {
      expect(isWrite(effect(command)), command).toBe(false);
    }
    for (const command of ["SET k v", "SORT l", "BITFIELD k GET u8 0", "EVAL return 0", "FT.SEARCH i q"]) {
      expect(isWrite(effect(command)), command).toBe(true);
    }
  });
});

describe("reading arguments", () => {
  it("takes the command's name in any case", () => {
    expect(effectOf("GeT", ["k"])).toBe(effectOf("get", ["k"]));
  });

  it("does not take a key or a value for an option", () => {
    for (const command of ["SET k NX", "SET NX GET", "SET GET v EX 60", "SETRANGE k 0 NX", "MSETEX 1 k NX EX 60"]) {
      expect(safe(command), command).toBe(true);
    }
    for (const command of ["SET k v PX NX", "HSETEX h EX FNX FIELDS 1 FNX FXX", "COPY a b DB 1 REPLACE"]) {
      expect(safe(command), command).toBe(true);
    }
    expect(safe("ZADD incr 1 incr")).toBe(false);
    expect(effect("ZADD z 1 incr").stateSafe).toBe(true);
    expect(effect("ZADD z NX CH INCR 1 m").stateSafe).toBe(false);
    expect(safe("FUNCTION LOAD code REPLACE")).toBe(false);
    expect(effect("XADD s MAXLEN ~ 10 LIMIT 5 7-1 * *").stateSafe).toBe(true);
    expect(effect("XADD s MAXLEN 10 * 7-1 7-1").stateSafe).toBe(false);
  });

  it("finds an option in any case, as a Buffer, and after other options", () => {
    expect(isReplaySafe(effectOf("set", ["k", "v", "nx"]))).toBe(false);
    expect(isReplaySafe(effectOf("set", [Buffer.from("k"), Buffer.from("v"), Buffer.from("nX")]))).toBe(false);
    expect(isReplaySafe(effectOf("set", ["k", "v", "EX", 60, "GET"]))).toBe(false);
    expect(isReplaySafe(effectOf("set", [Buffer.from("k"), Buffer.from("v"), Buffer.from("Ex"), 60]))).toBe(true);
  });

  it("calls a command with an option it does not know unsafe in state and reply", () => {
    for (const command of ["SET k v SOON", "GETEX k LATER", "SORT l FAST", "COPY a b REPLACE NOW", "EXPIRE k 9 EVER"]) {
      expect(effect(command), command).toMatchObject({ kind: "write", stateSafe: false, replySafe: false });
    }
    expect(safe("HEXPIRE h 60 FIELDS 1 f NX")).toBe(false);
    expect(safe("HGETEX h FIELDS x f")).toBe(false);
    expect(safe("MSETEX x k v")).toBe(false);
    expect(safe("MSETEX 9 k v NX")).toBe(false);
    expect(safe("CONFIG FORGET everything")).toBe(false);
  });

  it("recognises a destination among the sources across strings, Buffers and bytes that are no text", () => {
    const bytes = Buffer.from([0xff, 0xfe]);
    expect(isReplaySafe(effectOf("sunionstore", ["é", Buffer.from("é")]))).toBe(false);
    expect(isReplaySafe(effectOf("sunionstore", [bytes, Buffer.from(bytes)]))).toBe(false);
    expect(isReplaySafe(effectOf("sunionstore", [bytes, Buffer.from([0xff, 0xfd])]))).toBe(true);
    expect(isReplaySafe(effectOf("sunionstore", ["1", 1]))).toBe(false);
    expect(isReplaySafe(effectOf("sunionstore", ["out", { toString: () => "other" }]))).toBe(false);
  });

  it("trims a list again only where the kept range cannot move", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: -8, max: 8 }),
        fc.integer({ min: -8, max: 8 }),
        (length, start, stop) => {
          if (!isReplaySafe(effectOf("ltrim", ["l", start, String(stop)]))) return;
          const once = trim(
            Array.from({ length }, (_, index) => index),
            start,
            stop,
          );
          expect(trim(once, start, stop)).toEqual(once);
        },
      ),
    );
    expect(["0 99", "-100 -1", "0 -1", "1 0", "5 4"].map((range) => safe(`LTRIM l ${range}`))).not.toContain(false);
    expect(["1 -1", "0 -2", "1 5", "-3 -2"].map((range) => safe(`LTRIM l ${range}`))).not.toContain(true);
  });

  it("never throws and never calls anything safe that it cannot read", () => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(KNOWN)), fc.string(), fc.constant("constructor"));
    const words = fc.constantFrom("NX", "EX", "STORE", "FIELDS", "constructor", "__proto__", Buffer.from("get"), 1, -1);
    fc.assert(
      fc.property(names, fc.array(fc.oneof(words, fc.anything({ withNullPrototype: true }))), (name, args) => {
        expect(Object.keys(effectOf(name, args)).sort()).toEqual(["kind", "replySafe", "stateSafe"]);
      }),
      { numRuns: 2_000 },
    );
    expect(effectOf("constructor", [])).toEqual({ kind: "unknown", stateSafe: false, replySafe: false });
    expect(safe("CLIENT constructor")).toBe(false);
    expect(safe("SET k v constructor")).toBe(false);
  });
});

/** LTRIM as the server documents it. */
function trim(items: readonly number[], start: number, stop: number): readonly number[] {
  const from = Math.max(start < 0 ? items.length + start : start, 0);
  const to = stop < 0 ? items.length + stop : stop;
  return items.slice(from, Math.max(to + 1, 0));
}

describe("docs/effects.md", () => {
  const sections = new Map(
    readFileSync(new URL("../../docs/effects.md", import.meta.url), "utf8")
      .split("\n## ")
      .map((section) => [section.slice(0, section.indexOf("\n")), section] as const),
  );

  /** The commands in backticks of one column of a section's table. */
  function listed(section: string, column: number): string[] {
    const lines = (sections.get(section) ?? "").split("\n").filter((line) => line.startsWith("|"));
    const cells = lines.slice(2).map((line) => line.split("|")[column] ?? "");
    return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, command = ""]) => command));
  }

  const always = listed("Always sent again", 2);
  const sometimes = listed("Decided by the arguments", 1);
  const notThen = listed("Decided by the arguments", 2);
  const never = listed("Never sent again", 1);

  it("says of each command what the table says", () => {
    expect(Math.min(always.length, sometimes.length, notThen.length, never.length)).toBeGreaterThan(50);
    expect([...always, ...sometimes].filter((command) => !safe(command))).toEqual([]);
    expect([...never, ...notThen].filter(safe)).toEqual([]);
  });

  it("says always and never only where no argument matters", () => {
    const decided = [...always, ...never].filter(
      (name) => typeof COMMAND_TABLE.get(name.toLowerCase())?.effect !== "object",
    );
    expect(decided).toEqual([]);
  });

  it("names every command", () => {
    const named = new Set(
      [...always, ...sometimes, ...notThen, ...never].map((row) => row.split(" ")[0]?.toLowerCase()),
    );
    expect(Object.keys(KNOWN).filter((name) => !named.has(name))).toEqual([]);
  });
});
