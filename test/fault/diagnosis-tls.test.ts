/** Real TLS failures, one server a mistake, and what the diagnosis makes of them. */
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { makeCertificates, type Certificates, type KeyPair } from "../helpers/tls.js";
import { connectFailure, expectDiagnosis, socketFailure } from "./diagnosis-harness.js";

const MISTAKE = { applied: "no", retryable: false, breaker: "none" } as const;

let certificates: Certificates;
let trusted: string;

beforeAll(async () => {
  certificates = await makeCertificates();
  trusted = readFileSync(certificates.ca, "utf8");
});

afterAll(async () => {
  await certificates.remove();
});

async function against(
  pair: KeyPair,
  more: object,
  tls: ConnectionOptions,
  look: (error: unknown, port: number) => void,
): Promise<void> {
  const server: RedisServer = await startRedis({ tls: { ...pair, ...more } });
  try {
    const port = server.tlsPort ?? 0;
    look(await connectFailure({ host: "127.0.0.1", port, tls }), port);
  } finally {
    await server.stop();
  }
}

describe("diagnosis of TLS", () => {
  it("TLS_UNTRUSTED: an authority the client was not told of", async () => {
    await against(certificates.valid, {}, {}, (error, port) => {
      const { next } = expectDiagnosis(
        error,
        { endpoint: { host: "127.0.0.1", port, tls: true } },
        "TLS_UNTRUSTED",
        MISTAKE,
      );
      expect(next[0]?.run).toContain(`openssl s_client -connect 127.0.0.1:${port}`);
    });
  });

  it("TLS_UNTRUSTED: somebody else's certificate", async () => {
    await against(certificates.foreign, {}, { ca: trusted }, (error) => {
      expectDiagnosis(error, {}, "TLS_UNTRUSTED", MISTAKE);
    });
  });

  it("TLS_EXPIRED: a certificate of 2020", async () => {
    await against(certificates.expired, {}, { ca: trusted }, (error) => {
      expectDiagnosis(error, {}, "TLS_EXPIRED", MISTAKE);
    });
  });

  it("TLS_WRONG_HOST: a certificate for another name", async () => {
    await against(certificates.wrongHost, {}, { ca: trusted }, (error) => {
      expectDiagnosis(error, {}, "TLS_WRONG_HOST", MISTAKE);
    });
  });

  it("TLS_CLIENT_CERT: a server that asks for one, and a client without", async () => {
    // Under TLS 1.3 the client has already written when the alert comes, and may see a reset instead of it.
    await against(certificates.valid, { clientAuth: true }, { ca: trusted, maxVersion: "TLSv1.2" }, (error) => {
      expectDiagnosis(error, {}, "TLS_CLIENT_CERT", MISTAKE);
    });
    await against(certificates.valid, { clientAuth: true }, { ca: trusted }, (error, port) => {
      const context = { endpoint: { host: "127.0.0.1", port, tls: true }, phase: "handshake" } as const;
      const { code, why } = classify(error, context);
      expect(code === "TLS_CLIENT_CERT" || why.some((line) => line.includes("client certificate"))).toBe(true);
    });
  });

  it("TLS_CLIENT_CERT: a client certificate from an unknown authority", async () => {
    const { cert, key } = certificates.foreign;
    const tls = {
      ca: trusted,
      cert: readFileSync(cert, "utf8"),
      key: readFileSync(key, "utf8"),
      maxVersion: "TLSv1.2",
    } as const;
    await against(certificates.valid, { clientAuth: true }, tls, (error) => {
      expectDiagnosis(error, {}, "TLS_CLIENT_CERT", MISTAKE);
    });
  });

  it("TLS_PROTOCOL: versions that do not meet", async () => {
    await using server = await startRedis({ tls: certificates.valid, config: ['tls-protocols "TLSv1.3"'] });
    const tls = { ca: trusted, maxVersion: "TLSv1.2" } as const;
    const error = await connectFailure({ host: "127.0.0.1", port: server.tlsPort ?? 0, tls });
    expectDiagnosis(error, {}, "TLS_PROTOCOL", MISTAKE);
  });

  it("TLS_PROTOCOL: a server that answers in plain text", async () => {
    const plain = createServer((socket) => socket.on("error", () => undefined).end("-ERR unknown command\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const { port } = plain.address() as AddressInfo;
    const { error } = await socketFailure(() => connect({ port, host: "127.0.0.1", rejectUnauthorized: false }));
    plain.close();
    expectDiagnosis(error, {}, "TLS_PROTOCOL", MISTAKE);
  });

  it("CONNECTION_CLOSED_EARLY: a peer that closes within the TLS handshake", async () => {
    const rude = createServer((socket) => socket.on("error", () => undefined).end());
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    const { port } = rude.address() as AddressInfo;
    const { error } = await socketFailure(() => connect({ port, host: "127.0.0.1", rejectUnauthorized: false }));
    rude.close();
    expectDiagnosis(error, {}, "CONNECTION_CLOSED_EARLY", { applied: "no", retryable: true, breaker: "read-write" });
  });
});
