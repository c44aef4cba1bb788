/** What the log says when Sentinels do not lead to a server: what each of them said, and never that none answers while one does. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import type { LogLine, LogSink } from "../helpers/log-sink.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { NAME, sentinel, sentinels, through } from "./sentinel-harness.js";

let master: RedisServer;
let other: RedisServer;

beforeAll(async () => {
  [master, other] = await Promise.all([startRedis(), startRedis()]);
});
afterAll(async () => {
  await Promise.all([master.stop(), other.stop()]);
});

/** Where nobody listens. */
async function nowhere(): Promise<{ readonly address: { readonly host: string; readonly port: number } }> {
  return { address: { host: "127.0.0.1", port: await freePort() } };
}

function firstLine(redis: Redis & { readonly log: LogSink }): Promise<LogLine | undefined> {
  return eventually(() => {
    expect(redis.log.at("fatal", "error")).toHaveLength(1);
    return redis.log.at("fatal", "error")[0];
  });
}

describe("what is said when nobody knows", () => {
  it("SENTINEL_NAME_UNKNOWN: with the names that the Sentinels do know", async () => {
    const watching = await sentinels({ master: null, names: ["sessions", "jobs"] }, { master: null });
    const redis = through([...watching, await nowhere()]);
    const line = await firstLine(redis);
    expect(line?.fields["code"]).toBe("SENTINEL_NAME_UNKNOWN");
    expect(line?.message).toContain(`no master named ${NAME}. They know: sessions, jobs.`);
  });

  it("SENTINEL_ACCESS: when the Sentinels want a password of their own", async () => {
    const redis = through([await sentinel({ master, password: "right" })], { sentinelPassword: "wrong" });
    const line = await firstLine(redis);
    expect(line?.fields["code"]).toBe("SENTINEL_ACCESS");
    expect(line?.message).toContain("WRONGPASS");
    expect(redis.log.text()).toContain("sentinelPassword");
  });

  it("SENTINEL_NO_REPLICA: when a client of the replicas finds none that is up", async () => {
    const watching = await sentinel({ master, replicas: [{ port: other.port, flags: "slave,s_down" }] });
    const redis = through([watching], { role: "slave" });
    const line = await firstLine(redis);
    expect(line?.fields["code"]).toBe("SENTINEL_NO_REPLICA");
    expect(redis.log.text()).toContain("lists 0 of 1 replicas as up");
  });

  it("SENTINELS_UNREACHABLE: what kept each of them from answering, and never while one answers", async () => {
    const notOne = { address: { host: "127.0.0.1", port: master.port } };
    const redis = through([await nowhere(), notOne]);
    const line = await firstLine(redis);
    expect(line?.fields["code"]).toBe("SENTINELS_UNREACHABLE");
    expect(redis.log.text()).toMatch(/ECONNREFUSED 127\.0\.0\.1/);
    expect(redis.log.text()).toContain("ERR unknown command 'sentinel'");
    const down = await sentinel({ master: { port: await freePort() } });
    const alone = through([down]);
    expect((await firstLine(alone))?.fields["code"]).toBe("CONNECTION_REFUSED");
    expect(alone.log.text()).not.toContain("SENTINEL");
  });

  it("SENTINELS_UNREACHABLE: with TLS at a Sentinel that speaks none, the handshake is what did not end", async () => {
    const resilience = { sentinel: { connectTimeout: 100 } };
    const redis = through([await sentinel({ master })], { sentinelTLS: {}, resilience });
    await firstLine(redis);
    expect(redis.log.text()).toContain("did not finish the TLS handshake within 100 ms");
  });

  it("SENTINEL_WRONG_ROLE: a node is left before it is used, said so, and the right one is found once it is named", async () => {
    await using replica = await startRedis({ config: [`replicaof 127.0.0.1 ${String(master.port)}`] });
    const watching = await sentinel({ master: replica });
    const redis = through([watching]);
    const line = await firstLine(redis);
    expect(line?.fields["code"]).toBe("SENTINEL_WRONG_ROLE");
    expect(redis.log.text()).toContain(
      `Sentinel names 127.0.0.1:${String(replica.port)} as a master, and it is a replica`,
    );
    watching.script.master = master;
    expect(await redis.set("role", "1")).toBe("OK");
  });
});
