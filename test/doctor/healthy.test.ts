import { describe, expect, it } from "vitest";
import { isReadOnly } from "../../src/doctor/wire/read-only.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis } from "../helpers/redis-server.js";
import { makeCertificates } from "../helpers/tls.js";
import { examine, expectHealthy, findingsOf } from "./ground.js";

describe("doctor, healthy server", () => {
  it("raises no alarm, by host name, address, socket and database, and needs less than 2 s", async () => {
    await using server = await startRedis();
    const port = String(server.port);
    for (const target of [
      `redis://localhost:${port}`,
      `127.0.0.1:${port}`,
      server.path,
      `redis://127.0.0.1:${port}/3`,
    ]) {
      const report = await examine(target);
      expectHealthy(report);
      expect(report.version).toBe(1);
    }
    // What the doctor needs, and not what else this machine does: in a moment of quiet nothing is even slow
    await eventually(
      async () => {
        const report = await examine(`127.0.0.1:${port}`);
        expect(report.verdict.status).toBe("healthy");
        expect(report.elapsed).toBeLessThan(2000);
      },
      { withinMs: 20_000 },
    );
  });

  it("raises no alarm with a password, an ACL user and TLS", async () => {
    await using certificates = await makeCertificates();
    await using server = await startRedis({
      tls: certificates.valid,
      password: "top-secret-1",
      acl: ["user app on >top-secret-2 ~* +@all"],
    });
    const report = await examine({
      host: "localhost",
      port: server.tlsPort ?? 0,
      username: "app",
      password: "top-secret-2",
      tls: { ca: certificates.caPem },
    });
    expectHealthy(report);
    expect(findingsOf(report, "tls")[0]?.evidence).toMatch(/TLSv1\.[23].*certificate localhost by lab CA.*valid to/);
    expect(JSON.stringify(report)).not.toContain("top-secret");
  });

  it("raises no alarm for a full cache that evicts, or for errors of the past", async () => {
    await using server = await startRedis({
      args: ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru", "--slowlog-log-slower-than", "-1"],
    });
    await server.cli("EVAL", "for i = 1, 4000 do redis.call('set', 'k' .. i, string.rep('x', 1000)) end", "0");
    await expect(server.cli("NOPE")).rejects.toThrow("unknown command");
    expect(Number(/evicted_keys:(\d+)/.exec(await server.cli("INFO", "stats"))?.[1])).toBeGreaterThan(0);
    const report = await examine(`127.0.0.1:${String(server.port)}`);
    expectHealthy(report);
  });

  it("sends only commands that read, changes nothing and leaves no line in the server's log", async () => {
    await using server = await startRedis();
    const ready = /ready to accept connections at/i;
    await eventually(() => expect(server.log()).toMatch(ready));
    const before = server.log();
    const report = await examine(`127.0.0.1:${String(server.port)}`, {
      deep: true,
      commands: ["set", "get a"],
    });
    expect(report.verdict.status).toBe("warnings");
    // MONITOR hides administrative commands; the statistics do not
    const stats = await server.cli("INFO", "commandstats");
    const names = [...stats.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name]) => (name ?? "").split("|"));
    expect(names.map((words) => words.join(" "))).toEqual(
      expect.arrayContaining(["config get", "acl dryrun", "slowlog get"]),
    );
    for (const words of names) expect(isReadOnly(words), words.join(" ")).toBe(true);
    expect(await server.cli("INFO", "persistence")).toContain("rdb_changes_since_last_save:0");
    expect(await server.cli("DBSIZE")).toBe("0");
    expect(server.log()).toBe(before);
  });

  it("shows the audit's advice as warnings, with exit code 0, and only when asked", async () => {
    await using server = await startRedis();
    const report = await examine(`127.0.0.1:${String(server.port)}`, {
      deep: true,
    });
    const said = findingsOf(report, "audit")
      .filter((one) => one.status === "warn")
      .map((one) => one.evidence)
      .join("; ");
    expect(said).toMatch(/no password was needed.*maxmemory 0.*default may run FLUSHALL, KEYS/);
    expect(report.verdict.status).toBe("warnings");
  });

  it("holds the server's idle timeout against the heartbeat of the profile", async () => {
    await using server = await startRedis({ args: ["--timeout", "5"] });
    const report = await examine(`127.0.0.1:${String(server.port)}`, {
      deep: true,
      profile: "production",
    });
    const idle = findingsOf(report, "audit").find((one) => one.evidence.startsWith("timeout 5 s"));
    expect(idle).toMatchObject({ status: "warn" });
  });
});
