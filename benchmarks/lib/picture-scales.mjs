/** The scales of a picture: calls a second, durations, and the axis of time. */
import { count } from "../../lab/text-table.mjs";
import { median } from "./report.mjs";

/** Milliseconds at the foot of the durations, whose scale is logarithmic. */
const FASTEST = 0.2;
const MS_TICKS = [1, 100, 10_000];
const AT_LEAST = 10_000;

/** @typedef {import("./timeline.mjs").Columns} Columns */

/**
 * One scale for all, made for the usual rate: the burst after an outage would press everything else to the floor.
 * @param {readonly Columns[]} all
 */
export function rateScale(all) {
  const rates = all.flatMap(({ column, answered, failed }) =>
    answered.map((calls, i) => ((calls + (failed[i] ?? 0)) / column) * 1000),
  );
  const busy = rates.filter((rate) => rate > 0);
  const usual = busy.length === 0 ? 1 : median(busy);
  const tick = nice(usual);
  return { most: Math.max(tick, usual) * 2.2, ticks: [tick] };
}

/** @param {readonly Columns[]} all */
export function timeScale(all) {
  const slowest = Math.max(AT_LEAST, ...all.flatMap((columns) => columns.slowest.map((ms) => ms ?? 0)));
  const decades = Math.log10(slowest / FASTEST);
  return {
    /** From 0 to 1. @param {number} ms */
    height: (ms) => Math.max(0, Math.log10(Math.max(ms, FASTEST) / FASTEST) / decades),
    ticks: MS_TICKS,
  };
}

/** Seconds between two labels of an axis that is so many seconds long. @param {number} seconds */
export function tickStep(seconds) {
  return [1, 2, 5, 10, 20, 30, 60, 120, 300].find((step) => seconds / step <= 8) ?? 600;
}

/** @param {number} rate */
export function rateText(rate) {
  return rate >= 10_000 ? `${Math.round(rate / 1000)} k/s` : `${count(Math.round(rate))}/s`;
}

/** @param {number} ms */
export function timeText(ms) {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** The largest of 1, 2, 5, 10, 20 … that is not above. @param {number} value */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([5, 2, 1].find((digit) => digit * power <= value) ?? 1) * power;
}

/**
 * The outline of columns, as the `d` of a path: what stays level takes one step.
 * @param {readonly number[]} tops
 * @param {number} base
 * @param {(place: number) => number} x where a column begins
 */
export function levels(tops, base, x) {
  const short = (/** @type {number} */ units) => String(Math.round(units * 10) / 10);
  let d = `M${short(x(0))} ${short(base)}`;
  tops.forEach((top, i) => {
    if (short(top) !== short(tops[i - 1] ?? base)) d += `H${short(x(i))}V${short(top)}`;
  });
  return `${d}H${short(x(tops.length))}V${short(base)}Z`;
}
