/**
 * ioredis's ready check without its sharp edges: a loading server is waited for, one that is busy with a script is
 * asked again instead of failing everything that waits, and where INFO is not to be had the client is let through silently.
 */
import { clock } from "../clock.js";
import type { Redis as IORedis } from "ioredis";
import type { ServerInfo } from "../engine/ports.js";
import { parseInfo } from "../command/info.js";

export interface ReadyCheckHooks {
  /** Sends INFO past the gate. */
  info(callback: (error: Error | null | undefined, reply?: string) => void): void;
  /** The server has said who it is. */
  identified(server: ServerInfo): void;
  /** The server answered that it is not ready yet. */
  loading(): void;
}

type Callback = (error: Error | null, info?: Record<string, string>) => void;

/** Longest wait between two looks at a loading server; its own estimate is often far off. In milliseconds. */
const MAX_WAIT = 1_000;
const BUSY_WAIT = 100;

/** The user may not run INFO, or the server, a proxy or a service, does not offer it: it has answered, which is what counts. */
function isWithoutInfo(message: string): boolean {
  return (
    message.startsWith("NOPERM") || /^ERR .*(?:unknown command|not supported|not allowed|unsupported)/i.test(message)
  );
}

export function checkReady(client: IORedis, callback: Callback, hooks: ReadyCheckHooks): void {
  const socket = client.stream;
  const again = (after: number): void => {
    const timer = clock.setTimeout(() => {
      // The wait may have outlived the connection it was for.
      if (client.status === "connect" && client.stream === socket) checkReady(client, callback, hooks);
    }, after);
    // It is the connection that keeps the process alive, not the wait.
    timer.unref();
  };
  hooks.info((error, reply) => {
    if (error) {
      if (isWithoutInfo(error.message)) callback(null, {});
      else if (error.message.startsWith("BUSY ")) again(BUSY_WAIT);
      else callback(error);
      return;
    }
    const info = typeof reply === "string" ? Object.fromEntries(parseInfo(reply)) : {};
    if (info["loading"] === undefined || info["loading"] === "0") {
      const { run_id: runId, uptime_in_seconds: uptime } = info;
      if (runId !== undefined) hooks.identified({ runId, uptime: Number(uptime ?? Infinity) * 1_000 });
      callback(null, info);
      return;
    }
    hooks.loading();
    const { maxLoadingRetryTime } = client.options;
    const estimate = Number(info["loading_eta_seconds"] ?? 1) * 1_000 || MAX_WAIT;
    again(Math.min(estimate, maxLoadingRetryTime ?? MAX_WAIT, MAX_WAIT));
  });
}

/**
 * Asks for the role where INFO has not told it, or was not to be asked: with HELLO, which is for everybody, and which ioredis lets
 * pass during a handshake. `within` sends past the gate; a server that does not say is taken as it is.
 */
export function askRole(
  client: IORedis,
  within: (send: () => void) => void,
  done: (info: { readonly role?: string }) => void,
): void {
  const socket = client.stream;
  const told = (info: { readonly role?: string }): void => {
    if (client.status === "connect" && client.stream === socket) done(info);
  };
  within(() => {
    client.hello().then(
      (reply: unknown) => told(roleIn(reply)),
      () => told({}),
    );
  });
}

/** HELLO answers with pairs, as a flat list or as a map. */
function roleIn(hello: unknown): { readonly role?: string } {
  const pairs =
    hello instanceof Map ? [...hello].flat() : Array.isArray(hello) ? hello : Object.entries(hello ?? {}).flat();
  const at = pairs.findIndex((name) => String(name) === "role");
  if (at < 0) return {};
  const role = String(pairs[at + 1]);
  return { role: role === "replica" ? "slave" : role };
}
