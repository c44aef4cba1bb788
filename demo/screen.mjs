/** What the demo shows while it runs: one status line per fleet, rewritten in place on a terminal, appended elsewhere. */

/** @typedef {{ phase: string, opsPerSecond: number, breaker: string, waiting: number, inFlight: number, pending: number, codes: Record<string, number> }} Status */

const live = process.stdout.isTTY;
let drawn = 0;

/**
 * @param {string} label
 * @param {Status} status
 */
function statusLine(label, status) {
  const codes = Object.entries(status.codes).sort((a, b) => b[1] - a[1]);
  const errors = codes.length === 0 ? "none" : codes.map(([code, n]) => `${code} ${n}`).join(", ");
  const parts = [
    label.padEnd(14),
    status.phase.padEnd(16),
    `${Math.round(status.opsPerSecond)}`.padStart(6) + " ops/s",
    `breaker ${status.breaker}`.padEnd(17),
    `waiting ${status.waiting}`.padEnd(14),
    `in flight ${status.inFlight}`.padEnd(15),
    `errors: ${errors}`,
  ];
  return parts.join("  ");
}

/** @param {readonly (readonly [string, Status | undefined])[]} fleets */
export function draw(fleets) {
  const lines = fleets.map(([label, status]) =>
    status === undefined ? `${label.padEnd(14)}  starting` : statusLine(label, status),
  );
  if (!live) {
    process.stdout.write(`${lines.join("\n")}\n`);
    return;
  }
  const width = process.stdout.columns || 120;
  const up = drawn > 0 ? `\u001b[${drawn}A` : "";
  const fitting = lines.map((line) => (line.length < width ? line : `${line.slice(0, width - 2)}…`));
  process.stdout.write(up + fitting.map((line) => `\u001b[2K${line}\n`).join(""));
  drawn = lines.length;
}

/** @param {string} text */
export function say(text) {
  drawn = 0;
  process.stdout.write(`${text}\n`);
}
