/** A run as a timeline in three columns, for people: what the program did and was told, what the network did, what the servers did. */
import { PROPERTIES } from "./properties/violation.js";
import type { Result } from "./run.js";

const TIME = 11;
const WIDTHS = { client: 64, network: 46, server: 74 };

/** Of a run that was made with tracing on. Times are virtual milliseconds. */
export function traceOf({ scenario, timeline, violations }: Result): string {
  const { seed, world, clients, steps, faults, conditions, healsAt } = scenario;
  const { latency, dns } = conditions;
  const lines = [
    `seed ${String(seed)}, world "${world}": ${String(clients.length)} clients, ${String(steps.length)} steps, ${String(faults.length)} faults; one way ${String(latency)} ms, look-up ${String(dns)} ms; heals at ${String(healsAt)} ms`,
    ...clients.map((client, i) => `c${String(i)}: ${JSON.stringify(client)}`),
    `${"ms".padStart(TIME)}  ${"client".padEnd(WIDTHS.client)}  ${"network".padEnd(WIDTHS.network)}  server`,
  ];
  for (const { at, column, text } of timeline) {
    const cells = (["client", "network", "server"] as const).map((name) => {
      const width = WIDTHS[name];
      if (name !== column) return " ".repeat(width);
      return text.length > width && name !== "client" ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
    });
    lines.push(`${at.toFixed(2).padStart(TIME)}  ${cells.join("  ").trimEnd()}`);
  }
  for (const { property, at, text } of violations) {
    lines.push(`${at.toFixed(2).padStart(TIME)}  VIOLATED: ${PROPERTIES[property]}: ${text}`);
  }
  return lines.join("\n");
}
