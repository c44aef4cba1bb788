/** A name becomes addresses within a limit of time: getaddrinfo cannot be cancelled, and may take half a minute. */
import { isIP } from "node:net";
import { held } from "./background.js";
import type { Address, Machine } from "./machine.js";

/** Milliseconds after which a resolver counts as one that does not answer. */
export const LOOKUP_LIMIT = 2200;

/** Rejects with the system's error, and with EAI_AGAIN when `limit` milliseconds pass. Addresses come back as they are. */
export async function lookUp(
  machine: Machine,
  host: string,
  family: 0 | 4 | 6,
  limit: number = LOOKUP_LIMIT,
): Promise<readonly Address[]> {
  const kind = isIP(host);
  if (kind !== 0) return [{ address: host, family: kind === 6 ? 6 : 4 }];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`getaddrinfo EAI_AGAIN ${host}`), {
      code: "EAI_AGAIN",
      syscall: "getaddrinfo",
      hostname: host,
    });
    timer = held(setTimeout(reject, limit, error));
  });
  try {
    return await Promise.race([machine.lookup(host, family), late]);
  } finally {
    clearTimeout(timer);
  }
}
