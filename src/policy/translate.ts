/**
 * What ioredis options mean in our terms. Queueing and retries belong to this package, so the options that steer them in
 * ioredis are turned into policy values and keep their meaning. Only options the caller wrote are translated; ioredis's
 * own defaults are ignored.
 */

/** The ioredis options this package reads. Any ioredis options object is one. */
export interface UserRedisOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly path?: string | undefined;
  readonly db?: number | string | undefined;
  readonly tls?: unknown;
  readonly sentinels?: unknown;
  readonly commandTimeout?: number | string | undefined;
  readonly connectTimeout?: number | string | undefined;
  readonly sentinelCommandTimeout?: number | string | undefined;
  readonly maxRetriesPerRequest?: number | string | null | undefined;
  readonly enableOfflineQueue?: boolean | undefined;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly keepAlive?: number | string | undefined;
  readonly lazyConnect?: boolean | undefined;
}

/** One translated value and the option it came from. */
export interface Translation {
  readonly path: string;
  readonly value: unknown;
  readonly option: string;
}

/** Policy values that the caller's ioredis options ask for. Query strings of a URL arrive as strings and count as numbers. */
export function translate(options: UserRedisOptions, handshakeTimeout: number, retries: number): Translation[] {
  const found: Translation[] = [];
  const commandTimeout = numberOf(options.commandTimeout);
  if (commandTimeout !== undefined && commandTimeout > 0) {
    found.push({ path: "deadline", value: commandTimeout, option: "commandTimeout" });
  }
  const connectTimeout = numberOf(options.connectTimeout);
  if (connectTimeout !== undefined && connectTimeout > handshakeTimeout) {
    found.push({ path: "reconnect.handshakeTimeout", value: connectTimeout, option: "connectTimeout" });
  }
  const sentinelTimeout = numberOf(options.sentinelCommandTimeout);
  if (sentinelTimeout !== undefined && sentinelTimeout > 0) {
    found.push({ path: "sentinel.answerTimeout", value: sentinelTimeout, option: "sentinelCommandTimeout" });
  }
  const perRequest = numberOf(options.maxRetriesPerRequest);
  if (options.maxRetriesPerRequest === null || options.maxRetriesPerRequest === Infinity) {
    found.push({ path: "queue.wait", value: "forever", option: "maxRetriesPerRequest" });
  } else if (perRequest !== undefined && perRequest < retries) {
    found.push({ path: "retry.retries", value: perRequest, option: "maxRetriesPerRequest" });
  }
  if (options.enableOfflineQueue === false) found.push({ path: "queue", value: false, option: "enableOfflineQueue" });
  if (options.autoResendUnfulfilledCommands === true) {
    found.push({ path: "retry.ambiguous", value: "replay", option: "autoResendUnfulfilledCommands" });
  }
  return found;
}

function numberOf(value: number | string | null | undefined): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
