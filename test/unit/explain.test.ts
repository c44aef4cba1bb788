import { describe, expect, it } from "vitest";
import { CONFIG_HELP } from "../../src/cli/config.js";
import { DOCTOR_HELP } from "../../src/cli/doctor.js";
import { EXPLAIN_HELP, runExplain } from "../../src/cli/explain.js";
import { CODES } from "../../src/failure/codes.js";
import * as publicNames from "../../src/index.js";

function explain(args: readonly string[], columns = 80): { text: string; exit: number } {
  let text = "";
  const exit = runExplain(args, { write: (chunk) => (text += chunk), columns });
  return { text, exit };
}

describe("explain", () => {
  it.each(CODES)("has a page for %s that fits the terminal", (code) => {
    const { text, exit } = explain([code.toLowerCase()], 60);
    expect(exit).toBe(0);
    for (const heading of ["Why it happens", "First steps", "How to find out", "How to fix", "How to prevent"])
      expect(text).toContain(heading);
    const prose = text.split("\n").filter((line) => !line.startsWith("       "));
    for (const line of prose) if (line.trim().includes(" ")) expect(line.length, line).toBeLessThanOrEqual(60);
  });

  it("lists every code by area", () => {
    const { text, exit } = explain([]);
    expect(exit).toBe(0);
    for (const code of CODES) expect(text).toMatch(new RegExp(`^  ${code} `, "m"));
  });

  it("recognises a pasted error and fills in the address it names", () => {
    const { text, exit } = explain(["Error: connect ECONNREFUSED 10.0.0.5:6380\n    at TCPConnectWrap.afterConnect"]);
    expect(exit).toBe(0);
    expect(text).toContain("This text means CONNECTION_REFUSED");
    expect(text).toContain("redis-cli -h 10.0.0.5 -p 6380 ping");
    expect(text).not.toContain("same machine");
  });

  it("finds the code in a log line of this package", () => {
    expect(explain(["redis 127.0.0.1:6379 cannot be used (POOL_TIMEOUT)."]).text).toContain(
      "This text means POOL_TIMEOUT",
    );
  });

  it.each([
    [
      "AUTH_WRONG",
      "2026-01-01T00:00:00Z ERROR [redis] ReplyError: WRONGPASS invalid username-password pair or user is disabled.",
    ],
    ["AUTH_REQUIRED", "app-1  | redis error NOAUTH Authentication required."],
    [
      "CLIENT_CLOSED",
      '{"level":50,"msg":"failed","err":{"type":"Error","message":"Connection is closed.","stack":"Error: Connection is closed.\\n at x"}}',
    ],
    [
      "CONNECT_TIMEOUT",
      "> node app.js\n\nOops\nMaxRetriesPerRequestError: x\nError: connect ETIMEDOUT\n    at Socket.<anonymous>",
    ],
    ["LOADING", '{"level":30,"event":"incident.closed","endpoint":"h:1","code":"LOADING","codes":{"CIRCUIT_OPEN":3}}'],
    [
      "CONNECTION_LOST",
      "redis h:1 is unreachable: connection lost (CONNECTION_LOST). Likely: redis-server was stopped. Next: redis-cli -h h -p 1 ping",
    ],
    ["OUT_OF_MEMORY", "Job failed: could not save: OOM command not allowed when used memory > 'maxmemory'."],
  ])("finds %s in what a log puts around it", (code, text) => {
    const { text: page, exit } = explain([text]);
    expect(page).toContain(`This text means ${code}`);
    expect(exit).toBe(0);
  });

  it.each([
    ["DEADLINE", "DeadlineError: Command timed out: GET got no reply from h:1 within 5 s; it may have been executed."],
    ["DEADLINE", "Command timed out: GET was never sent; it waited 5 s for h:1. Nothing was executed."],
    ["OUTCOME_UNKNOWN", "INCR was in flight for 3 ms when the connection to h:1 was lost; it may have been executed."],
    ["CIRCUIT_OPEN", "GET was not sent: the circuit for h:1 has been open for 20 ms. Next probe in 5 s."],
    [
      "CIRCUIT_OPEN",
      "SET was not sent: no connection to h:1 for 6 s. Last connection error: connect ECONNREFUSED. Reconnecting in the background.",
    ],
    ["POOL_TIMEOUT", "transaction() got no connection to h:1 of its own within 1 s: 10 of 10 lent. Nothing was sent."],
    [
      "QUEUE_FULL",
      "SET was not sent: 10000 commands (4000 bytes) already wait for h:1; the limits are 10000 and 1 bytes.",
    ],
    ["ABORTED", "GET was aborted by its caller after 3 ms; nothing was executed."],
    [
      "ARGUMENT_INVALID",
      "SET was not sent: its argument 2 cannot be turned into text. Pass strings, numbers or Buffers.",
    ],
    [
      "EXEC_ABORTED",
      "EXEC was refused: the connection that held its WATCH was lost, so the watched keys are no longer guarded.",
    ],
    ["EXEC_ABORTED", "TransactionConflictError: the transaction was given up after 3 attempts in 40 ms: x"],
    ["CLIENT_CLOSED", "ClosedError: Connection is closed."],
    ["CLIENT_CLOSED", "Connection is closed."],
    [
      "HANDSHAKE_TIMEOUT",
      "h:1 accepted the connection but did not finish the handshake within 3 s; the connection was destroyed",
    ],
    ["CONNECT_TIMEOUT", "h:1 did not accept the connection within 3 s; the attempt was given up"],
    [
      "RESPONSE_TIMEOUT",
      "no reply came over the connection to h:1 for 5 s while replies were due; it was destroyed so that a new one can take over",
    ],
    ["RESPONSE_TIMEOUT", "no reply came over the connection to h:1 for 5 s while replies were due; it was destroyed"],
    ["CONNECTION_LOST", "h:1 closed the connection after 300 ms"],
    ["PROTOCOL_ERROR", "h:1 sent a reply that nothing had asked for; the connection was destroyed"],
    [
      "REPLY_TOO_LONG",
      "h:1 announced a value of 600 MiB (629145600 bytes), more than the 512 MiB (536870912 bytes) that the option `maxReplyBytes` allows; it was not read, and the connection was destroyed.",
    ],
    ["PROTOCOL_ERROR", "h:1 sent a line without an end; the connection was destroyed"],
    ["CONFIG_INVALID", "ConfigError: resilience.deadlne: is not a known option; did you mean deadline?"],
    ["CLUSTER_UNREACHABLE", "ClusterAllFailedError: Failed to refresh slots cache."],
    ["DEADLINE", "Command timed out: MONITOR was not answered by h:1 within 5 s."],
    [
      "CIRCUIT_OPEN",
      "BLPOP got no connection to h:1 of its own: none can be made. Nothing was sent. Next probe in 1 s.",
    ],
    [
      "EXEC_ABORTED",
      "EXEC was refused: a command of its MULTI was never sent, so the rest was discarded. Nothing was executed.",
    ],
    [
      "EXEC_ABORTED",
      "GET was not sent: the EXEC or DISCARD of its MULTI was refused, so it would have run on its own.",
    ],
    [
      "EXEC_ABORTED",
      "GET was refused: the MULTI that it was issued behind was refused, so it would have run on its own.",
    ],
    ["CONFIG_INVALID", "AUTH was not sent: with `pool.size` above 1 it would concern one of several connections."],
    ["CONFIG_INVALID", "An interactive MULTI would mix with the commands of others. Use `withConnection`."],
    ["DNS_TEMPORARY", "the name in h:1 was not looked up within 5 s; the attempt was given up"],
    ["RESPONSE_TIMEOUT", "no reply has come over the connection to h:1 for 2 s while replies are due"],
    [
      "RESPONSE_TIMEOUT",
      "h:1: a:1 was silent for 2 s while a reply was due, and b:1 took over from a:1; the connection to a:1 was left",
    ],
    ["CONNECTION_LOST", "h:1: b:1 took over from a:1; the connection to a:1 was left"],
    ["SENTINEL_WRONG_ROLE", "Sentinel names a:1 as a master, and it is a replica; the connection was left"],
    ["SENTINELS_UNREACHABLE", "No Sentinel that answers knows the present master of mymaster."],
    ["UNAVAILABLE", "No node of h:1 is known to serve slot 7. Nothing was sent."],
    [
      "PROTOCOL_UNSUPPORTED",
      "h:1 does not allow this user HELLO (NOPERM), which protocol 3 needs: give its ACL +hello",
    ],
    ["CREDENTIALS_FAILED", "the credentials provider fromVault did not answer within 10 s"],
    ["CREDENTIALS_FAILED", "the credentials provider fromVault has not answered yet"],
    ["CREDENTIALS_FAILED", "the credentials provider fromVault (for the Sentinels) threw an error (ECONNREFUSED)"],
    ["CREDENTIALS_FAILED", "the credentials provider (a function without a name) returned an empty password"],
  ])("knows %s by this package's own words: %s", (code, text) => {
    expect(explain([text]).text).toContain(`This text means ${code}`);
  });

  it("knows the names of classes, and several at once", () => {
    const { text, exit } = explain(["DeadlineError", "POOL_TIMEOUT,queuefullerror"]);
    expect(exit).toBe(0);
    for (const code of ["DEADLINE", "POOL_TIMEOUT", "QUEUE_FULL"]) expect(text).toMatch(new RegExp(`^${code}\\b`, "m"));
  });

  it("knows each class of errors that callers can meet", () => {
    const names = Object.keys(publicNames).filter((name) => /^[A-Z]\w*Error$/.test(name) && name !== "IoredoubtError");
    expect(names.length).toBeGreaterThanOrEqual(10);
    for (const name of [...names, "MaxRetriesPerRequestError", "ParserError"])
      expect(explain([name]).exit, name).toBe(0);
  });

  it("says of a ReplyError without its words where the words are", () => {
    expect(explain(["ReplyError"], 60).text).toMatch(
      /^ReplyError: the server answered with an error\n[\s\S]*whole line/,
    );
    expect(explain(["ReplyError: WRONGTYPE Operation against a key"]).text).toContain("This text means WRONG_TYPE");
  });

  it("explains the first of several errors in a pasted log, and names the others", () => {
    const log = [
      "10:00:01 ERROR Error: connect ECONNREFUSED 10.0.0.5:6380",
      "    at TCPConnectWrap.afterConnect (node:net:1637:16)",
      "10:00:02 ERROR ReplyError: WRONGTYPE Operation against a key holding the wrong kind of value",
      "10:00:03 ERROR Error: connect ECONNREFUSED 10.0.0.5:6380",
      "10:00:04 ERROR ReplyError: OOM command not allowed when used memory > 'maxmemory'.",
    ].join("\n");
    const { text } = explain([log], 100);
    expect(text).toMatch(/^This text means CONNECTION_REFUSED/);
    expect(text.replace(/\s+/g, " ")).toContain(
      "It also names WRONG_TYPE and OUT_OF_MEMORY: ioredoubt explain WRONG_TYPE OUT_OF_MEMORY",
    );
    expect(explain([log.split("\n").slice(0, 2).join("\n")]).text).not.toContain("It also names");
  });

  it.each([CONFIG_HELP, DOCTOR_HELP, EXPLAIN_HELP])("has help that fits a terminal of 80 columns", (help) => {
    for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("says of a closed connection that plain ioredis means two things by it", () => {
    expect(explain(["Connection is closed."]).text.replace(/\s+/g, " ")).toContain("explain CONNECTION_LOST");
    expect(explain(["ClosedError: Connection is closed."]).text).not.toContain("explain CONNECTION_LOST");
  });

  it.each([
    "MaxRetriesPerRequestError",
    'MaxRetriesPerRequestError: Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.',
  ])("has a page of its own for %s", (text) => {
    const { text: page, exit } = explain([text], 60);
    expect(exit).toBe(0);
    expect(page).toMatch(/^MaxRetriesPerRequestError: ioredis gave up/);
    expect(page).toContain("First steps");
    for (const line of page.split("\n").slice(1)) expect(line.length).toBeLessThanOrEqual(60);
  });

  it("does not repeat the secrets of a pasted text", () => {
    const { text } = explain(["Error: getaddrinfo ENOTFOUND redis://:hunter2@host"]);
    expect(text).toContain("DNS_NOT_FOUND");
    expect(text).not.toContain("hunter2");
  });

  it.each([
    ["CONECTION_REFUSD", "CONNECTION_REFUSED"],
    ["OUT_OF_MEMROY", "OUT_OF_MEMORY"],
    ["wrongtype", "WRONG_TYPE"],
    ["DeadlinError", "DEADLINE"],
    ["read-only-replca", "READ_ONLY_REPLICA"],
  ])("takes %s for %s", (typed, code) => {
    const { text, exit } = explain([typed]);
    expect(text).toContain(code);
    expect(exit).toBe(0);
  });

  it("says so when it knows nothing", () => {
    const { text, exit } = explain(["the dog ate my keys"]);
    expect(exit).toBe(1);
    expect(text).toContain("Not recognised: the dog ate my keys");
    expect(explain(["ZZZZZZZZ"]).text).not.toContain("There is no code");
  });
});
