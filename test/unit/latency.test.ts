/** The histogram of latencies: percentiles that are true within their bucket, and a cost that nobody notices. */
import { expect, it } from "vitest";
import { clock } from "../../src/clock.js";
import { LatencyHistogram } from "../../src/engine/latency.js";

it("knows percentiles within a fifth, of few commands exactly measured and of many that are sampled", () => {
  const histogram = new LatencyHistogram();
  const { now } = clock;
  try {
    clock.now = () => 1_000_000;
    for (let i = 0; i < 100_000; i++) histogram.note(1_000_000 - (1 + (i % 100)));
  } finally {
    clock.now = now;
  }
  const { samples, p50, p90, p99, max } = histogram.percentiles();
  expect(samples).toBeGreaterThan(5_000);
  expect(samples).toBeLessThan(8_000);
  for (const [found, truth] of [
    [p50, 50],
    [p90, 90],
    [p99, 99],
    [max, 100],
  ] as const) {
    expect(found).toBeGreaterThanOrEqual(truth * 0.9);
    expect(found).toBeLessThanOrEqual(truth * 1.25);
  }
});

it("adds up several, and says 0 of none", () => {
  expect(new LatencyHistogram().percentiles()).toEqual({ samples: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
  const one = new LatencyHistogram();
  const other = new LatencyHistogram();
  one.note(clock.now() - 10);
  other.note(clock.now() - 1_000);
  one.addAll(other);
  expect(one.percentiles().samples).toBe(2);
  expect(one.percentiles().max).toBeGreaterThanOrEqual(1_000);
});

it("costs less than 50 ns a command", () => {
  const histogram = new LatencyHistogram();
  const at = clock.now();
  const rounds = 2_000_000;
  for (let i = 0; i < rounds; i++) histogram.note(at);
  // Processor time: what else the machine does is not counted.
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) histogram.note(at);
  const { user } = process.cpuUsage(before);
  expect((user * 1_000) / rounds).toBeLessThan(50);
  if (process.env["SHOW"]) process.stderr.write(`latency: ${String((user * 1_000) / rounds)} ns a command\n`);
});
