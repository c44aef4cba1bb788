import { describe, expect, it } from "vitest";
import { readServerFacts } from "../../src/doctor/server-facts.js";
import { ErrorReply, type Reply } from "../../src/doctor/wire/resp.js";
import type { RespClient } from "../../src/doctor/wire/resp-client.js";

/** A server that answers CONFIG GET by `config`, and what it was asked. */
function server(config: (names: readonly string[]) => Reply): {
  readonly client: RespClient;
  readonly asked: readonly string[][];
} {
  const asked: string[][] = [];
  const send = (...command: string[]): Promise<Reply> => {
    if (command[0] !== "CONFIG") return Promise.resolve("");
    asked.push(command.slice(2));
    return Promise.resolve(config(command.slice(2)));
  };
  return { client: { send } as unknown as RespClient, asked };
}

const WRONG_NUMBER = new ErrorReply("ERR Unknown subcommand or wrong number of arguments for 'GET'");
const valueOf = (names: readonly string[]): Reply => names.flatMap((name) => [name, `value of ${name}`]);

describe(readServerFacts, () => {
  it("asks a server of version 7 for all its settings in one question", async () => {
    const { client, asked } = server(valueOf);
    const facts = await readServerFacts(client, "7.0.15");
    expect(asked).toHaveLength(1);
    expect(facts.settings.get("maxclients")).toBe("value of maxclients");
    expect(facts.settings.get("latency-monitor-threshold")).toBe("value of latency-monitor-threshold");
  });

  it("asks an older one for each, so that it has no error to count", async () => {
    const { client, asked } = server((names) => (names.length > 1 ? WRONG_NUMBER : valueOf(names)));
    const facts = await readServerFacts(client, "6.2.14");
    expect(asked.every((names) => names.length === 1)).toBe(true);
    expect(facts.settings.size).toBe(asked.length);
    expect(facts.refused.size).toBe(0);
  });

  it("falls back when a server only claims to be new", async () => {
    const { client } = server((names) => (names.length > 1 ? WRONG_NUMBER : valueOf(names)));
    const facts = await readServerFacts(client, "7.4.0");
    expect(facts.settings.get("save")).toBe("value of save");
    expect(facts.refused.size).toBe(0);
  });

  it("does not ask again for what is refused, old or new", async () => {
    for (const version of ["6.2.14", "7.2.0", undefined]) {
      const { client, asked } = server(() => new ErrorReply("NOPERM this user has no permissions to run 'config|get'"));
      const facts = await readServerFacts(client, version);
      expect(asked).toHaveLength(1);
      expect(facts.refused.get("CONFIG")).toMatch(/^NOPERM/);
      expect(facts.settings.size).toBe(0);
    }
  });
});
