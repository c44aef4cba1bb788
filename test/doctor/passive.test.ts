import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { passiveVerdict } from "../../src/doctor/index.js";
import { ownAddress, whyNoOwnAddress } from "../helpers/abilities.js";
import { atMost } from "../helpers/at-most.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { ownMachine } from "./ground.js";

const machine = ownMachine();

async function timed(target: string): Promise<{ code: string | undefined; sentence: string; elapsed: number }> {
  const start = performance.now();
  const verdict = await passiveVerdict(target, { machine });
  return { code: verdict?.code, sentence: verdict?.sentence ?? "", elapsed: performance.now() - start };
}

describe(passiveVerdict, () => {
  it("says nothing about a server that is well, and sends it nothing", async () => {
    let bytes = 0;
    const server = createServer((socket) =>
      socket.on("error", () => undefined).on("data", (chunk) => (bytes += chunk.length)),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const seen = await timed(`127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    await new Promise((resolve) => server.close(resolve));
    expect(seen.code).toBeUndefined();
    expect(bytes).toBe(0);
    expect(seen.elapsed).toBeLessThan(atMost(2000));
  });

  it("does not blame TLS for what closes each connection where a plain client was served before", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined).destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const target = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const never = await passiveVerdict(target, { machine });
    const served = await passiveVerdict(target, { machine, served: true });
    await new Promise((resolve) => server.close(resolve));
    expect(never).toMatchObject({ code: "CONNECTION_CLOSED_EARLY" });
    expect(never?.sentence).toContain("speaks TLS");
    expect(served).toMatchObject({ code: "CONNECTION_CLOSED_EARLY" });
    expect(served?.sentence).not.toContain("TLS");
  });

  it("says that a stopped server is not running", async () => {
    const seen = await timed(`127.0.0.1:${String(await freePort())}`);
    expect(seen).toMatchObject({ code: "CONNECTION_REFUSED" });
    expect(seen.sentence).toMatch(/^Redis is not running/);
    expect(seen.elapsed).toBeLessThan(atMost(2000));
  });

  it("hears maxclients before the connection closes", async () => {
    await using server = await startRedis({ args: ["--maxclients", "2"] });
    const sockets: Socket[] = [];
    for (let i = 0; i < 2; i++) {
      const socket = connect(server.port, "127.0.0.1").on("error", () => undefined);
      await new Promise((resolve) => socket.once("connect", resolve));
      sockets.push(socket);
    }
    await eventually(async () => expect((await timed(`127.0.0.1:${String(server.port)}`)).code).toBe("MAX_CLIENTS"), {
      withinMs: 20_000,
    });
    for (const socket of sockets) socket.destroy();
  });

  it.skipIf(whyNoOwnAddress() !== undefined)("hears protected mode", async () => {
    await using server = await startRedis({ args: ["--bind", "0.0.0.0"] });
    expect((await timed(`${ownAddress() ?? ""}:${String(server.port)}`)).code).toBe("PROTECTED_MODE");
  });

  it("says that a frozen local server is stopped", async () => {
    await using server = await startRedis();
    server.freeze();
    try {
      const seen = await timed(`127.0.0.1:${String(server.port)}`);
      expect(seen.code).toBe("HANDSHAKE_TIMEOUT");
      expect(seen.sentence).toContain("is stopped (state T)");
    } finally {
      server.thaw();
    }
  });

  it("does not take longer than its limit when the resolver hangs, and never rejects", async () => {
    const start = performance.now();
    const verdict = await passiveVerdict("redis.internal:6379", {
      timeout: 300,
      machine: { ...machine, lookup: () => new Promise(() => undefined) },
    });
    expect(verdict).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(atMost(300));
    const broken = await passiveVerdict("redis.internal:6379", {
      machine: {
        ...machine,
        lookup: () => {
          throw new Error("no resolver");
        },
        ask: () => Promise.reject(new Error("none")),
      },
    });
    expect(broken).toBeUndefined();
  });
});
