/** A client that is not let in, or does not trust whom it reached: a fatal line once, however often it tries. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ownAddress, whyNoOwnAddress } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis } from "../helpers/redis-server.js";
import { makeCertificates, type Certificates, type KeyPair } from "../helpers/tls.js";
import { atEnd } from "./core-harness.js";
import { dial } from "./diagnosis-harness.js";
import { at, CANARY, events, expectAway, expectFailure, expectLine, open, opened } from "./client-log-harness.js";

const RIGHT = "right";

describe("a client that is not let in", () => {
  it("AUTH_REQUIRED: no password given", async () => {
    await using server = await startRedis({ password: CANARY });
    const redis = open({ port: server.port, password: "" });
    const { severity } = await expectFailure(redis.get("k"), "AUTH_REQUIRED", "no", false);
    expect(severity).toBe("fatal");
    const line = await expectLine(redis, "incident.open", "fatal", "AUTH_REQUIRED");
    expect(line.runs).toContain(at(redis));
    for (let i = 0; i < 5; i++) await expectFailure(redis.get("k"), "AUTH_REQUIRED", "no", false);
    expect(redis.log.at("error", "fatal")).toHaveLength(1);
  });

  it("AUTH_WRONG: a wrong password is said once while the client goes on trying", async () => {
    await using server = await startRedis({ password: RIGHT });
    const resilience = { summaryInterval: 50 };
    const { redis, line } = await expectAway(
      { port: server.port, username: "default", resilience },
      "AUTH_WRONG",
      "fatal",
    );
    expect(line.next[0]?.run).toBe(`redis-cli ${at(redis)} --user default --askpass acl whoami`);
    const { error } = await expectFailure(redis.get("k"), "AUTH_WRONG", "no", false);
    expect(error.message).toContain("WRONGPASS");
    expect(redis.log.lines).toHaveLength(1);
    // The password is rotated to the one this client has: the incident ends.
    await server.call("CONFIG", "SET", "requirepass", CANARY);
    await eventually(() => redis.ping());
    await expectLine(redis, "incident.closed", "info", "AUTH_WRONG");
  });

  it("AUTH_WRONG: the callers who were told of it are counted, the first ones too", async () => {
    await using server = await startRedis({ password: RIGHT });
    const redis = open({ port: server.port });
    const errors = await Promise.all([1, 2, 3].map(() => redis.get("k").catch((error: unknown) => error)));
    expect(errors).toHaveLength(3);
    await expectLine(redis, "incident.open", "fatal", "AUTH_WRONG");
    const { failed } = redis.stats();
    redis.disconnect();
    const closed = await expectLine(redis, "incident.closed", "info", "AUTH_WRONG");
    expect([failed, closed.fields["failed"]]).toEqual([3, 3]);
  });

  it("CREDENTIALS_FAILED: the function that gives the credentials throws", async () => {
    await using server = await startRedis({ password: CANARY });
    let given = (): unknown => {
      throw new Error(CANARY);
    };
    const fromVault = (): never => given() as never;
    const redis = open({ port: server.port, password: "", credentials: fromVault });
    const line = await expectLine(redis, "incident.open", "fatal", "CREDENTIALS_FAILED");
    expect(line.message).toContain("cannot be logged in to: no credentials from the provider");
    expect(line.fields["seen"]).toBe("the credentials provider fromVault threw an error");
    given = () => ({ password: CANARY });
    await expectLine(redis, "incident.closed", "info", "CREDENTIALS_FAILED");
    expect(redis.log.at("error", "fatal")).toHaveLength(1);
  });

  it("AUTH_WRONG: a password that a function gave is told with its name", async () => {
    await using server = await startRedis({ password: CANARY });
    const fromVault = (): { password: string } => ({ password: RIGHT });
    const redis = open({ port: server.port, password: "", credentials: fromVault });
    await expectFailure(redis.get("k"), "AUTH_WRONG", "no", false);
    const line = await expectLine(redis, "incident.open", "fatal", "AUTH_WRONG");
    expect(line.message).toContain("Seen: The login comes from the credentials provider fromVault.");
  });

  it("AUTH_NOT_CONFIGURED: AUTH at an open server is the caller's affair and a line at most", async () => {
    await using server = await startRedis();
    const redis = await opened({ port: server.port });
    await expectFailure(redis.call("AUTH", CANARY), "AUTH_NOT_CONFIGURED", "no", false);
    await expectLine(redis, "command.refused", "debug", "AUTH_NOT_CONFIGURED");
    expect(redis.log.lines).toHaveLength(1);
  });

  it("PERMISSION_DENIED: each command is named to its caller, and where the server tells of it", async () => {
    await using server = await startRedis({
      acl: [`user app on >${CANARY} ~mine:* -@all +get +hello +info +client +ping`],
    });
    const redis = await opened({ port: server.port, username: "app" });
    const { next } = await expectFailure(redis.del("mine:k"), "PERMISSION_DENIED", "no", false);
    expect(next.map(({ run }) => run ?? "").join()).toContain("redis-cli acl log 5");
    await expectFailure(redis.get("other"), "PERMISSION_DENIED", "no", false);
    const line = await expectLine(redis, "command.refused", "warn", "PERMISSION_DENIED");
    expect(line.fields["seen"]).toContain("'del'");
    expect(line.runs).toContain("redis-cli acl log 5");
    expect(redis.log.lines).toHaveLength(1);
  });

  it("PERMISSION_DENIED: a second client of another server is not told the first one's address", async () => {
    const acl = [`user app on >${CANARY} ~mine:* -@all +get +hello +info +client +ping`];
    await using one = await startRedis({ acl });
    await using two = await startRedis({ acl });
    const first = await opened({ port: one.port, username: "app" });
    const second = await opened({ port: two.port, username: "app" });
    await expectFailure(first.del("mine:k"), "PERMISSION_DENIED", "no", false);
    await expectFailure(second.set("mine:k", "v"), "PERMISSION_DENIED", "no", false);
    const line = await expectLine(second, "command.refused", "warn", "PERMISSION_DENIED");
    expect(JSON.stringify(line)).not.toContain(String(one.port));
    expect(line.fields["seen"]).toContain("'set'");
  });

  it("MAX_CLIENTS: the server's last words reach error and line, although the first attempt wrote before it could read them", async () => {
    await using server = await startRedis({ password: CANARY, config: ["maxclients 1"] });
    const first = dial(server.port);
    atEnd(() => first.destroy());
    await new Promise((resolve) => first.once("connect", resolve).write("PING\r\n"));
    await new Promise((resolve) => first.once("data", resolve));
    const redis = open({ port: server.port, maxRetriesPerRequest: null, resilience: { breaker: false } });
    const line = await expectLine(redis, "incident.open", "error", "MAX_CLIENTS");
    expect(line.why[0]).toBe("The server's last words were: ERR max number of clients reached.");
    expect(line.runs).toContain(`sport = :${String(server.port)}`);
    const { why } = await expectFailure(redis.with({ deadline: 100 }).get("k"), "DEADLINE", "no", true);
    expect(why.join(" ")).toContain("max number of clients reached");
    first.destroy();
    await eventually(() => redis.ping());
    await eventually(() => expect(events(redis.log, "incident.closed")).toHaveLength(1));
  });

  it.skipIf(whyNoOwnAddress() !== undefined)("PROTECTED_MODE: an open server asked from outside", async () => {
    await using server = await startRedis({ config: ["bind 0.0.0.0", "protected-mode yes"] });
    const redis = open({ host: ownAddress() ?? "", port: server.port, resilience: { deadline: 1000 } });
    const { error, why } = await expectFailure(redis.get("k"), "DEADLINE", "no", true);
    expect(error.message).toContain("DENIED Redis is running in protected mode");
    expect(why.join(" ")).toContain("DENIED Redis is running in protected mode");
    const line = await expectLine(redis, "incident.open", "fatal", "PROTECTED_MODE");
    expect(line.why[0]).toContain("DENIED Redis is running in protected mode");
    expect(redis.log.at("error", "fatal")).toHaveLength(1);
  });

  it("DB_OUT_OF_RANGE: a database that does not exist is said once", async () => {
    await using server = await startRedis({ password: CANARY });
    const redis = open({ port: server.port, db: 99 });
    await expectFailure(redis.get("k"), "DB_OUT_OF_RANGE", "no", false);
    await expectLine(redis, "incident.open", "fatal", "DB_OUT_OF_RANGE");
    for (let i = 0; i < 5; i++) await expectFailure(redis.get("k"), "DB_OUT_OF_RANGE", "no", false);
    expect(events(redis.log, "incident.open")).toHaveLength(1);
  });
});

describe("a client that does not trust whom it reached", () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(async () => {
    await certificates.remove();
  });

  it.each([
    ["TLS_UNTRUSTED", (made: Certificates): KeyPair => made.valid, false],
    ["TLS_WRONG_HOST", (made: Certificates): KeyPair => made.wrongHost, true],
    ["TLS_EXPIRED", (made: Certificates): KeyPair => made.expired, true],
  ] as const)("%s is said once, with a command that shows the certificate", async (code, pair, trusts) => {
    await using server = await startRedis({ password: CANARY, tls: pair(certificates) });
    const port = server.tlsPort ?? 0;
    const tls = trusts ? { ca: certificates.caPem } : {};
    const { line } = await expectAway({ port, tls }, code, "fatal");
    expect(line.runs).toContain(`openssl s_client -connect 127.0.0.1:${String(port)}`);
  });

  it("CONFIG_INVALID: a key that does not fit its certificate is said once, before anything is sent", async () => {
    await using server = await startRedis({ password: CANARY, tls: certificates.valid });
    const [cert, key] = [certificates.client.cert, certificates.foreign.key].map((path) => readFileSync(path, "utf8"));
    const tls = { ca: certificates.caPem, cert, key };
    const redis = open({ port: server.tlsPort ?? 0, tls, lazyConnect: true });
    await expectFailure(redis.connect(), "CONFIG_INVALID", "no", false);
    const line = await expectLine(redis, "incident.open", "fatal", "CONFIG_INVALID");
    expect(line.message).toContain("Likely: Node could not read a TLS key or certificate");
    // ioredis gives up for good; whoever comes later is told why.
    const { why } = await expectFailure(redis.get("k"), "CLIENT_CLOSED", "no", false);
    expect(why.join(" ")).toContain("key values mismatch");
  });

  it("TLS_CLIENT_CERT: a server that asks for one", async () => {
    await using server = await startRedis({ password: CANARY, tls: { ...certificates.valid, clientAuth: true } });
    const port = server.tlsPort ?? 0;
    await expectAway({ port, tls: { ca: certificates.caPem, maxVersion: "TLSv1.2" } }, "TLS_CLIENT_CERT", "fatal");
  });

  it("TLS_PROTOCOL: versions that do not meet", async () => {
    const config = ['tls-protocols "TLSv1.3"'];
    await using server = await startRedis({ password: CANARY, tls: certificates.valid, config });
    const tls = { ca: certificates.caPem, maxVersion: "TLSv1.2" } as const;
    await expectAway({ port: server.tlsPort ?? 0, tls }, "TLS_PROTOCOL", "fatal");
  });

  it("CONNECTION_CLOSED_EARLY: a plain client at a TLS port is told that the port speaks TLS", async () => {
    await using server = await startRedis({ password: CANARY, tls: certificates.valid });
    const { line } = await expectAway({ port: server.tlsPort ?? 0 }, "CONNECTION_CLOSED_EARLY", "error");
    expect(line.why.join(" ")).toContain("The port speaks TLS");
  });

  it("a TLS client at a plain port is told that the port speaks plain Redis", async () => {
    await using server = await startRedis({ password: CANARY });
    const resilience = { reconnect: { minTimeout: 5, maxTimeout: 20, handshakeTimeout: 200 } };
    const tls = { ca: certificates.caPem };
    const { line } = await expectAway({ port: server.port, tls, resilience }, "HANDSHAKE_TIMEOUT", "error");
    expect(line.why[0]).toContain("The port does not speak TLS: a plain Redis");
    expect(line.message).toContain("Likely: The port does not speak TLS");
  });
});
