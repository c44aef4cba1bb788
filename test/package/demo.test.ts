/** `npm run demo` on a server of the user's own, as a person runs it. Its other half breaks servers for half a minute. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runScript } from "../helpers/child.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";

const DEMO = fileURLToPath(new URL("../../demo/main.mjs", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

function demo(url: string) {
  return runScript(DEMO, { env: { NODE_ENV: undefined, REDIS_URL: url }, cwd: root, timeout: 55_000 });
}

describe("the demo with REDIS_URL", () => {
  it("does its work, ends with a table and leaves no key behind", async () => {
    await using server = await startRedis();
    const { code, stdout, unhandled } = await demo(`redis://127.0.0.1:${String(server.port)}`);
    expect(unhandled).toEqual([]);
    expect(code).toBe(0);
    for (const row of ["executed twice", "lost acknowledgements", "unsettled"])
      expect(stdout).toMatch(new RegExp(`^${row} +0 +0$`, "m"));
    expect(stdout).toContain("connected; policy production");
    expect(await server.call("DBSIZE")).toBe(0);
  }, 60_000);

  it("says in two lines why it cannot, instead of throwing", async () => {
    const port = await freePort();
    const { code, stderr } = await demo(`redis://127.0.0.1:${String(port)}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The demo needs a server that answers at REDIS_URL: .*refused.*\nNext: .*\n$/);
    const quoted = await demo(`"redis://127.0.0.1"`);
    expect(quoted.code).toBe(1);
    expect(quoted.stderr).toMatch(/^The demo needs .* must not be in quotes.*\nNext: .*\n$/);
  });
});
