/** Durations and sizes as people read them: `1.5 s`, `16 MiB`. Pure. Errors, log lines and `config` write them with nothing else. */

/** A span of milliseconds in the unit a person would choose, to two decimals: `310 ms`, `1.9 s`, `4 min`; `no limit` for Infinity. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "no limit";
  if (ms < 1000) return `${String(Math.max(0, Math.round(ms)))} ms`;
  if (ms < 120_000) return `${rounded(ms / 1000)} s`;
  return ms < 7_200_000 ? `${rounded(ms / 60_000)} min` : `${rounded(ms / 3_600_000)} h`;
}

/** How long something has lasted. From two minutes on with its seconds: two lines in a row must not say the same. */
export function formatElapsed(ms: number): string {
  if (ms < 120_000) return formatDuration(ms < 10_000 ? ms : Math.round(ms / 1000) * 1000);
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const [large, small] =
    minutes < 60
      ? [`${String(minutes)} min`, `${String(seconds % 60)} s`]
      : [`${String(Math.floor(minutes / 60))} h`, `${String(minutes % 60)} min`];
  return small.startsWith("0 ") ? large : `${large} ${small}`;
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
