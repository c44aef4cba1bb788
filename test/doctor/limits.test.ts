import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { atMost } from "../helpers/at-most.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { examine, expectHealthy, expectWarning, findingsOf, ownMachine } from "./ground.js";

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function occupy(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    sockets.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
  }
}

const PATIENTLY = { withinMs: 20_000 };
const look = examine;

const at = (port: number): string => `127.0.0.1:${String(port)}`;

describe("doctor, limits and warnings", () => {
  it("warns when the server has nearly as many clients as it takes", async () => {
    await using server = await startRedis({ args: ["--maxclients", "10"] });
    await occupy(server.port, 7);
    await eventually(async () => {
      const report = await look(at(server.port));
      expectWarning(report, "server/clients", /^MAX_CLIENTS .*has (?:[89]|10) of 10 possible clients/);
    }, PATIENTLY);
  });

  it("warns when this process holds very many connections to the server", async () => {
    await using server = await startRedis();
    await occupy(server.port, 100);
    const own = findingsOf(await look(at(server.port)), "client-limits").at(-1);
    expect(own).toMatchObject({ status: "warn" });
    expect(own?.evidence).toMatch(/^10\d connections of this process/);
  });

  it("warns when open files or ephemeral ports are nearly used up", async () => {
    await using server = await startRedis();
    await occupy(server.port, 4);
    const [socket] = sockets;
    const port = String(socket?.localPort ?? 0);
    const machine = ownMachine();
    const read = (path: string): Promise<string | undefined> => {
      if (path === "/proc/self/limits")
        return Promise.resolve("Max open files            12                   12        files\n");
      return path.endsWith("ip_local_port_range") ? Promise.resolve(`${port}\t${port}\n`) : machine.read(path);
    };
    const report = await look(at(server.port), { machine: { ...machine, read } });
    expect(findingsOf(report, "client-limits").slice(0, 2)).toMatchObject([
      { status: "warn", code: "TOO_MANY_OPEN_FILES" },
      { status: "warn", code: "PORTS_EXHAUSTED" },
    ]);
  });

  it("skips what this platform does not have, and still finds the server healthy", async () => {
    await using server = await startRedis();
    const bare = { platform: "darwin", read: () => Promise.resolve(undefined), list: () => Promise.resolve([]) };
    const report = await look(at(server.port), { machine: ownMachine(bare) });
    expectHealthy(report);
    for (const id of ["listener", "client-limits"])
      expect(findingsOf(report, id)[0], id).toMatchObject({ status: "skip" });
  });

  it("warns of a far server, by the median of its round trips, and still looks at all of it", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ target: { port: server.port } });
    proxy.latency(300);
    const report = await look(at(proxy.port));
    expectWarning(report, "answers", /Every round trip is slow|This process was busy itself/);
    expect(report.checks.find((one) => one.id === "server/load")?.status).toBe("ok");
    expect(JSON.stringify(report)).not.toContain("were used up");
  });

  it("ends within its time when every reply takes long, says what it did not look at, and claims no failure", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ target: { port: server.port } });
    proxy.latency(900);
    const report = await look(at(proxy.port), { timeout: 2700 });
    // Without an end to the run: more than 5 s, by the waits alone
    expect(report.elapsed).toBeLessThan(atMost(3400));
    expect(["warnings", "unknown"]).toContain(report.verdict.status);
    expect(report.verdict.sentence).toMatch(
      /Every round trip is slow|process was busy itself|The run's 2700 ms ended before/,
    );
    expect(report.verdict.next?.say).toBeTruthy();
    const load = findingsOf(report, "server/load")[0];
    expect(load).toMatchObject({ status: "skip" });
    expect(load?.evidence).toMatch(/^the run's 2700 ms were used up|^session was not reached/);
  });

  it("warns of a slow name, and remarks on one that leads to this machine", async () => {
    await using server = await startRedis();
    const lookup = (): Promise<[{ address: string; family: 4 }]> =>
      new Promise((resolve) => setTimeout(resolve, 600, [{ address: "127.0.0.1", family: 4 }]));
    const slow = await look(`redis.internal:${String(server.port)}`, { machine: ownMachine({ lookup }) });
    expect(slow.verdict).toMatchObject({ status: "warnings", check: "name" });
    const quick = ownMachine({
      lookup: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
      read: (path) => Promise.resolve(path === "/etc/resolv.conf" ? "search prod.internal internal\n" : undefined),
    });
    const [name] = findingsOf(await look(`redis.internal:${String(server.port)}`, { machine: quick }), "name");
    expect(name?.evidence).toMatch(/^A 127\.0\.0\.1 in \d+ ms; search domains prod\.internal, internal$/);
    expect(name).toMatchObject({ status: "ok", meaning: expect.stringContaining("resolves to loopback") as string });
  });

  it("suspects a sidecar or a tunnel only when the way is closed", async () => {
    const port = await freePort();
    const mesh = ownMachine({ env: { ISTIO_META_WORKLOAD: "x", HTTPS_PROXY: "http://user:proxy-secret@p" } });
    const closed = await look(at(port), { machine: mesh });
    expect(findingsOf(closed, "surroundings")[0]).toMatchObject({
      status: "warn",
      evidence: "mesh variable ISTIO_META_WORKLOAD",
    });
    expect(findingsOf(closed, "surroundings")[1]?.evidence).toContain("proxy variables: HTTPS_PROXY");
    expect(JSON.stringify(closed)).not.toContain("proxy-secret");
    await using server = await startRedis();
    expectHealthy(await look(at(server.port), { machine: mesh }));
  });

  it("warns of a server without HELLO, and does not stumble over one that knows hardly anything", async () => {
    const old = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => {
        for (const [, name] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
          socket.write(name === "PING" ? "+PONG\r\n" : `-ERR unknown command '${name ?? ""}'\r\n`);
        }
      });
    });
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    const report = await look(at((old.address() as AddressInfo).port), { deep: true });
    await new Promise((resolve) => old.close(resolve));
    expectWarning(report, "session", "PROTOCOL_UNSUPPORTED");
    expect(findingsOf(report, "server/memory")[0]?.status).toBe("skip");
  });

  it("goes on with the startup node that answers, and warns of nodes that cannot be reached", async () => {
    await using one = await startRedis({ args: ["--cluster-enabled", "yes"] });
    await using two = await startRedis({ args: ["--cluster-enabled", "yes"] });
    await one.cli("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
    await one.cli("CLUSTER", "MEET", "127.0.0.1", two.port);
    await eventually(
      async () => expect(await one.cli("CLUSTER", "INFO")).toMatch(/cluster_state:ok[\s\S]*known_nodes:2/),
      PATIENTLY,
    );
    const nodes = `127.0.0.1:${String(await freePort())},${at(one.port)}`;
    const partly = await look(undefined, { env: { REDIS_CLUSTER_NODES: nodes } });
    expect(partly.verdict).toMatchObject({ status: "warnings", check: "discovery" });
    expect(partly.target).toMatchObject({ mode: "cluster", address: at(one.port) });
    await two.kill();
    const lonely = await look(at(one.port), { cluster: true });
    expect(lonely.verdict).toMatchObject({ code: "CLUSTER_UNREACHABLE", check: "topology" });
    expect(lonely.verdict.sentence).toContain("1 of 1 other nodes cannot be reached");
  });
});
