/**
 * Reading a policy value that was written as text: `250ms`, `5s`, `64MB`, `50%`, `off`. Used for environment variables
 * and for strings in a policy file. Returns `undefined` for what it does not understand; the caller reports it.
 */
import type { Field } from "../fields.js";

const DURATIONS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const SIZES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1024,
  kib: 1024,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
};
const ON = new Set(["true", "on", "yes", "1"]);
const OFF = new Set(["false", "off", "no", "0"]);

/** A switch written as text: true/on/yes/1 or false/off/no/0. */
export function parseSwitch(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return ON.has(word) ? true : OFF.has(word) ? false : undefined;
}

/** Milliseconds from `250`, `250ms`, `5s`, `2m` or `1h`. */
export function parseDuration(text: string): number | undefined {
  return withUnit(text, DURATIONS);
}

/** Bytes from `1024`, `512KB`, `64MB` or `1GiB`; a kilobyte is 1024 bytes, as in redis.conf's `kb`. */
export function parseSize(text: string): number | undefined {
  return withUnit(text, SIZES);
}

/** The value a text means for a field; ranges are checked later, by the schema. */
export function parseValue(field: Field, text: string): unknown {
  const word = text.trim();
  const off = field.off === true && OFF.has(word.toLowerCase()) && word !== "0";
  if (off) return false;
  if (field.endless === true && /^(infinity|unlimited)$/i.test(word)) return Infinity;
  switch (field.kind) {
    case "part":
      return parseSwitch(word);
    case "choice":
      return word;
    case "duration":
      return parseDuration(word);
    case "bytes":
      return parseSize(word);
    case "percentage":
      return plain(word.endsWith("%") ? word.slice(0, -1) : word);
    case "count":
    case "number":
      return plain(word);
  }
}

/** How a value of a field may be written as text, for error messages and docs. */
export function exampleOf(field: Field): string {
  switch (field.kind) {
    case "part":
      return field.off === true ? "on or off" : "on";
    case "choice":
      return (field.choices ?? []).join(", ");
    case "duration":
      return `250ms, 5s, 2m, 1h or a plain number of milliseconds${field.off === true ? ", or off" : ""}`;
    case "bytes":
      return `512KB, 64MB or a plain number of bytes${orUnlimited(field)}`;
    case "percentage":
      return "50 or 50%";
    case "count":
      return `a whole number${orUnlimited(field)}`;
    case "number":
      return "a number";
  }
}

function orUnlimited({ endless = false }: Field): string {
  return endless ? ", or unlimited" : "";
}

function plain(text: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = units[(match?.[2] ?? "").toLowerCase()];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
