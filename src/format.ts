/** Durations and sizes as people read them: `1.5 s`, `16 MiB`. Pure; the only place that writes them. */

/** A span of milliseconds in the unit a person would choose, to two decimals: `310 ms`, `1.9 s`, `4 min`; `no limit` for Infinity. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "no limit";
  if (ms < 1000) return `${String(Math.max(0, Math.round(ms)))} ms`;
  if (ms < 120_000) return `${rounded(ms / 1000)} s`;
  return ms < 7_200_000 ? `${rounded(ms / 60_000)} min` : `${rounded(ms / 3_600_000)} h`;
}

/** A measured round trip in milliseconds, with the fractions that matter on a fast network: `0.12 ms`, `48 ms`. */
export function formatTrip(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

/** Bytes in binary units, to two decimals; `no limit` for Infinity. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "no limit";
  if (bytes < 1024) return `${String(bytes)} B`;
  if (bytes < 1024 ** 2) return `${rounded(bytes / 1024)} KiB`;
  return bytes < 1024 ** 3 ? `${rounded(bytes / 1024 ** 2)} MiB` : `${rounded(bytes / 1024 ** 3)} GiB`;
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
