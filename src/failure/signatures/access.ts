/** Replies of a server that does not let this client in, or not this far. */
import type { Signature } from "./signature.js";

/** Passwords, permissions and protected mode. */
export const ACCESS: readonly Signature[] = [
  { code: "AUTH_REQUIRED", word: ["NOAUTH"] },
  { code: "AUTH_WRONG", word: ["WRONGPASS"] },
  { code: "AUTH_WRONG", text: /^ERR invalid (?:username-password pair|password)|^ERR AUTH failed|^WRONGPASS/i }, // Redis 5 and older, proxies
  { code: "AUTH_REQUIRED", text: /^ERR (?:operation not permitted$|Authentication required)/ }, // Redis 2, proxies
  {
    code: "AUTH_NOT_CONFIGURED",
    text: /^ERR (?:Client sent AUTH, but no password is set|AUTH <password> called without any password configured)/,
  },
  { code: "AUTH_NOT_CONFIGURED", text: /^ERR wrong number of arguments for 'auth' command/i }, // username sent to Redis 5
  {
    code: "CREDENTIALS_FAILED",
    text: /^the credentials provider \S.* (?:threw|returned|gives|has given|did not answer|has not answered)\b/,
  },
  { code: "PERMISSION_DENIED", word: ["NOPERM"] },
  { code: "PERMISSION_DENIED", text: /The user executing the script can't (?:run|access)|ACL failure in script/ },
  { code: "PROTECTED_MODE", word: ["DENIED"] },
  {
    code: "MAX_CLIENTS",
    text: /max number of clients(?: \+ cluster connections)? reached|max concurrent connections exceeded/,
  },
  // One request is too large for the plan: that says nothing about the others
  {
    code: "QUOTA_EXCEEDED",
    text: /max (?:request|single record) size exceeded/,
    breaker: "none",
    why: "This one request or record is larger than the plan allows.",
  },
  {
    code: "QUOTA_EXCEEDED",
    text: /max (?:daily |monthly )?(?:request|bandwidth|requests?)s? limit exceeded|request quota|exceeded the (?:daily|monthly) limit/i,
  },
];
