/** A short name for the sum of a policy's values, for the line a client logs when it is first connected. */
import { createHash } from "node:crypto";
import type { Policy } from "./shape.js";

/** Eight hexadecimal digits that differ when any value differs. Two processes with the same one run the same policy. */
export function fingerprintOf(policy: Policy): string {
  const text = JSON.stringify(policy, (key, value: unknown) =>
    key === "profile" ? undefined : value === Infinity ? "Infinity" : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** `policy production (1a2b3c4d)`. */
export function policyLine(policy: Policy): string {
  return `policy ${policy.profile} (${fingerprintOf(policy)})`;
}
