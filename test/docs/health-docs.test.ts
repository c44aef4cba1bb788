/** docs/health.md names everything that `stats()` returns, every state, family and type of event. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FAMILIES, Redis, type EventTypes, type HealthStatus } from "../../src/index.js";

const page = readFileSync(new URL("../../docs/health.md", import.meta.url), "utf8");

const STATES: Readonly<Record<HealthStatus, true>> = {
  idle: true,
  connecting: true,
  ready: true,
  degraded: true,
  down: true,
  closed: true,
};
const EVENTS: Readonly<Record<keyof EventTypes, true>> = {
  "incident.opened": true,
  "incident.changed": true,
  "incident.closed": true,
  "circuit.changed": true,
  "command.refused": true,
  "command.outcomeUnknown": true,
  reconnected: true,
  failedOver: true,
};

it("documents each state, family, event and field", () => {
  const redis = new Redis({ lazyConnect: true, resilience: { logger: false } });
  const stats = redis.stats();
  redis.disconnect();
  const names = [
    ...Object.keys(STATES),
    ...Object.keys(EVENTS),
    ...FAMILIES,
    ...Object.keys(stats),
    ...Object.keys(stats.latency),
  ];
  for (const name of names) expect(page).toContain(`\`${name}\``);
});
