/** Cluster and Sentinel: replies of a node, and ioredis's words for "no node would answer". */
import type { Signature } from "./signature.js";

/** Cluster, Sentinel and replication. */
export const TOPOLOGY: readonly Signature[] = [
  { code: "CLUSTER_DOWN", word: ["CLUSTERDOWN"] },
  { code: "MOVED", word: ["MOVED"] },
  { code: "ASK", word: ["ASK"], text: /^ASK \d+ / },
  { code: "TRY_AGAIN", word: ["TRYAGAIN"] },
  { code: "CROSS_SLOT", word: ["CROSSSLOT"] },
  {
    code: "CROSS_SLOT",
    text: /^All (?:the )?keys in (?:a|the) pipeline (?:command )?should belong to the same slots?|^Possible CROSSSLOT error/,
  },
  { code: "CLUSTER_DISABLED", text: /cluster support disabled/ },
  // The cause is in `lastNodeError`, and only a fault of configuration is better news than "no node answers"
  {
    code: "CLUSTER_UNREACHABLE",
    text: /^Failed to refresh slots cache|^None of startup nodes is available|^Cluster (?:all )?failed/i,
    wraps: "config",
  },
  { code: "CLUSTER_UNREACHABLE", text: /^Too many Cluster redirections/, wraps: "transparent", applied: "maybe" },
  {
    code: "CLUSTER_UNREACHABLE",
    text: /^Node is disconnected$|^No master node is available|^No (?:sharded )?subscriber for/,
  },
  { code: "SENTINELS_UNREACHABLE", text: /^All sentinels are unreachable/, wraps: "config" },
  { code: "SENTINEL_NAME_UNKNOWN", text: /^ERR No such master with that name|^The Sentinels know no master named/ },
  { code: "SENTINEL_ACCESS", text: /^The Sentinels do not let this client ask/ },
  { code: "SENTINEL_NO_REPLICA", text: /^No replica of .* is up, as the Sentinels say/ },
  { code: "SENTINEL_WRONG_ROLE", text: /^Sentinel names .* as a (?:master|replica), and it is a/ },
  {
    code: "SENTINELS_UNREACHABLE",
    text: /^(?:failed to connect to sentinel|connected to sentinel .* invalid reply)/,
    wraps: "config",
  },
];
