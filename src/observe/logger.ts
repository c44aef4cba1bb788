import type { Logger } from "../policy/shape.js";

export type { Logger };

function nothing(): void {
  // Silence was asked for.
}

/** `logger: false`. */
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing };
