/** The one question that a start node of a cluster is asked. */
import { Redis as IORedis, type RedisOptions } from "ioredis";
import { AwakeTimeout } from "../awake-timeout.js";
import { sanitizeError } from "../failure/redact.js";
import { internalsOf } from "./internals.js";

/**
 * Asks a start node who serves what, on a connection of its own that ends with the answer: the reply to CLUSTER SLOTS. `timeout`:
 * milliseconds in which this process runs, for everything, connecting included.
 */
export async function askSeed(options: RedisOptions, timeout: number): Promise<unknown> {
  const own = {
    lazyConnect: true,
    connectTimeout: 0,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    db: 0,
    // The shape of the reply is that of RESP2. Of another mapping ioredis says that it needs RESP3.
    protocol: 2,
    replyMapping: undefined,
  };
  const client = new IORedis({ ...options, ...own } as never);
  let reason: Error | undefined;
  client.on("error", (error: Error) => (reason ??= error));
  const end = (): void => {
    client.disconnect();
    internalsOf(client).stream?.destroy();
  };
  const timer = new AwakeTimeout(end, timeout, true);
  try {
    return await client.cluster("SLOTS");
  } catch (error) {
    // A refused login has the password among the arguments that ioredis puts on the error.
    throw sanitizeError(reason ?? error);
  } finally {
    timer.cancel();
    end();
  }
}
