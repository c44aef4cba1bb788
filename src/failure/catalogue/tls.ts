/** TLS: certificates, host names, versions. All are faults of configuration; waiting does not help. */
import type { Entry } from "./entry.js";

const BASE = { area: "tls", severity: "fatal", retryable: false, breaker: "none", applied: "never" } as const;
const SHOW = {
  say: "See the certificates the server presents",
  run: "openssl s_client -connect {address} -servername {host} -showcerts </dev/null",
};

export const TLS: readonly Entry[] = [
  {
    ...BASE,
    code: "TLS_UNTRUSTED",
    name: "certificate not trusted",
    title: "The certificate of {target} is not signed by an authority this client trusts.",
    means: "The TLS handshake was broken off by this client. Nothing was sent to Redis, no password either.",
    why: [
      "The server's certificate comes from a private authority, and the client was not given its CA certificate.",
      "The server does not send its intermediate certificate.",
      "Somebody between presents a certificate of his own (TLS inspection).",
    ],
    next: [
      SHOW,
      {
        say: "Connect with the CA file, as the client should",
        run: "redis-cli -h {host} -p {port} --tls --cacert ca.pem ping",
      },
      'Pass the CA: tls: { ca: readFileSync("ca.pem") }',
    ],
    findOut: [{ say: "Does the chain verify?", run: "openssl verify -CAfile ca.pem server.pem" }, SHOW],
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
  {
    ...BASE,
    code: "TLS_EXPIRED",
    name: "certificate expired",
    title: "The certificate of {target} is outside its period of validity.",
    means: "The handshake was broken off by this client. Nothing was sent to Redis.",
    why: [
      "The server's certificate has expired.",
      "The clock of this machine or container is wrong.",
      "The certificate was renewed on disk but the server was not told.",
    ],
    next: [
      {
        say: "See the dates",
        run: "openssl s_client -connect {address} -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -dates",
      },
      { say: "Compare with this machine's clock", run: "date -u" },
    ],
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
  {
    ...BASE,
    code: "TLS_WRONG_HOST",
    name: "certificate for another host",
    title: "The certificate of {target} is made out to another name.",
    means:
      "The chain is trusted, but the name the client asked for is not in the certificate. Nothing was sent to Redis.",
    why: [
      "The client connects by address, or by an alias, and the certificate lists only the real name.",
      "The address belongs to another server than you think.",
      { say: "The nodes of the cluster announce addresses instead of names.", when: "cluster" },
      { say: "Sentinel gives the master's address instead of its name.", when: "sentinel" },
    ],
    next: [
      {
        say: "See which names it is made out to",
        run: "openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
      },
      'Ask for the name that is in it: tls: { servername: "redis.example.com" }',
    ],
    findOut: [SHOW],
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
  {
    ...BASE,
    code: "TLS_PROTOCOL",
    name: "TLS mismatch",
    title: "This client and {target} do not agree on TLS.",
    means: "One side speaks TLS and the other does not, or they share no version or cipher. Nothing was executed.",
    why: [
      { say: "The port speaks TLS and this client does not: use rediss:// or the `tls` option.", when: "plain" },
      { say: "The port does not speak TLS: use redis://, or the server's TLS port.", when: "tls" },
      "The server allows only TLS versions this client does not offer, or the other way round.",
    ],
    next: [
      {
        say: "See what the port speaks (silence: plain Redis; end it with Ctrl-C)",
        run: "openssl s_client -connect {address} </dev/null",
      },
      { say: "Try without TLS", run: "redis-cli -h {host} -p {port} ping" },
      { say: "Azure: 6380 is the TLS port, 6379 the plain one (off by default)", when: "azure" },
      { say: "Upstash accepts TLS only: use rediss://", when: "upstash" },
    ],
    findOut: [
      { say: "Which versions does the server allow?", run: "redis-cli config get tls-protocols" },
      { say: "Try one version", run: "openssl s_client -tls1_2 -connect {address} </dev/null" },
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
  {
    ...BASE,
    code: "TLS_CLIENT_CERT",
    name: "client certificate refused",
    title: "{target} did not accept this client's certificate.",
    means:
      "The server asked for a client certificate (`tls-auth-clients yes`, the default) and got none, or one it does not trust. Nothing was executed.",
    why: [
      "The client sends no certificate: `tls.cert` and `tls.key` are not set.",
      "The client's certificate is from an authority that is not in the server's `tls-ca-cert-file`.",
      "The client's certificate has expired.",
      "The text says handshake failure: then it may also be that the two share no cipher.",
    ],
    next: [
      {
        say: "Connect with the certificate, as the client should",
        run: "redis-cli -h {host} -p {port} --tls --cacert ca.pem --cert client.pem --key client.key ping",
      },
      "Pass both: tls: { ca, cert, key }",
      { say: "See the dates and the issuer of yours", run: "openssl x509 -noout -dates -issuer -in client.pem" },
    ],
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
];
