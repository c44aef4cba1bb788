/** What a provider has answered is shared by whoever uses it, and kept no longer than that. */
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { cacheOf } from "../../src/credentials/machinery.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const provider = () => ({ password: "p" });
const endpoint = (port: number) => ({ host: "h", port, isSentinel: false });

it("is the same for one endpoint, and another one for each other", () => {
  const cache = cacheOf(provider, endpoint(1));
  expect(cacheOf(provider, endpoint(1))).toBe(cache);
  expect(cacheOf(provider, endpoint(2))).not.toBe(cache);
  expect(cacheOf(() => ({ password: "p" }), endpoint(1))).not.toBe(cache);
});

it("goes with its last user, though the provider stays", async () => {
  const ref = new WeakRef(cacheOf(provider, endpoint(3)));
  // What a WeakRef was asked for stays until the turn ends.
  await pause(0);
  collectGarbage();
  expect(ref.deref()).toBeUndefined();
});
