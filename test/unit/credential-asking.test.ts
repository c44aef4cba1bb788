/** How long a provider may take is measured in time in which this process runs: what it said meanwhile is read first. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { ask } from "../../src/credentials/asking.js";
import { Login } from "../../src/credentials/login.js";

it("does not take for late what came while the event loop was blocked", async () => {
  const fromFile = async (): Promise<{ password: string }> => ({
    password: await readFile(new URL(import.meta.url), "utf8"),
  });
  const asked = ask(fromFile, { reason: "connect", endpoint: { isSentinel: false } }, 100, new AbortController());
  const until = performance.now() + 400;
  while (performance.now() < until);
  expect(await asked).toBeInstanceOf(Login);
});
