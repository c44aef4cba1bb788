/** Command lines of the benchmarks: every script says what it takes, and refuses what it does not know. */
import { parseArgs } from "node:util";

/**
 * @template {Record<string, { type: "boolean" | "string", default?: string | boolean, help: string }>} T
 * @param {string} usage
 * @param {T} options
 * @returns {Record<keyof T, any>}
 */
export function readOptions(usage, options) {
  const known = Object.fromEntries(
    Object.entries({ ...options, help: { type: /** @type {const} */ ("boolean"), default: false, help: "" } }).map(
      ([name, { type, default: value }]) => [name, value === undefined ? { type } : { type, default: value }],
    ),
  );
  try {
    const values = /** @type {any} */ (parseArgs({ options: /** @type {any} */ (known) }).values);
    if (!values["help"]) return values;
    console.log(help(usage, options));
    process.exit(0);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${help(usage, options)}`);
    process.exit(2);
  }
}

/**
 * @param {string} usage
 * @param {Record<string, { default?: string | boolean, help: string }>} options
 */
function help(usage, options) {
  const lines = Object.entries(options).map(([name, option]) => `  --${name.padEnd(14)} ${option.help}`);
  return [usage, "", ...lines].join("\n");
}

/** `a,b` as a list. @param {string | undefined} text */
export function list(text) {
  return text === undefined
    ? []
    : text
        .split(",")
        .map((item) => item.trim())
        .filter(Boolean);
}
