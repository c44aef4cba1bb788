/**
 * Which policy values a name stands for that is none: what other libraries call them, and values written without their part
 * (`resetTimeout` for `breaker.resetTimeout`). For slips of the hand there is `closest`.
 */
import { FIELDS } from "./fields.js";

/** Names in other libraries, in plain form. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  retries: "retry.retries",
  attempts: "retry.retries",
  maxattempts: "retry.retries",
  maxretries: "retry.retries",
  retryattempts: "retry.retries",
  retrymaxattempts: "retry.retries",
  retrymaxretries: "retry.retries",
  retrycount: "retry.retries",
  retrydelay: "retry.minTimeout",
  backoff: "retry.minTimeout",
  timeout: "deadline",
  commandtimeout: "deadline",
  requesttimeout: "deadline",
  circuitbreaker: "breaker",
  circuit: "breaker",
  bulkhead: "pool",
  pinginterval: "heartbeat.interval",
};

/** What other libraries call a value of the policy, as its path here. */
export function calledElsewhere(name: string): string | undefined {
  const plain = plainly(name);
  return Object.hasOwn(ELSEWHERE, plain) ? ELSEWHERE[plain] : undefined;
}

/** Paths of the values a name may stand for, the likeliest first; none for a name that is not recognised. */
export function fieldsMeant(name: string): readonly string[] {
  const known = calledElsewhere(name);
  if (known !== undefined) return [known];
  const plain = plainly(name);
  return FIELDS.filter(({ path }) => path.includes(".") && endings(path).includes(plain)).map(({ path }) => path);
}

/** `a.b.c` is `bc` and `c` without its first parts, and `abc` with them. */
function endings(path: string): readonly string[] {
  const parts = path.split(".");
  return parts.map((_, i) => plainly(parts.slice(i).join("")));
}

function plainly(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
