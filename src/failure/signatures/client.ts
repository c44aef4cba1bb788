/** Failures of the client's own making: ioredis's guards, opossum, p-retry, AbortSignal, and arguments Node refuses. */
import type { Signature } from "./signature.js";

/** This client and this process. */
export const CLIENT: readonly Signature[] = [
  { code: "UNAVAILABLE", text: /^Stream isn't writeable and enableOfflineQueue options is false$/ },
  { code: "UNAVAILABLE", text: /^Cluster isn't ready and enableOfflineQueue options is false$/ },
  { code: "CIRCUIT_OPEN", errno: ["EOPENBREAKER"] },
  { code: "QUEUE_FULL", errno: ["ESEMLOCKED"] }, // opossum's capacity limit
  { code: "CLIENT_CLOSED", errno: ["ESHUTDOWN"], text: /^The circuit has been shutdown/ },
  {
    code: "CLIENT_CLOSED",
    text: /^Cluster is (?:disconnected|disconnecting|ended)\.$|^Connection is aborted$|^Connection is discarded because/,
  },
  { code: "ABORTED", errno: ["ABORT_ERR"] },
  { code: "ABORTED", text: /^(?:This|The) operation was aborted/ },
  { code: "SUBSCRIBER_MODE", text: /^Connection in subscriber mode, only subscriber commands may be used$/ },
  { code: "SUBSCRIBER_MODE", text: /^Connection is in monitoring mode/ },
  {
    code: "CONFIG_INVALID",
    errno: ["ERR_INVALID_URL", "ERR_SOCKET_BAD_PORT", "ERR_INVALID_IP_ADDRESS", "ERR_INVALID_ADDRESS_FAMILY"],
  },
  {
    code: "CONFIG_INVALID",
    errno: ["ENOENT", "EACCES", "EISDIR"],
    syscall: "open",
    why: "A file that the options name, such as a certificate or key, is missing here or cannot be read by this user.",
  },
  { code: "CONFIG_INVALID", text: /^URI malformed$|^Invalid URL|^Invalid argument / },
  {
    code: "CONFIG_INVALID",
    text: /^Requires (?:at least one sentinel|the name of master)|should contain at least one node/,
  },
];
