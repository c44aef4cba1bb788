/** The doctor behind real Sentinel sets: the client's own way there, and why nobody takes a dead master's place. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TargetOptions } from "../../src/doctor/index.js";
import type { Report } from "../../src/doctor/report.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { freePort } from "../helpers/free-port.js";
import { startSentinelSet, type SentinelSet } from "../helpers/sentinel-set.js";
import { makeCertificates, type Certificates } from "../helpers/tls.js";
import { examine as look, expectHealthy, expectVerdict, findingsOf } from "./ground.js";

const PASSWORD = "of-the-server-1";
const SENTINEL_PASSWORD = "of-the-sentinels-2";
const START = 60_000;
/** Milliseconds for what takes a second on a machine that is not busy. */
const PATIENTLY = { withinMs: 20_000 };

let certificates: Certificates;
/** Its replicas may not take over. */
let plain: SentinelSet;
let guarded: SentinelSet;
/** As the guarded set is meant to be reached. */
let full: TargetOptions;

beforeAll(async () => {
  certificates = await makeCertificates();
  const tls = certificates.valid;
  const passwords = { password: PASSWORD, sentinelPassword: SENTINEL_PASSWORD };
  [plain, guarded] = await Promise.all([
    startSentinelSet({ config: ["replica-priority 0"] }),
    startSentinelSet({ replicas: 1, sentinels: 1, tls, sentinelTls: tls, ...passwords }),
  ]);
  const secure = { ca: certificates.caPem, servername: "localhost" };
  full = { ...guarded.addresses, ...passwords, tls: secure, sentinelTLS: secure, enableTLSForSentinelMode: true };
}, START);

afterAll(async () => {
  await Promise.all([plain.stop(), guarded.stop()]);
  await certificates.remove();
});

/** What is printed may be pasted anywhere. */
function expectNoSecret(report: Report): void {
  const text = JSON.stringify(report);
  for (const secret of [PASSWORD, SENTINEL_PASSWORD]) expect(text).not.toContain(secret);
}

describe("doctor, Sentinels with passwords and TLS", () => {
  it("goes the client's way, from options and from the environment", async () => {
    const report = await look(full);
    expectHealthy(report);
    expectNoSecret(report);
    expect(report.target).toMatchObject({ mode: "sentinel", tls: true });
    const [sentinel] = guarded.addresses.sentinels;
    const plainly = {
      REDIS_SENTINELS: `${sentinel?.host ?? ""}:${String(sentinel?.port)}`,
      REDIS_SENTINEL_NAME: guarded.name,
      REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
      REDIS_PASSWORD: PASSWORD,
      REDIS_TLS_CA_FILE: certificates.ca,
    };
    expectHealthy(await look(undefined, { env: { ...plainly, REDIS_SENTINEL_TLS_CA_FILE: certificates.ca } }));
    expectVerdict(await look(undefined, { env: plainly }), "SENTINELS_UNREACHABLE", /asked in plain text/);
  });

  it("tells TLS that is missing from TLS that is too much, and from a certificate that is not trusted", async () => {
    const bare = await look({ ...full, sentinelTLS: undefined });
    expectVerdict(bare, "SENTINELS_UNREACHABLE", /speak TLS and are asked in plain text/);
    expect(bare.verdict.next?.say).toContain("REDIS_SENTINEL_TLS=on");
    const plainPorts = guarded.sentinels.map(({ host, port }) => ({ host, port }));
    const tooMuch = await look({ ...full, sentinels: plainPorts });
    expectVerdict(tooMuch, "SENTINELS_UNREACHABLE", /speak plain text and are asked over TLS/);
    const stranger = await look({ ...full, sentinelTLS: { servername: "localhost" } });
    expectVerdict(stranger, "SENTINELS_UNREACHABLE", /certificate is not accepted \(\w+/);
  });

  it("says of a tls option that ioredis ignores that it does not count", async () => {
    const report = await look({ ...full, enableTLSForSentinelMode: undefined });
    expect(
      findingsOf(report, "target")
        .map(({ evidence }) => evidence)
        .join(),
    ).toMatch(/does not count behind Sentinels/);
    expect(report.target.tls).toBe(false);
  });

  it("asks for the password and goes over TLS in the commands it offers", async () => {
    const report = await look({ ...full, sentinelPassword: "wrong-one-3" });
    expectVerdict(report, "SENTINEL_ACCESS", /refuse the password they are given \(sentinelPassword\)/);
    const port = String(guarded.addresses.sentinels[0]?.port);
    expect(report.verdict.next?.run).toContain(
      `redis-cli -h 127.0.0.1 -p ${port} --tls --cacert ca.pem --askpass sentinel`,
    );
    expect(JSON.stringify(report)).not.toContain("wrong-one-3");
    expectNoSecret(report);
  });
});

// In this order: the last one ends the master
describe("doctor, a Sentinel set", () => {
  it("says that the name is wrong while a Sentinel is down, and which names they know", async () => {
    const dead = { host: "127.0.0.1", port: await freePort() };
    const report = await look({ sentinels: [dead, ...plain.addresses.sentinels], name: "nope" });
    expect(report.verdict.sentence).toMatch(/no master named nope: the name is wrong\. They watch mymaster\./);
    expect(report.verdict.next?.run).toMatch(/sentinel masters$/);
  });

  it("translates by natMap as the client does, and reads from a replica where the client does", async () => {
    const master = await plain.healthy();
    await using door = await startProxy({ target: { port: master.port } });
    const natMap = { [`127.0.0.1:${String(master.port)}`]: { host: door.host, port: door.port } };
    const report = await look({ ...plain.addresses, natMap });
    expect(report.target.address).toBe(`127.0.0.1:${String(door.port)}`);
    expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);
    const reading = await look({ ...plain.addresses, role: "slave" });
    const ports = plain.nodes.filter((one) => one !== master).map(({ port }) => `127.0.0.1:${String(port)}`);
    expect(ports).toContain(reading.target.address);
    expect(reading.checks.filter(({ status }) => status === "fail")).toEqual([]);
  });

  it("tells Sentinel by Sentinel, and warns that nothing could take over", async () => {
    const report = await look(plain.addresses);
    const lines = findingsOf(report, "discovery").map(({ evidence }) => evidence);
    for (const { host, port } of plain.addresses.sentinels)
      expect(lines.join("\n")).toContain(`${host}:${String(port)}: names 127.0.0.1:`);
    expect(report.verdict).toMatchObject({ status: "warnings", check: "discovery" });
    expect(report.verdict.sentence).toMatch(/none of its 2 replicas may take over \(replica-priority 0\)/);
  });

  it("says of a master that is down why nobody has taken its place, and not that the port is wrong", async () => {
    const master = await plain.healthy();
    await master.kill();
    await eventually(async () => {
      const flags = await Promise.all(plain.sentinels.map(async (one) => (await plain.about(one)).get("flags")));
      expect(flags.every((one) => one?.includes("s_down") === true)).toBe(true);
    }, PATIENTLY);
    const report = await look(plain.addresses);
    expect(report.verdict.sentence).toMatch(
      /^The Sentinels name 127\.0\.0\.1:\d+ as master of mymaster, and it is down for them, too\. No failover: none of its 2 replicas may take over/,
    );
    expect(report.verdict).toMatchObject({ status: "failed", check: "path", code: "MASTER_DOWN" });
    const all = report.checks.flatMap(({ findings }) => findings.map(({ meaning }) => meaning)).join("\n");
    expect(all).not.toMatch(/port is wrong/);
  });
});
