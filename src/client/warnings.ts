/** Writes what looks wrong in a policy into the log, once a process: most mistakes are never looked for. */
import type { Logger } from "../policy/shape.js";
import type { PolicyWarning } from "../policy/lint.js";

const told = new Set<string>();

export function tellWarnings(endpoint: string, logger: Logger, warnings: readonly PolicyWarning[]): void {
  for (const { path, says } of warnings) {
    const message = `redis ${endpoint}: check the configuration: ${path} ${says}.`;
    if (told.has(message)) continue;
    told.add(message);
    logger.warn({ event: "policy.warning", endpoint, option: path }, message);
  }
}
