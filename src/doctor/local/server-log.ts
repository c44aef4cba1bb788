/** Why a local server is not there: its service's state and the last complaint in its log, where this user may read them. */
import type { Machine } from "../machine.js";

/** Where packages let the server write its log. */
export const LOGS = [
  "/var/log/redis/redis-server.log",
  "/var/log/redis/redis.log",
  "/var/log/redis.log",
  "/var/log/valkey/valkey-server.log",
  "/var/log/valkey/valkey.log",
];
const UNITS = ["redis-server", "redis", "valkey-server", "valkey"];
const UNIT_FOLDERS = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
const COMPLAINT = /\b(?:fatal|error|can't|cannot|could not|failed|failure|bad|denied|out of memory|oom|crash|panic)\b/i;
const TAIL = 20_000;
const TOOL_TIMEOUT = 800;

/** The last line of the server's log that complains, with the log's path. */
export async function lastComplaint(machine: Machine): Promise<string | undefined> {
  for (const path of LOGS) {
    const text = await machine.read(path);
    const line = text
      ?.slice(-TAIL)
      .split("\n")
      .findLast((one) => COMPLAINT.test(one));
    if (line !== undefined) return `${path}: ${line.trim()}`;
  }
  return undefined;
}

/** The systemd unit of the server. */
export interface ServiceFacts {
  readonly unit: string;
  /** `active`, `failed`, `inactive` …; undefined where systemd does not say. */
  readonly state: string | undefined;
}

/** The systemd unit of Redis, if systemd runs and one is installed. */
export async function serviceFacts(machine: Machine): Promise<ServiceFacts | undefined> {
  if (!machine.systemd) return undefined;
  const files = (await Promise.all(UNIT_FOLDERS.map((folder) => machine.list(folder)))).flat();
  const unit = UNITS.find((name) => files.includes(`${name}.service`));
  if (unit === undefined) return undefined;
  const shown = await machine.run("systemctl", ["show", "-p", "ActiveState", "--value", unit], TOOL_TIMEOUT);
  return { unit, state: shown?.trim() === "" ? undefined : shown?.trim() };
}
