/** Peers that are not Redis, or hardly answer, and names that lead to several places: the run ends in time, with a cause. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { renderHtml, renderText, type Address } from "../../src/doctor/index.js";
import { whyNoIPv6 } from "../helpers/abilities.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { examine, expectHealthy, expectVerdict, findingsOf, ownMachine } from "./ground.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function peer(greet: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Says PONG first, so that the doctor goes on, and then this. */
const afterPong = (rest: (socket: Socket) => void) => (socket: Socket) => {
  socket.on("data", () => {
    socket.write("+PONG\r\n");
    rest(socket);
  });
};

function repeat(socket: Socket, every: number, bytes: string): void {
  const timer = setInterval(() => socket.write(bytes), every);
  socket.once("close", () => clearInterval(timer));
}

const look = examine;

describe("doctor, hostile peers", () => {
  it("does not take half an answer, one byte a second, for Redis", async () => {
    const report = await look(await peer((socket) => repeat(socket, 1000, "+")));
    expectVerdict(report, "HANDSHAKE_TIMEOUT", /./);
    expect(findingsOf(report, "first-bytes")[0]?.evidence).toMatch(/only the beginning of an answer \(\++\)/);
  });

  it("stops at lists without end, lists inside lists, and a flood", async () => {
    const endless = "*40000\r\n".concat(":1\r\n".repeat(10_000));
    for (const rest of [
      (socket: Socket) => socket.write("*4000000\r\n"),
      (socket: Socket) => socket.write("*1\r\n".repeat(100_000)),
      (socket: Socket) => repeat(socket, 1, endless),
      (socket: Socket) => socket.write("$99999999999\r\n"),
    ]) {
      const report = await look(await peer(afterPong(rest)));
      expect(report.verdict.status).toBe("failed");
      expect(JSON.stringify(report)).not.toContain("call stack");
    }
    expectVerdict(
      await look(await peer((socket) => repeat(socket, 1, "x".repeat(70_000)))),
      "NOT_REDIS",
      /is not Redis/,
    );
  });

  it("quotes words that nobody knows, and does not send the reader back to the doctor", async () => {
    const sulking = await peer((socket) => {
      socket.on("data", (chunk) => {
        const commands = chunk.toString().match(/^\*\d/gm)?.length ?? 0;
        socket.write("-SULKING come back later\r\n".repeat(commands));
      });
    });
    const report = await look(sulking);
    expectVerdict(report, "UNKNOWN", /says this: SULKING come back later\.$/);
    expect(report.verdict.next?.say).toMatch(/^Look these words up/);
    expect(JSON.stringify(report.checks)).not.toMatch(/ioredoubt doctor|`seen`|stack/);
  });

  it("shows no secret that the peer says back, in any form of the report", async () => {
    const says = "-ERR no :s3cret-pass and redis://u:s3cret-pass@h, \u001b[31m\xff\r\n";
    const target = await peer((socket) => socket.on("data", () => socket.write(says)));
    const report = await look(`redis://app:s3cret-pass@${target}`);
    for (const text of [JSON.stringify(report), renderText(report), renderHtml(report)]) {
      expect(text).not.toContain("s3cret-pass");
      expect(text).not.toContain("\u001b");
    }
  });

  it("does not show a user name without a password, which is often the password", async () => {
    await using server = await startRedis();
    const report = await look(`redis://s3cret-pass@127.0.0.1:${String(server.port)}`);
    expectHealthy(report);
    expect(JSON.stringify(report)).not.toContain("s3cret-pass");
    expect(findingsOf(report, "target")[1]?.evidence).toContain("user name is given and no password");
  });
});

describe("doctor, names with several addresses", () => {
  const all = (...addresses: readonly string[]) => {
    const found = addresses.map((address): Address => ({ address, family: address.includes(":") ? 6 : 4 }));
    return { machine: ownMachine({ lookup: () => Promise.resolve(found) }) };
  };

  it("warns of one that refuses, and goes on with the other", async () => {
    await using server = await startRedis();
    const report = await look(`db.internal:${String(server.port)}`, all("127.0.0.3", "127.0.0.1"));
    expect(report.verdict).toMatchObject({ status: "warnings", check: "path" });
    expect(report.verdict.sentence).toContain("1 of the 2 addresses of db.internal cannot be reached (127.0.0.3)");
  });

  it("raises no alarm when only the other family is not served, as with localhost", async () => {
    await using server = await startRedis();
    expectHealthy(await look(`localhost:${String(server.port)}`, all("::1", "127.0.0.1")));
  });

  it.skipIf(whyNoIPv6() !== undefined)("writes IPv6 addresses so that the command can be pasted", async () => {
    await using server = await startRedis({ args: ["--bind", "::1"] });
    expectHealthy(await look(`redis://[::1]:${String(server.port)}`));
    const report = await look(`redis://[::1]:${String(await freePort())}`);
    expect(report.verdict.next?.run).toBe(`npx --no ioredoubt doctor '[::1]:${String(server.port)}'`);
  });
});

describe("doctor, Sentinels that do not help", () => {
  it("says so when their names cannot be looked up, also when the resolver hangs", async () => {
    const machine = ownMachine({ lookup: () => new Promise(() => undefined) });
    const report = await look(
      { sentinels: [{ host: "s1.internal" }, { host: "s2.internal" }], name: "lab" },
      { machine },
    );
    expectVerdict(report, "SENTINELS_UNREACHABLE", /names of the Sentinels cannot be looked up \(EAI_AGAIN\)/);
  });

  it("tells a missing Sentinel password from a wrong one", async () => {
    await using master = await startRedis();
    const config = [`sentinel monitor lab 127.0.0.1 ${String(master.port)} 1`, "requirepass sentinel-pass"];
    await using sentinel = await startRedis({ args: ["--sentinel"], config });
    const target = { sentinels: [{ host: "127.0.0.1", port: sentinel.port }], name: "lab" };
    expectVerdict(await look(target), "SENTINEL_ACCESS", /want a password of their own/);
    const wrong = await look({ ...target, sentinelPassword: "of-the-server" });
    expectVerdict(wrong, "SENTINEL_ACCESS", /refuse the password they are given/);
    expectHealthy(await look({ ...target, sentinelPassword: "sentinel-pass" }));
  });
});
