import { describe, expect, it } from "vitest";
import { attachDiagnosis, diagnosisOf, type Diagnosed } from "../../src/failure/attach.js";
import { classify } from "../../src/failure/classify.js";
import { redactText, sanitizeError, scrub } from "../../src/failure/redact.js";
import { serializeError } from "../../src/failure/serialize.js";
import { stateOf, type FailureState } from "../../src/failure/state.js";

function reply(message: string, name: string, args: unknown[]): Error & { command: { name: string; args: unknown[] } } {
  return Object.assign(new Error(message), { command: { name, args } });
}

/** Looks like a password people choose: letters and digits. */
const SECRET = "S3CRETcanary";

describe("a secret in an odd place", () => {
  it.each([
    `ERR user_script:1: password is ${SECRET} script: abc, on @user_script:1.`,
    `ERR user_script:1: auth ${SECRET} failed`,
    `ERR AUTH failed for user app with password ${SECRET}`,
    `ERR unknown command '${SECRET}', with args beginning with: 'x'`,
    `ERR unknown subcommand '${SECRET}'. Try CONFIG HELP.`,
    `NOPERM this user has no permissions to access the '${SECRET}' key`,
    `MIGRATE h 6379 k 0 1000 AUTH2 user ${SECRET}`,
    `redis://app:p@ss/${SECRET}@host:6379`,
    `getaddrinfo ENOTFOUND ${SECRET}@host`,
    `getaddrinfo ENOTFOUND redis://:${SECRET}`,
    `url=redis://host:6379?password=${SECRET}`,
    `REDIS_PASSWORD=${SECRET}`,
    `AWS_SECRET_ACCESS_KEY=${SECRET}`,
    `password => ${SECRET}`,
    `{ credentials: '${SECRET}' }`,
    `Authorization: Bearer ${SECRET}`,
    `redis-cli -h h -a ${SECRET} ping`,
    `redis-cli --pass ${SECRET}`,
    `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
  ])("does not reach a log: %s", (text) => {
    expect(redactText(text)).not.toContain(SECRET);
    const error = new Error(text);
    expect(JSON.stringify([classify(error), classify(text), serializeError(error)])).not.toContain(SECRET);
  });

  it("costs the server's own words nothing", () => {
    for (const text of [
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
      "ERR Client sent AUTH, but no password is set",
      "WRONGPASS invalid username-password pair or user is disabled.",
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used",
      "ERR wrong number of arguments for 'auth' command",
      "NOPERM this user has no permissions to run the 'config|set' command",
      "ERR unknown command 'JSON.SET'",
      "ERR user_script:3: attempt to index a nil value script: 7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11, on @user_script:3.",
      "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command",
    ])
      expect(redactText(text)).toBe(text);
  });
});

describe("sanitizeError", () => {
  it("replaces argument values by their sizes and leaves the original array alone", () => {
    const args = ["key", Buffer.from("väl"), 42, "x".repeat(9), "", "1", "2", "3", "4", "5"];
    const error = reply("WRONGTYPE Operation against a key holding the wrong kind of value", "set", args);
    sanitizeError(error);
    expect(error.command).toEqual({
      name: "set",
      args: [
        "<3 bytes>",
        "<4 bytes>",
        "<2 bytes>",
        "<9 bytes>",
        "<0 bytes>",
        "<1 bytes>",
        "<1 bytes>",
        "<1 bytes>",
        "… 2 more",
      ],
    });
    expect(args[0]).toBe("key");
    expect(error.message).toBe("WRONGTYPE Operation against a key holding the wrong kind of value");
  });

  it("changes nothing the second time", () => {
    const error = sanitizeError(
      reply("ERR unknown command 'x', with args beginning with: 'secret' ", "x", [
        "secret",
        ...Array<string>(20).fill("v"),
      ]),
    );
    const once = JSON.stringify([error.command, error.message, error.stack]);
    sanitizeError(error);
    expect(JSON.stringify([error.command, error.message, error.stack])).toBe(once);
  });

  it("drops the arguments the server quotes, from message and stack, and keeps the rest", () => {
    const error = sanitizeError(
      reply("ERR unknown command 'FOO', with args beginning with: 'secret' 'b' ", "foo", ["secret", "b"]),
    );
    expect(error.message).toBe("ERR unknown command 'FOO'");
    expect(error.stack).toMatch(/^Error: ERR unknown command 'FOO'\n\s+at /);
  });

  it("reaches causes, lists and last node errors, and survives circles", () => {
    const inner = reply("NOPERM x", "hello", ["3", "AUTH", "u", "secret"]);
    const outer = Object.assign(new Error("outer", { cause: new AggregateError([inner], "", { cause: inner }) }), {
      previousErrors: [reply("ERR y", "auth", ["secret"])],
      lastNodeError: reply("ERR z", "auth", ["secret"]),
    });
    Object.assign(inner, { cause: outer });
    sanitizeError(outer);
    expect(JSON.stringify([inner.command, outer.previousErrors, outer.lastNodeError])).not.toContain("secret");
  });

  it("takes the password out of an invalid URL that Node carries along", () => {
    const error: unknown = (() => {
      try {
        return new URL("redis://:secret@host:port");
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(JSON.stringify(sanitizeError(error))).toContain("redis://***@host:port");
  });

  it("leaves frozen errors as they are", () => {
    const error = Object.freeze(reply("ERR x", "get", ["k"]));
    expect(sanitizeError(error)).toBe(error);
  });
});

describe("scrub", () => {
  it.each([
    ["redis://user:p@ss/w@ord@host:6379/0", "redis://***@host:6379/0"],
    ["getaddrinfo ENOTFOUND user:secret@host", "getaddrinfo ENOTFOUND ***@host"],
    [
      "ERR Error in ACL SETUSER modifier '>secret': Syntax error",
      "ERR Error in ACL SETUSER modifier '***': Syntax error",
    ],
    ["CONFIG SET requirepass secret", "CONFIG SET requirepass ***"],
    ["hello 3 auth default secret setname x", "hello 3 auth ***"],
  ])("turns %j into %j", (given, expected) => {
    expect(scrub(given)).toBe(expected);
  });

  it.each([
    "NOAUTH Authentication required.",
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
    "ERR Client sent AUTH, but no password is set",
    "ERR wrong number of arguments for 'auth' command",
    "WRONGTYPE x script: 7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11, on @user_script:1.",
    "NOPERM this user has no permissions to run the 'auth' command",
    'Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.',
  ])("leaves the server's own words alone: %j", (text) => {
    expect(scrub(text)).toBe(text);
  });
});

describe("redactText", () => {
  it("keeps log lines to one bounded line", () => {
    expect(redactText("a\r\nb\u0000c\u2028d")).toBe("a b c d");
    expect(redactText("x".repeat(10_000))).toHaveLength(300);
  });
});

describe("serializeError", () => {
  it("writes what it knows to be harmless and nothing else", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), {
      code: "ECONNREFUSED",
      address: "127.0.0.1",
      port: 1,
      options: { password: "secret" },
    });
    const error = Object.assign(reply("ERR unknown command 'x', with args beginning with: 'secret'", "x", ["secret"]), {
      cause,
      config: "secret",
    });
    attachDiagnosis(error, () => classify(error), state);
    const line = serializeError(error);
    expect(JSON.stringify(line)).not.toContain("secret");
    expect(line).toMatchObject({
      type: "Error",
      message: "ERR unknown command 'x'",
      command: "x",
      diagnosis: "UNKNOWN_COMMAND",
      cause: { code: "ECONNREFUSED", address: "127.0.0.1", port: 1 },
      state: { endpoint: "redis:6379", inFlight: 3 },
    });
    expect(serializeError(Object.assign(new Error("x"), { state: { token: "secret" } }))).not.toHaveProperty("state");
    expect(line.stack).toMatch(/^Error: ERR unknown command 'x'\n\s+at /);
  });
});

const state = (): FailureState => stateOf("redis:6379", { command: "get", load: { inFlight: 3, waiting: 0 } });

describe("attachDiagnosis", () => {
  it("hangs a hidden diagnosis on any error, made at the first look, and leaves frozen ones alone", () => {
    const error = new Error("LOADING Redis is loading the dataset in memory");
    attachDiagnosis(error, () => classify(error), state);
    expect(diagnosisOf(error)?.code).toBe("LOADING");
    expect((error as Diagnosed).state).toEqual({ endpoint: "redis:6379", command: "get", inFlight: 3, waiting: 0 });
    expect(Object.keys(error)).toEqual([]);
    const frozen = Object.freeze(new Error("x"));
    expect(diagnosisOf(attachDiagnosis(frozen, () => classify(frozen), state))).toBeUndefined();
    expect(attachDiagnosis("text", () => classify("text"), state)).toBe("text");
  });
});
