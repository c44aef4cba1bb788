/**
 * What the server tells about itself, asked once and shared by the health checks: INFO, a few settings, slow log, latency
 * events. What the user may not ask is kept as the refusal, so that a check can skip with the reason.
 */
import { ErrorReply, pairsOf, type Reply } from "./wire/resp.js";
import type { RespClient } from "./wire/resp-client.js";

const SETTINGS = [
  "maxclients",
  "maxmemory-policy",
  "save",
  "appendonly",
  "stop-writes-on-bgsave-error",
  "min-replicas-to-write",
  "replica-read-only",
  "timeout",
  "tcp-keepalive",
  "bind",
  "protected-mode",
  "slowlog-log-slower-than",
  "latency-monitor-threshold",
] as const;

export type Setting = (typeof SETTINGS)[number];

export interface SlowCommand {
  /** Upper case, without arguments. */
  readonly name: string;
  readonly ms: number;
  /** Seconds before the server's present time. */
  readonly ago: number;
}

export interface ServerFacts {
  readonly info: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<Setting, string>;
  readonly slow: readonly SlowCommand[];
  /** Latency event to its worst milliseconds. */
  readonly latency: ReadonlyMap<string, number>;
  /** Command to the error that refused it. */
  readonly refused: ReadonlyMap<"INFO" | "CONFIG" | "SLOWLOG" | "LATENCY", string>;
}

const SLOW_SAMPLES = "32";

export async function readServerFacts(client: RespClient): Promise<ServerFacts> {
  const [info, slow, latency, ...settings] = await Promise.all([
    client.send("INFO"),
    client.send("SLOWLOG", "GET", SLOW_SAMPLES),
    client.send("LATENCY", "LATEST"),
    ...SETTINGS.map((name) => client.send("CONFIG", "GET", name)),
  ]);
  const refused = new Map<"INFO" | "CONFIG" | "SLOWLOG" | "LATENCY", string>();
  const note = (name: "INFO" | "CONFIG" | "SLOWLOG" | "LATENCY", reply: Reply | undefined): void => {
    if (reply instanceof ErrorReply) refused.set(name, reply.message);
  };
  note("INFO", info);
  note("SLOWLOG", slow);
  note("LATENCY", latency);
  note("CONFIG", settings[0]);
  const fields = parseInfo(typeof info === "string" ? info : "");
  const values = new Map<Setting, string>();
  SETTINGS.forEach((name, i) => {
    const value = pairsOf(settings[i] ?? null).get(name);
    if (value !== undefined) values.set(name, value);
  });
  const now = Number(fields.get("server_time_usec") ?? Date.now() * 1000) / 1e6;
  return { info: fields, settings: values, slow: slowOf(slow, now), latency: latencyOf(latency), refused };
}

/** `name:value` lines of INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** A number of INFO, or undefined where this server does not have the field. */
export function numberIn(facts: ServerFacts, field: string): number | undefined {
  const value = facts.info.get(field);
  return value === undefined || value === "" || Number.isNaN(Number(value)) ? undefined : Number(value);
}

/** Entries are [id, time, microseconds, [name, ...arguments], …]; only the name is kept. */
function slowOf(reply: Reply | undefined, now: number): SlowCommand[] {
  if (!Array.isArray(reply)) return [];
  return (reply as readonly Reply[]).flatMap((entry) => {
    if (!Array.isArray(entry)) return [];
    const [, time, usec, words] = entry as readonly Reply[];
    const name = Array.isArray(words) ? (words as readonly Reply[])[0] : undefined;
    if (typeof time !== "number" || typeof usec !== "number" || typeof name !== "string") return [];
    return [
      { name: /^[\w.|-]{1,30}$/.test(name) ? name.toUpperCase() : "?", ms: usec / 1000, ago: Math.max(0, now - time) },
    ];
  });
}

/** Entries are [event, time, latest, worst]. */
function latencyOf(reply: Reply | undefined): Map<string, number> {
  const events = new Map<string, number>();
  if (!Array.isArray(reply)) return events;
  for (const entry of reply as readonly Reply[]) {
    if (!Array.isArray(entry)) continue;
    const [name, , , worst] = entry as readonly Reply[];
    if (typeof name === "string" && typeof worst === "number") events.set(name, worst);
  }
  return events;
}
