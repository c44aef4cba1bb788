/** What the pool's tests share: a client that is silent in the log, and what the server says of its connections. */
import { createRedis, type RedisOptions, type Redis } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import type { FaultProxy } from "../helpers/fault-proxy.js";
import type { RedisServer } from "../helpers/redis-server.js";
import type { ResilienceOptions } from "../../src/index.js";
import { sleep } from "./core-harness.js";

/** It waits longer than a busy machine takes to connect and to answer, unless a test says otherwise. */
export function client(port: number, resilience: ResilienceOptions = {}, options: RedisOptions = {}): Redis {
  const policy = { logger: false, deadline: 20_000, ...resilience } as const;
  const pool = { acquireTimeout: 20_000, ...resilience.pool };
  return createRedis({ port, host: "127.0.0.1", ...options, resilience: { ...policy, pool } });
}

/** The server's client list without our own administrative connection. */
export async function connections(server: RedisServer): Promise<string[]> {
  const list = await server.cli("CLIENT", "LIST");
  return list.split("\n").filter((line) => line !== "" && !line.includes("cmd=client|list"));
}

/**
 * Cuts every connection again and again until there is no more work, each time after so many more replies: however slow the
 * machine, something is done in between.
 */
export async function cutAtRandom(
  proxy: FaultProxy,
  least: number,
  most: number,
  isWorking: () => boolean,
): Promise<void> {
  const { counters } = proxy;
  let next = 0;
  while (isWorking()) {
    if (counters.replies >= next) {
      proxy.cutAll();
      next = counters.replies + least + Math.random() * (most - least);
    }
    await sleep(1);
  }
}

/** Waits until the server holds this many commands back. */
export async function blocked(server: RedisServer, count: number): Promise<void> {
  await eventually(async () => {
    const info = await server.cli("INFO", "clients");
    const found = Number(/blocked_clients:(\d+)/.exec(info)?.[1]);
    if (found !== count) throw new Error(`${found} of ${count} blocked`);
  });
}
