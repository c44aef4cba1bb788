/** Writes into the log, once a process, what looks wrong in a policy and what a server made of it: most mistakes are never looked for. */
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

/** The server refused HELLO, with this word, and RESP2 is spoken with it. */
export function tellResp2(endpoint: string, logger: Logger, word: string): void {
  const message = `redis ${endpoint}: speaks RESP2, because HELLO was refused (${word}); to have RESP3, allow +hello.`;
  if (told.has(message)) return;
  told.add(message);
  logger.info({ event: "client.resp2", endpoint }, message);
}

/** What a person may want to know of an endpoint, and nobody need act upon. */
export function tellNotice(endpoint: string, logger: Logger, says: string): void {
  const message = `redis ${endpoint}: ${says}.`;
  if (told.has(message)) return;
  told.add(message);
  logger.info({ event: "client.notice", endpoint }, message);
}
