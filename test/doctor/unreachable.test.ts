import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { diagnoseConnection } from "../../src/doctor/index.js";
import { ownAddress, whyNoOwnAddress } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { examine, expectVerdict, findingsOf, ownMachine } from "./ground.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const look = examine;

describe("doctor, no server to reach", () => {
  it("says that Redis is not running when the server is stopped", async () => {
    const server = await startRedis();
    const { port } = server;
    await server.stop();
    const machine = ownMachine();
    const list = (path: string): Promise<readonly string[]> =>
      path.endsWith("/systemd/system") ? Promise.resolve(["redis.service"]) : machine.list(path);
    const report = await look(`127.0.0.1:${String(port)}`, { machine: { ...machine, list, systemd: true } });
    expectVerdict(
      report,
      "CONNECTION_REFUSED",
      /^Redis is not running: nothing on this machine listens on port \d+, and/,
    );
    expect(report.verdict.next?.run).toBe("systemctl start redis");
    expect(report.checks.find((one) => one.id === "session")?.status).toBe("skip");
  });

  it("quotes the last complaint of the server's log", async () => {
    const port = String(await freePort());
    const machine = ownMachine();
    const log =
      "1:M 01 Jan 2026 00:00:00.000 * Ready\n1:M 01 Jan 2026 00:00:01.000 # Can't open the append-only file: Permission denied\n";
    const report = await look(`127.0.0.1:${port}`, {
      machine: {
        ...machine,
        read: (path) => (path === "/var/log/redis/redis-server.log" ? Promise.resolve(log) : machine.read(path)),
      },
    });
    expect(findingsOf(report, "listener")[0]?.evidence).toContain("Can't open the append-only file: Permission denied");
  });

  it("says that localhost is the container itself when nothing listens in a container", async () => {
    const report = await look(`localhost:${String(await freePort())}`, { machine: ownMachine({ container: true }) });
    expectVerdict(report, "CONNECTION_REFUSED", /in a container, where localhost is the container itself/);
  });

  it("names the port on which Redis does listen when the port is wrong", async () => {
    await using server = await startRedis();
    const wrong = await freePort();
    const report = await look(`127.0.0.1:${String(wrong)}`);
    expectVerdict(
      report,
      "CONNECTION_REFUSED",
      new RegExp(
        `Nothing listens on ${String(wrong)}, while Redis listens on ${String(server.port)}: the port is wrong`,
      ),
    );
    expect(report.verdict.next?.run).toBe(`npx --no ioredoubt doctor 127.0.0.1:${String(server.port)}`);
  });

  it.skipIf(whyNoOwnAddress() !== undefined)(
    "says that Redis listens on loopback only when another address is asked for",
    async () => {
      await using server = await startRedis();
      const address = ownAddress() ?? "";
      const report = await look(`${address}:${String(server.port)}`);
      expectVerdict(
        report,
        "CONNECTION_REFUSED",
        new RegExp(`listens on 127\\.0\\.0\\.1:${String(server.port)} only; you ask for ${address}`),
      );
      expect(findingsOf(report, "listener")[0]?.topic).toBe("2.3 Bind address");
    },
  );

  it("says that the socket file is not served, and that no server runs", async () => {
    const report = await look("/tmp/no-such-redis.sock");
    expectVerdict(report, "SOCKET_MISSING", /No Redis process runs here, so nothing serves \/tmp\/no-such-redis\.sock/);
  });

  it("tells a name that does not exist from a resolver that does not answer", async () => {
    const failing = (code: string) => (): Promise<never> =>
      Promise.reject(
        Object.assign(new Error(`getaddrinfo ${code} redis.wrong`), {
          code,
          syscall: "getaddrinfo",
          hostname: "redis.wrong",
        }),
      );
    const wrong = await look("redis.wrong:6379", {
      machine: ownMachine({ lookup: failing("ENOTFOUND"), ask: () => Promise.resolve("ENOTFOUND") }),
    });
    expectVerdict(wrong, "DNS_NOT_FOUND", /name redis\.wrong does not exist/);
    expect(wrong.verdict.next?.say).toBe("Correct the name where it is set (argument)");
    const down = await look("redis.wrong:6379", {
      machine: ownMachine({ lookup: failing("EAI_AGAIN"), ask: () => Promise.resolve("ETIMEOUT") }),
    });
    expectVerdict(down, "DNS_TEMPORARY", /could not be looked up just now/);
    const hanging = await look("redis.wrong:6379", {
      machine: ownMachine({ lookup: () => new Promise(() => undefined), ask: () => Promise.resolve("ETIMEOUT") }),
    });
    expectVerdict(hanging, "DNS_TEMPORARY", /could not be looked up just now/);
  });

  it("asks the real resolver for a name that cannot exist", async () => {
    const report = await look("redis.invalid:6379");
    expect(["DNS_NOT_FOUND", "DNS_TEMPORARY"]).toContain(report.verdict.code);
  });

  it("says that the server accepts and says nothing when the way is a black hole", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ target: { port: server.port } });
    proxy.blackhole();
    expectVerdict(
      await look(`127.0.0.1:${String(proxy.port)}`),
      "HANDSHAKE_TIMEOUT",
      /accepted the connection but did not answer in time/,
    );
  });

  it("needs less than 6 s where the name is slow and the server says nothing", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ target: { port: server.port } });
    proxy.blackhole();
    const lookup = (): Promise<[{ address: string; family: 4 }]> =>
      new Promise((resolve) => setTimeout(resolve, 2000, [{ address: "127.0.0.1", family: 4 }]));
    // A moment of quiet: the time is the doctor's, not that of what else this machine does
    await eventually(
      async () => {
        const target = `redis.internal:${String(proxy.port)}`;
        const report = await diagnoseConnection(target, { machine: ownMachine({ lookup }), env: {} });
        expectVerdict(report, "HANDSHAKE_TIMEOUT", /did not answer in time/);
        expect(report.elapsed).toBeLessThan(6000);
      },
      { withinMs: 20_000 },
    );
  });

  it("says that the connection is closed without a word", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ target: { port: server.port } });
    proxy.acceptThenClose();
    const report = await look(`127.0.0.1:${String(proxy.port)}`);
    expectVerdict(report, "CONNECTION_CLOSED_EARLY", /closed/);
  });

  it("says that the process is stopped when it is frozen, and how to let it go on", async () => {
    await using server = await startRedis();
    server.freeze();
    try {
      const report = await look(`127.0.0.1:${String(server.port)}`);
      expectVerdict(report, "HANDSHAKE_TIMEOUT", /is stopped \(state T\)/);
      expect(report.verdict.next?.run).toBe(`kill -CONT ${String(server.pid)}`);
    } finally {
      server.thaw();
    }
  });

  it("finds the process by its title where its sockets may not be seen, as for an ordinary user", async () => {
    await using server = await startRedis();
    const machine = ownMachine();
    const hidden = {
      ...machine,
      list: (path: string): Promise<readonly string[]> =>
        path === `/proc/${String(server.pid)}/fd` ? Promise.resolve([]) : machine.list(path),
    };
    const wrong = await look(`127.0.0.1:${String(await freePort())}`, { machine: hidden });
    expectVerdict(wrong, "CONNECTION_REFUSED", new RegExp(`while Redis listens on ${String(server.port)}`));
    server.freeze();
    try {
      const report = await look(`127.0.0.1:${String(server.port)}`, { machine: hidden });
      expectVerdict(report, "HANDSHAKE_TIMEOUT", /is stopped \(state T\)/);
    } finally {
      server.thaw();
    }
  });

  it("says that an HTTP server is not Redis", async () => {
    const http = createHttp((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => http.close(resolve)));
    const { port } = http.address() as AddressInfo;
    expectVerdict(await look(`127.0.0.1:${String(port)}`), "NOT_REDIS", /is not Redis \(an HTTP server\)/);
  });

  it("says that a server which greets in another protocol is not Redis", async () => {
    const ssh = createServer((socket) => socket.on("error", () => undefined).write("SSH-2.0-OpenSSH_9.2\r\n"));
    await new Promise<void>((resolve) => ssh.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => ssh.close(resolve)));
    const { port } = ssh.address() as AddressInfo;
    expectVerdict(await look(`127.0.0.1:${String(port)}`), "NOT_REDIS", /\(an SSH server\)/);
  });

  it("reports a wrong target without connecting and without showing it", async () => {
    const report = await look('"redis://:hunter22@db.internal:6379"');
    expectVerdict(report, "CONFIG_INVALID", /must not be in quotes/);
    expect(JSON.stringify(report)).not.toMatch(/hunter22|db\.internal/);
    expect(report.checks.find((one) => one.id === "path")?.status).toBe("skip");
  });

  it("says that no variable names a target", async () => {
    const report = await examine(undefined);
    expectVerdict(report, "CONFIG_INVALID", /REDIS_URL is not set/);
  });
});
