/** Which name a TLS server is asked for (SNI): that of the host, never an address; of Sentinel and of the master it names as well. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createSecureContext, createServer } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Redis, type RedisOptions } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { makeCertificates, type Certificates } from "../helpers/tls.js";
import { atEnd } from "./core-harness.js";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

/** Answers everything well, and a question for the master with this. */
async function serve(master?: () => readonly string[]): Promise<{ port: number; asked: (string | false)[] }> {
  const [key, cert] = [certificates.valid.key, certificates.valid.cert].map((path) => readFileSync(path));
  const asked: (string | false)[] = [];
  const server = createServer({ key, cert, SNICallback: (_, done) => done(null, createSecureContext({ key, cert })) });
  server.on("tlsClientError", () => undefined);
  server.on("secureConnection", (socket) => {
    asked.push(socket.servername ?? false);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      for (const [command] of chunk.toString().matchAll(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g)) {
        if (/hello/i.test(command)) socket.write("-ERR unknown command 'HELLO'\r\n");
        else if (/get-master-addr/i.test(command)) {
          socket.write(`*2\r\n${(master?.() ?? []).map((text) => `$${String(text.length)}\r\n${text}\r\n`).join("")}`);
        } else socket.write("+OK\r\n");
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => server.close());
  return { port: (server.address() as AddressInfo).port, asked };
}

function open(...args: readonly unknown[]): Redis {
  const options = { family: 4, resilience: { logger: false, doctor: false } };
  const redis = new Redis(...([...args.slice(0, -1), { ...options, ...(args.at(-1) as object) }] as [RedisOptions]));
  redis.on("error", () => undefined);
  atEnd(() => redis.disconnect());
  return redis;
}

it("is the host's name, with options and with a URL", async () => {
  const { port, asked } = await serve();
  const tls = { ca: readFileSync(certificates.ca) };
  const byOptions = open({ host: "localhost", port, tls });
  expect(await byOptions.ping()).toBe("OK");
  expect(await open(`rediss://localhost:${String(port)}`, { tls }).ping()).toBe("OK");
  expect(await byOptions.duplicate().ping()).toBe("OK");
  expect(asked).toEqual(["localhost", "localhost", "localhost"]);
  // A duplicate may go elsewhere.
  expect(byOptions.options.tls).toEqual(tls);
});

it("is what the caller set, and nothing for an address", async () => {
  const { port, asked } = await serve();
  const tls = { ca: readFileSync(certificates.ca) };
  expect(await open({ host: "127.0.0.1", port, tls: { ...tls, servername: "localhost" } }).ping()).toBe("OK");
  expect(await open({ host: "127.0.0.1", port, tls }).ping()).toBe("OK");
  expect(asked).toEqual(["localhost", false]);
});

it("is Sentinel's own name, and the master's where it is announced by name", async () => {
  const [named, numbered] = [await serve(), await serve()];
  let master = ["localhost", String(named.port)];
  const sentinel = await serve(() => master);
  const tls = { ca: readFileSync(certificates.ca) };
  const options = { name: "m", tls, sentinelTLS: tls, enableTLSForSentinelMode: true, sentinelRetryStrategy: () => 50 };
  const byName = open({ ...options, sentinels: [{ host: "localhost", port: sentinel.port }] });
  await eventually(() => expect(named.asked).toContain("localhost"));
  byName.disconnect();
  master = ["127.0.0.1", String(numbered.port)];
  open({ ...options, sentinels: [{ host: "127.0.0.1", port: sentinel.port }] });
  await eventually(() => expect(numbered.asked).toEqual([false]));
  expect(new Set(sentinel.asked)).toEqual(new Set(["localhost", false]));
});
