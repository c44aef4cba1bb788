/** The serverless profile in a process that is frozen between two calls, as platforms for functions do it. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const DIST = new URL("../../dist/index.mjs", import.meta.url).href;
const INTERVAL = 200;
/** Each line from outside is a call of the function: one INCR. */
const FUNCTION = `
  import { createInterface } from "node:readline";
  import { createRedis } from ${JSON.stringify(DIST)};
  const redis = createRedis(Number(process.argv[1]), "127.0.0.1", {
    resilience: {
      profile: "serverless",
      deadline: 10_000,
      heartbeat: { interval: ${String(INTERVAL)}, timeout: Number(process.argv[2]) },
      doctor: false,
      logger: false,
    },
  });
  createInterface({ input: process.stdin })
    .on("line", () => redis.incr("calls").then(console.log, (error) => console.log(error.code)))
    .on("close", () => redis.disconnect());
`;

let server: RedisServer;
let proxy: FaultProxy;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy({ target: { port: server.port } });
});
afterEach(async () => {
  await proxy.stop();
  await server.stop();
});

/** Calls the function, freezes it, does something to the network, calls it while it is frozen, and thaws it. */
async function callsAcrossFreeze(timeout: number, meanwhile: () => void): Promise<string[]> {
  const args = ["--input-type=module", "--eval", FUNCTION, String(proxy.port), String(timeout)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await answers.next()).value);
    child.stdin.write("call\n");
    const first = await next();
    child.kill("SIGSTOP");
    await eventually(() => expect(readFileSync(`/proc/${String(child.pid)}/stat`, "utf8")).toMatch(/\) T /));
    meanwhile();
    child.stdin.write("call\n");
    // How long it is frozen, not how long something takes: by then the heartbeat is overdue.
    await new Promise((resolve) => setTimeout(resolve, INTERVAL + timeout + 300));
    child.kill("SIGCONT");
    return [first, await next()];
  } finally {
    child.kill("SIGCONT");
    child.stdin.end();
    await ended;
  }
}

describe("a function that is thawed", () => {
  it("sends its first write on a new connection when the old one has died in silence", async () => {
    expect(await callsAcrossFreeze(300, () => void proxy.stallAfterBytes(0))).toEqual(["1", "2"]);
    expect(proxy.counters.connections).toBe(2);
    expect(await server.cli("get", "calls")).toBe("2");
  });

  it("goes on with its connection when that still lives", async () => {
    // A long time-out, so that a machine with other things to do does not call the connection dead.
    expect(await callsAcrossFreeze(2_000, () => undefined)).toEqual(["1", "2"]);
    expect(proxy.counters.connections).toBe(1);
  });
});
