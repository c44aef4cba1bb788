import { describe, expect, it } from "vitest";
import { runExplain } from "../../src/cli/explain.js";
import { CODES } from "../../src/failure/codes.js";

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
      "CONNECTION_LOST",
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

  it("does not repeat the secrets of a pasted text", () => {
    const { text } = explain(["Error: getaddrinfo ENOTFOUND redis://:hunter2@host"]);
    expect(text).toContain("DNS_NOT_FOUND");
    expect(text).not.toContain("hunter2");
  });

  it.each([
    ["CONECTION_REFUSD", "CONNECTION_REFUSED"],
    ["OUT_OF_MEMROY", "OUT_OF_MEMORY"],
    ["wrongtype", "WRONG_TYPE"],
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
