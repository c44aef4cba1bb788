import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report, TargetOptions } from "../../src/doctor/index.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisOptions } from "../helpers/redis-server.js";
import { makeCertificates, type Certificates } from "../helpers/tls.js";
import { examine, expectHealthy, expectVerdict, findingsOf } from "./ground.js";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

async function look(
  tls: NonNullable<RedisOptions["tls"]>,
  options: TargetOptions,
  plainPort: boolean = false,
): Promise<Report> {
  await using server = await startRedis({ tls });
  const port = plainPort ? server.port : (server.tlsPort ?? 0);
  return await examine({ host: "localhost", port, ...options });
}

describe("doctor, TLS", () => {
  it("says that the port speaks TLS when the client does not", async () => {
    const report = await look(certificates.valid, {});
    expectVerdict(report, "TLS_PROTOCOL", /speaks TLS and this client does not: use rediss:\/\//);
    expect(report.verdict.next?.run).toMatch(/^npx --no ioredoubt doctor rediss:\/\/localhost:\d+$/);
  });

  it("says the same when the TLS port also wants a client certificate", async () => {
    const report = await look({ ...certificates.valid, clientAuth: true }, {});
    expectVerdict(report, "TLS_PROTOCOL", /speaks TLS and this client does not/);
  });

  it("says that the port speaks plain Redis when the client speaks TLS", async () => {
    const report = await look(certificates.valid, { tls: { ca: certificates.caPem } }, true);
    expectVerdict(report, "TLS_PROTOCOL", /speaks plain Redis and this client speaks TLS: use redis:\/\//);
  });

  it("says that the certificate has expired, and when", async () => {
    const report = await look(certificates.expired, { tls: { ca: certificates.caPem } });
    expectVerdict(report, "TLS_EXPIRED", /outside its period of validity/);
    expect(findingsOf(report, "tls")[0]?.evidence).toMatch(/ended 2020-02-01, \d+ days ago/);
  });

  it("says that the certificate is for another host, and for which", async () => {
    const report = await look(certificates.wrongHost, { tls: { ca: certificates.caPem } });
    expectVerdict(report, "TLS_WRONG_HOST", /made out to another name/);
    expect(findingsOf(report, "tls")[0]?.evidence).toContain("redis.elsewhere.example");
  });

  it("accepts that certificate when the servername is given", async () => {
    expectHealthy(
      await look(certificates.wrongHost, { tls: { ca: certificates.caPem, servername: "redis.elsewhere.example" } }),
    );
  });

  it("says that the authority is not trusted, and which one it is", async () => {
    for (const tls of [{}, { ca: readFileSync(certificates.foreign.ca, "utf8") }]) {
      const report = await look(certificates.valid, { tls });
      expectVerdict(report, "TLS_UNTRUSTED", /not signed by an authority this client trusts/);
      expect(findingsOf(report, "tls")[0]?.evidence).toContain("by lab CA");
    }
  });

  it("says that the server wants a client certificate", async () => {
    const report = await look({ ...certificates.valid, clientAuth: true }, { tls: { ca: certificates.caPem } });
    expectVerdict(report, "TLS_CLIENT_CERT", /did not accept this client's certificate/);
  });

  it("is content when the client certificate is given", async () => {
    const { cert, key } = certificates.client;
    const tls = { ca: certificates.caPem, cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
    expectHealthy(await look({ ...certificates.valid, clientAuth: true }, { tls }));
  });

  it("names the versions when the two sides have none in common", async () => {
    await using server = await startRedis({ tls: certificates.valid, config: ["tls-protocols TLSv1.2"] });
    for (const versions of [{ minVersion: "TLSv1.3" }, { minVersion: "TLSv1", maxVersion: "TLSv1.1" }] as const) {
      const target = { host: "localhost", port: server.tlsPort ?? 0, tls: { ca: certificates.caPem, ...versions } };
      const report = await examine(target);
      expectVerdict(
        report,
        "TLS_PROTOCOL",
        /shares no version or cipher .* the server takes TLSv1\.2, the client has min/,
      );
    }
  });

  it("says that a certificate, key or version of this client cannot be used", async () => {
    const { caPem } = certificates;
    const broken = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n";
    const [cert, otherKey] = [certificates.client.cert, certificates.foreign.key].map((path) =>
      readFileSync(path, "utf8"),
    );
    const cases = [
      { tls: { ca: caPem, cert, key: otherKey }, says: /TLS options of this client cannot be used/ },
      { tls: { ca: caPem, cert: broken, key: broken }, says: /^tls\.cert is wrong: it must be a certificate/ },
      { tls: { ca: caPem, cert: "no", key: "no" }, says: /^tls\.cert is wrong: it must be the text in PEM/ },
      { tls: { ca: caPem, minVersion: "TLSv9" as "TLSv1.3" }, says: /^tls\.minVersion is wrong/ },
    ];
    for (const { tls, says } of cases) {
      expectVerdict(await look(certificates.valid, { tls }), "CONFIG_INVALID", says);
    }
  });

  it("names maxclients when the connection is dropped before the handshake", async () => {
    await using server = await startRedis({ tls: certificates.valid, args: ["--maxclients", "2"] });
    const sockets = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(server.port, "127.0.0.1").on("error", () => undefined);
        await once(socket, "connect");
        return socket;
      }),
    );
    const target = { host: "localhost", port: server.tlsPort ?? 0, tls: { ca: certificates.caPem } };
    try {
      await eventually(
        async () => {
          const report = await examine(target);
          expectVerdict(report, "CONNECTION_CLOSED_EARLY", /when maxclients is reached/);
        },
        { withinMs: 20_000 },
      );
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it("warns when certificates are not verified", async () => {
    const report = await look(certificates.expired, { tls: { rejectUnauthorized: false } });
    expect(report.verdict.status).toBe("warnings");
    expect(
      findingsOf(report, "tls")
        .map((one) => one.meaning)
        .join(" "),
    ).toMatch(/Any certificate is accepted.*certificate ended \d+ days ago/);
  });

  it("says that a frozen TLS server is stopped", async () => {
    await using server = await startRedis({ tls: certificates.valid });
    server.freeze();
    try {
      const target = { host: "localhost", port: server.tlsPort ?? 0, tls: { ca: certificates.caPem } };
      const report = await examine(target);
      expectVerdict(report, "HANDSHAKE_TIMEOUT", /is stopped \(state T\)/);
    } finally {
      server.thaw();
    }
  });
});
