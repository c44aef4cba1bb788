/** TLS: the long texts of the pages. */
import { SHOW_CERTIFICATES } from "../../failure/catalogue/tls.js";
import type { Page } from "../page.js";

/** Certificates, names and versions. */
export const TLS = {
  TLS_UNTRUSTED: {
    means: "The TLS handshake was broken off by this client. Nothing was sent to Redis, no password either.",
    findOut: [{ say: "Does the chain verify?", run: "openssl verify -CAfile ca.pem server.pem" }, SHOW_CERTIFICATES],
    fix: [
      "Give the client the CA: `tls.ca`, or NODE_EXTRA_CA_CERTS for the whole process.",
      "Let the server send the full chain (certificate, then intermediates, in `tls-cert-file`).",
      "Do not set `rejectUnauthorized: false`: that switches off what TLS is for.",
    ],
    prevent: ["Ship the CA with the configuration, and test it at deployment."],
    examples: [
      "self-signed certificate in certificate chain SELF_SIGNED_CERT_IN_CHAIN",
      "unable to verify the first certificate UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "self-signed certificate DEPTH_ZERO_SELF_SIGNED_CERT",
    ],
  },
  TLS_EXPIRED: {
    means: "The handshake was broken off by this client. Nothing was sent to Redis.",
    findOut: [{ say: "And the one on disk?", run: "openssl x509 -noout -dates -in /etc/redis/tls/redis.crt" }],
    fix: [
      "Renew the certificate.",
      {
        say: "Renewed already: let Redis read it again",
        run: "{cli} config set tls-cert-file /etc/redis/tls/redis.crt",
      },
    ],
    prevent: ["Renew by machine, and alert three weeks before the end."],
    examples: ["certificate has expired CERT_HAS_EXPIRED", "certificate is not yet valid CERT_NOT_YET_VALID"],
  },
  TLS_WRONG_HOST: {
    means:
      "The chain is trusted, but the name the client asked for is not in the certificate. Nothing was sent to Redis.",
    findOut: [SHOW_CERTIFICATES],
    fix: [
      "Connect by the name in the certificate, or set `tls.servername`.",
      "Issue a certificate with all names and addresses in subjectAltName.",
      "Cluster: set `cluster-announce-hostname` and `cluster-preferred-endpoint-type hostname`.",
    ],
    prevent: ["Use the same name everywhere: DNS, certificate, configuration."],
    examples: [
      "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ERR_TLS_CERT_ALTNAME_INVALID",
    ],
  },
  TLS_PROTOCOL: {
    means: "One side speaks TLS and the other does not, or they share no version or cipher. Nothing was executed.",
    findOut: [
      { say: "Which versions does the server allow?", run: "redis-cli config get tls-protocols" },
      { say: "Try one version", run: "{within}openssl s_client -tls1_2 -connect {address} </dev/null" },
    ],
    fix: [
      "Make both ends agree: `rediss://` with `tls-port`, `redis://` with `port`.",
      'Old versions: set `tls-protocols` on the server to "TLSv1.2 TLSv1.3".',
    ],
    prevent: ["Write the scheme into the URL and keep the URL in one place."],
    examples: [
      "write EPROTO 00A0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
      'Unknown RESP type 21 "\u0015". Please report this.',
    ],
  },
  TLS_CLIENT_CERT: {
    means:
      "The server asked for a client certificate (`tls-auth-clients yes`, the default) and got none, or one it does not trust. Nothing was executed.",
    findOut: [
      { say: "Does the server ask for one?", run: "redis-cli config get tls-auth-clients" },
      { say: "Does yours verify against the server's CA?", run: "openssl verify -CAfile ca.pem client.pem" },
    ],
    fix: [
      "Set `tls.cert` and `tls.key` on the client.",
      "Or let clients in without one: `tls-auth-clients no`, and rely on passwords and ACLs.",
    ],
    prevent: ["Renew client certificates by machine as well."],
    examples: [
      "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required",
      "error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca",
    ],
  },
} as const satisfies Readonly<Record<string, Page>>;
