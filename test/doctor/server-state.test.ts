import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DiagnoseOptions, Report, TargetOptions } from "../../src/doctor/index.js";
import { whyNoSmallDisk } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { examine, expectHealthy, expectVerdict, expectWarning, findingsOf } from "./ground.js";

const PATIENTLY = { withinMs: 20_000 };

function look(target: RedisServer | TargetOptions, more: DiagnoseOptions = {}): Promise<Report> {
  const { host, port } = target;
  const given = "pid" in target ? `${host ?? ""}:${String(port)}` : target;
  return examine(given, more);
}

const FILL = "for i = 1, 200 do redis.call('set', 'k' .. ARGV[1] .. ':' .. i, string.rep('x', 1000)) end";

async function fill(server: RedisServer, most: number): Promise<void> {
  for (let i = 0; i < most; i++) {
    try {
      await server.cli("EVAL", FILL, 0, i);
    } catch {
      return;
    }
  }
}

describe("doctor, a server in a bad state", () => {
  it("says that the server is loading, and how far it is", async () => {
    await using server = await startRedis({
      args: ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no"],
      waitFor: "accepting",
    });
    for (let i = 0; i < 5; i++) await server.cli("EVAL", FILL, 0, i);
    await server.cli("SAVE");
    await server.restart();
    const report = await look(server);
    expectVerdict(report, "LOADING", /is loading its data into memory/);
    expect(findingsOf(report, "session").at(-1)?.evidence).toMatch(/\d+ % loaded/);
  });

  it("says that a script keeps the server busy", async () => {
    await using server = await startRedis({ args: ["--busy-reply-threshold", "50"] });
    const socket = connect(server.path).on("error", () => undefined);
    socket.write("EVAL 'while true do end' 0\r\n");
    await eventually(() => expect(server.cli("PING")).rejects.toThrow("BUSY"), PATIENTLY);
    try {
      const report = await look(server);
      expectVerdict(report, "BUSY_SCRIPT", /busy running a script/);
      expect(report.verdict.next?.run).toMatch(/script kill$/);
    } finally {
      await server.cli("SCRIPT", "KILL");
      socket.destroy();
    }
  });

  it("says that the process computes when a long command silences it before it says BUSY", async () => {
    await using server = await startRedis({ args: ["--busy-reply-threshold", "60000"] });
    const socket = connect(server.path).on("error", () => undefined);
    socket.write("EVAL 'while true do end' 0\r\n");
    await new Promise((resolve) => socket.once("connect", resolve));
    await eventually(async () => {
      const report = await look(server);
      expectVerdict(report, "HANDSHAKE_TIMEOUT", /computes without a pause \(state R\)/);
    }, PATIENTLY);
    socket.destroy();
    await server.kill();
  });

  it("says that memory is full when nothing can be evicted", async () => {
    await using server = await startRedis({ args: ["--maxmemory", "3mb", "--slowlog-log-slower-than", "-1"] });
    await fill(server, 100);
    await expect(server.cli("SET", "one", "more")).rejects.toThrow("OOM");
    const report = await look(server);
    expectVerdict(report, "OUT_OF_MEMORY", /Memory is full: .* of 3 MiB are used and noeviction frees nothing/);
  });

  it("says so too for a volatile policy without keys that expire", async () => {
    await using server = await startRedis({
      args: ["--maxmemory", "3mb", "--maxmemory-policy", "volatile-lru", "--slowlog-log-slower-than", "-1"],
    });
    await fill(server, 100);
    expectVerdict(await look(server), "OUT_OF_MEMORY", /volatile-lru frees nothing/);
  });

  it("says that writes are refused when snapshots fail because the folder is gone", async () => {
    await using server = await startRedis({ config: ["save 3600 1", "enable-protected-configs yes"] });
    const gone = join(server.dir, "gone");
    mkdirSync(gone);
    await server.cli("CONFIG", "SET", "dir", gone);
    rmSync(gone, { recursive: true });
    await server.cli("SET", "k", "v");
    await server.cli("BGSAVE");
    await eventually(
      async () => expect(await server.cli("INFO", "persistence")).toContain("rdb_last_bgsave_status:err"),
      PATIENTLY,
    );
    await expect(server.cli("SET", "k", "w")).rejects.toThrow("MISCONF");
    expectVerdict(
      await look(server),
      "PERSISTENCE_FAILED",
      /cannot save to disk, so it refuses writes \(MISCONF\).*folder missing/,
    );
    // The health check sees it too, where the user may not PING and learns nothing from that
    await server.cli("ACL", "SETUSER", "watch", "on", ">watch-password", "+info", "+config|get");
    const watched = await look({ host: server.host, port: server.port, username: "watch", password: "watch-password" });
    expectVerdict(watched, "PERSISTENCE_FAILED", /cannot write its snapshot to disk/);
  });

  it.skipIf(whyNoSmallDisk() !== undefined)("says that writes are refused when the disk is full", async () => {
    await using server = await startRedis({
      config: ["save 3600 1", "enable-protected-configs yes"],
      args: ["--rdbcompression", "no", "--slowlog-log-slower-than", "-1"],
    });
    const small = join(server.dir, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]);
    try {
      await fill(server, 20);
      await server.cli("CONFIG", "SET", "dir", small);
      await server.cli("BGSAVE");
      await eventually(
        async () => expect(await server.cli("INFO", "persistence")).toContain("rdb_last_bgsave_status:err"),
        PATIENTLY,
      );
      expectVerdict(await look(server), "PERSISTENCE_FAILED", /disk full/);
    } finally {
      await server.kill();
      execFileSync("umount", [small]);
    }
  });

  it("only warns of a failed snapshot when writes go on", async () => {
    await using server = await startRedis({
      config: ["save 3600 1", "stop-writes-on-bgsave-error no", "enable-protected-configs yes"],
    });
    const gone = join(server.dir, "gone");
    mkdirSync(gone);
    await server.cli("CONFIG", "SET", "dir", gone);
    rmSync(gone, { recursive: true });
    await server.cli("BGSAVE");
    await eventually(
      async () => expect(await server.cli("INFO", "persistence")).toContain("rdb_last_bgsave_status:err"),
      PATIENTLY,
    );
    expectWarning(await look(server), "server/persistence", "PERSISTENCE_FAILED");
  });

  it("says that the server is a replica after a demotion, and who the master is, unless a replica is expected", async () => {
    await using master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
    await using server = await startRedis();
    await server.cli("REPLICAOF", "127.0.0.1", master.port);
    await eventually(
      async () => expect(await server.cli("INFO", "replication")).toContain("master_link_status:up"),
      PATIENTLY,
    );
    const report = await look(server);
    expectVerdict(
      report,
      "READ_ONLY_REPLICA",
      new RegExp(`takes no writes\\. Its master is 127\\.0\\.0\\.1:${String(master.port)}`),
    );
    expect(report.verdict.next?.run).toBe(`npx --no ioredoubt doctor 127.0.0.1:${String(master.port)}`);
    expectHealthy(await look(server, { replica: true }));
  });

  it("warns when a replica has lost its master", async () => {
    await using server = await startRedis();
    await server.cli("REPLICAOF", "127.0.0.1", await freePort());
    expectWarning(await look(server, { replica: true }), "server/replication", "MASTER_DOWN");
  });

  it("says that the master wants more replicas", async () => {
    await using server = await startRedis({ args: ["--min-replicas-to-write", "1"] });
    expectVerdict(await look(server), "NOT_ENOUGH_REPLICAS", /has 0 good replicas, wants 1/);
  });

  it("says that a plain client talks to a cluster node, and a cluster client to a plain server", async () => {
    await using node = await startRedis({ args: ["--cluster-enabled", "yes"] });
    await node.cli("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
    await eventually(async () => expect(await node.cli("CLUSTER", "INFO")).toContain("cluster_state:ok"), PATIENTLY);
    expectVerdict(await look(node), "MOVED", /node of a Redis Cluster and this client is a plain one/);
    expectHealthy(await look(node, { cluster: true }));
    await using plain = await startRedis();
    expectVerdict(
      await look(plain, { cluster: true }),
      "CLUSTER_DISABLED",
      /made for Redis Cluster and the server runs without it/,
    );
  });

  it("says that the cluster is down when slots have no owner", async () => {
    await using node = await startRedis({ args: ["--cluster-enabled", "yes"] });
    expectVerdict(await look(node, { cluster: true }), "CLUSTER_DOWN", /only 0 of 16384 slots have an owner/);
  });

  it("follows Sentinel to the master, and tells a wrong master name from a Sentinel that is down", async () => {
    await using master = await startRedis();
    const port = await freePort();
    await using sentinel = await startRedis({
      port,
      args: ["--sentinel"],
      config: [`sentinel monitor lab 127.0.0.1 ${String(master.port)} 1`],
    });
    const at = { host: sentinel.host, port: sentinel.port };
    const good = await look({ sentinels: [at], name: "lab" });
    expectHealthy(good);
    expect(good.target.address).toBe(`127.0.0.1:${String(master.port)}`);
    expectVerdict(
      await look({ sentinels: [at], name: "other" }),
      "SENTINEL_NAME_UNKNOWN",
      /know no master named other/,
    );
    expectVerdict(
      await look({ sentinels: [{ host: "127.0.0.1", port: await freePort() }], name: "lab" }),
      "SENTINELS_UNREACHABLE",
      /No Sentinel could name the master/,
    );
    const half = await look({ sentinels: [at, { host: "127.0.0.1", port: await freePort() }], name: "lab" });
    expect(half.verdict.status).toBe("warnings");
    expect(findingsOf(half, "discovery")[0]?.meaning).toContain("1 of 2 Sentinels");
    expectVerdict(await look(at), "CONFIG_INVALID", /is a Sentinel, not a Redis server/);
  });

  it("warns of a recent slow command by its name only", async () => {
    await using server = await startRedis({ args: ["--slowlog-log-slower-than", "1000"] });
    await server.cli(
      "EVAL",
      "local t = redis.call('time'); local s = t[1] * 1e6 + t[2]; repeat t = redis.call('time') until t[1] * 1e6 + t[2] > s + 150000 return 'secret-value'",
      0,
    );
    const report = await look(server);
    expectWarning(report, "server/load", /EVAL took \d+ ms: everybody else waited/);
    expect(JSON.stringify(report)).not.toContain("secret-value");
  });
});
