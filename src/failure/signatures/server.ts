/** Replies of a server that is up but not able, or not willing, to execute now. */
import type { Signature } from "./signature.js";

/** The state of the server. */
export const SERVER: readonly Signature[] = [
  { code: "LOADING", word: ["LOADING"] },
  { code: "BUSY_SCRIPT", word: ["BUSY"], text: /busy running a (?:script|function)|Redis is busy/i },
  { code: "READ_ONLY_REPLICA", word: ["READONLY"] },
  { code: "MASTER_DOWN", word: ["MASTERDOWN"] },
  { code: "OUT_OF_MEMORY", word: ["OOM"] },
  { code: "PERSISTENCE_FAILED", word: ["MISCONF"] },
  { code: "NOT_ENOUGH_REPLICAS", word: ["NOREPLICAS"] },
  { code: "UNBLOCKED", word: ["UNBLOCKED"], text: /CLIENT UNBLOCK/, retryable: false, breaker: "none" }, // somebody asked for it
  { code: "UNBLOCKED", word: ["UNBLOCKED"] },
];
