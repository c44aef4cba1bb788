/** Writing policy values for people: `1.5 s`, `16 MiB`, `off`. */
import { fieldAt } from "./fields.js";

/** Milliseconds in the unit a person would choose. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "no limit";
  if (ms < 1000) return `${trim(ms)} ms`;
  if (ms < 120_000) return `${trim(ms / 1000)} s`;
  return ms < 7_200_000 ? `${trim(ms / 60_000)} min` : `${trim(ms / 3_600_000)} h`;
}

/** Bytes in binary units. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "no limit";
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${trim(bytes / 1024)} KiB` : `${trim(bytes / 1024 ** 2)} MiB`;
}

/** The value of a field as `config` prints it. */
export function formatValue(path: string, value: unknown): string {
  if (value === false) return "off";
  if (value === true) return "on";
  const kind = fieldAt(path)?.kind;
  if (typeof value !== "number") return String(value);
  if (kind === "duration" || path === "connection.keepAlive") return formatDuration(value);
  if (kind === "bytes") return formatBytes(value);
  return kind === "percentage" ? `${value} %` : value === Infinity ? "no limit" : String(value);
}

function trim(value: number): string {
  return String(Math.round(value * 100) / 100);
}
