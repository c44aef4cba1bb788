/** What node:tls and OpenSSL say when a handshake fails. */
import type { Signature } from "./signature.js";

const NOT_YET = "The certificate is not valid yet: it is new, or this machine's clock is behind.";

/** Certificates, names and versions. */
export const TLS: readonly Signature[] = [
  {
    code: "TLS_UNTRUSTED",
    errno: [
      "SELF_SIGNED_CERT_IN_CHAIN",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_GET_ISSUER_CERT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "CERT_UNTRUSTED",
      "CERT_REJECTED",
      "CERT_REVOKED",
      "CERT_SIGNATURE_FAILURE",
      "CERT_CHAIN_TOO_LONG",
      "INVALID_CA",
      "INVALID_PURPOSE",
      "PATH_LENGTH_EXCEEDED",
    ],
  },
  { code: "TLS_EXPIRED", errno: ["CERT_NOT_YET_VALID"], why: NOT_YET },
  { code: "TLS_EXPIRED", text: /certificate is not yet valid/, why: NOT_YET },
  { code: "TLS_EXPIRED", errno: ["CERT_HAS_EXPIRED", "CRL_HAS_EXPIRED"] },
  { code: "TLS_EXPIRED", text: /certificate has expired/ },
  { code: "TLS_WRONG_HOST", errno: ["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH", "IP_ADDRESS_MISMATCH"] },
  { code: "TLS_WRONG_HOST", text: /does not match certificate's altnames/ },
  {
    code: "TLS_UNTRUSTED",
    text: /self[- ]signed certificate|unable to (?:get (?:local )?issuer certificate|verify the first certificate)|certificate verify failed/,
  },
  // Alerts the server sends when it dislikes, or misses, this client's certificate
  {
    code: "TLS_CLIENT_CERT",
    text: /alert (?:certificate required|bad certificate|unknown ca|certificate expired|certificate unknown|certificate revoked|access denied|handshake failure)/i,
  },
  {
    code: "TLS_CLIENT_CERT",
    errno: [
      "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
      "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
      "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
      "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN",
      "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
    ],
  },
  // Keys and certificates that cannot be read or do not belong together
  {
    code: "CONFIG_INVALID",
    text: /(?:PEM|DECODER|PKCS12|asn1 encoding) routines|key values mismatch|bad decrypt|no start line|mac verify failure/i,
    why: "Node could not read a TLS key or certificate it was given: it is not PEM, is encrypted and has no `passphrase`, or key and certificate do not belong together.",
  },
  // The peer went away without the farewell that TLS asks for: a lost connection, no disagreement
  { code: "CONNECTION_CLOSED_EARLY", text: /unexpected eof while reading/, early: true },
  { code: "CONNECTION_LOST", text: /unexpected eof while reading/ },
  { code: "TLS_PROTOCOL", errno: ["EPROTO"] },
  {
    code: "TLS_PROTOCOL",
    text: /wrong version number|unsupported protocol|no protocols available|alert protocol version|SSL routines/i,
  },
];
