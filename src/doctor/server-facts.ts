/**
 * What the server tells about itself, asked once and shared by the health checks: INFO, a few settings, slow log, latency
 * events. What the user may not ask is kept as the refusal, so that a check can skip with the reason.
 */
import { parseInfo } from "../command/info.js";
import { ErrorReply, pairsOf, type Reply } from "./wire/resp.js";
import { errorOf, type RespClient } from "./wire/resp-client.js";

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

/** A setting that the health checks read. */
export type Setting = (typeof SETTINGS)[number];

/** An entry of the slow log. */
export interface SlowCommand {
  /** Upper case, without arguments. */
  readonly name: string;
  readonly ms: number;
  /** Seconds before the server's present time. */
  readonly ago: number;
}

/** What a server told about itself. */
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

/** `version`: the server's, as HELLO told it. Each question is asked once: what is denied is counted by the server. */
export async function readServerFacts(client: RespClient, version: string | undefined): Promise<ServerFacts> {
  const [info, slow, latency, settings] = await Promise.all([
    client.send("INFO"),
    client.send("SLOWLOG", "GET", SLOW_SAMPLES),
    client.send("LATENCY", "LATEST"),
    readSettings(client, version),
  ]);
  const refused = new Map<"INFO" | "CONFIG" | "SLOWLOG" | "LATENCY", string>();
  const note = (name: "INFO" | "CONFIG" | "SLOWLOG" | "LATENCY", reply: Reply | undefined): void => {
    if (reply instanceof ErrorReply) refused.set(name, reply.message);
  };
  note("INFO", info);
  note("SLOWLOG", slow);
  note("LATENCY", latency);
  note("CONFIG", settings.refusal);
  const fields = parseInfo(typeof info === "string" ? info : "");
  const now = Number(fields.get("server_time_usec") ?? Date.now() * 1000) / 1e6;
  return { info: fields, settings: settings.values, slow: slowOf(slow, now), latency: latencyOf(latency), refused };
}

interface Settings {
  readonly values: ReadonlyMap<Setting, string>;
  readonly refusal: Reply | undefined;
}

/** Since 7.0 one question names them all. Before, and at servers that only claim to be newer, each is asked for itself. */
async function readSettings(client: RespClient, version: string | undefined): Promise<Settings> {
  const several = Number.parseInt(version ?? "", 10) >= 7;
  const first = await client.send("CONFIG", "GET", ...(several ? SETTINGS : SETTINGS.slice(0, 1)));
  const refused = errorOf(first);
  if (several && refused !== undefined && /number of arguments/i.test(refused)) return readSettings(client, undefined);
  if (several || refused !== undefined) return { values: settingsIn([first]), refusal: first };
  const others = await Promise.all(SETTINGS.slice(1).map((name) => client.send("CONFIG", "GET", name)));
  return { values: settingsIn([first, ...others]), refusal: undefined };
}

function settingsIn(replies: readonly Reply[]): ReadonlyMap<Setting, string> {
  const pairs = new Map(replies.flatMap((reply) => [...pairsOf(reply)]));
  return new Map(
    SETTINGS.flatMap((name): [Setting, string][] => {
      const value = pairs.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
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
