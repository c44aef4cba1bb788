/** TLS: certificates, host names, versions. All are faults of configuration; waiting does not help. */
import type { Entry } from "./entry.js";

const BASE = { area: "tls", severity: "fatal", retryable: false, breaker: "none", applied: "never" } as const;
/** The step that shows what a server presents. */
export const SHOW_CERTIFICATES = {
  say: "See the certificates the server presents (healthy: Verify return code 0; another number says what is wrong)",
  run: "{within}openssl s_client -connect {address} -servername {host} -showcerts </dev/null",
};

/** Certificates, names and versions. */
export const TLS: readonly Entry[] = [
  {
    ...BASE,
    code: "TLS_UNTRUSTED",
    name: "certificate not trusted",
    title: "The certificate of {target} is not signed by an authority this client trusts.",
    why: [
      "The server's certificate comes from a private authority, and the client was not given its CA certificate.",
      "The server does not send its intermediate certificate.",
      "Something in between presents a certificate of its own (TLS inspection).",
    ],
    next: [
      SHOW_CERTIFICATES,
      {
        say: "Connect with the CA file, as the client should (healthy: PONG, so give the client the same file; verify failed: it is another authority)",
        run: "{within}redis-cli -h {host} -p {port} --tls --cacert ca.pem ping",
      },
      'Pass the CA: tls: { ca: readFileSync("ca.pem") }',
    ],
  },
  {
    ...BASE,
    code: "TLS_EXPIRED",
    name: "certificate expired",
    title: "The certificate of {target} is outside its period of validity.",
    why: [
      "The server's certificate has expired.",
      "The clock of this machine or container is wrong.",
      "The certificate was renewed on disk but the server was not told.",
    ],
    next: [
      {
        say: "See the dates (healthy: today is between notBefore and notAfter)",
        run: "{within}openssl s_client -connect {address} -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -dates",
      },
      { say: "Compare with this machine's clock (healthy: the correct time)", run: "date -u" },
    ],
  },
  {
    ...BASE,
    code: "TLS_WRONG_HOST",
    name: "certificate for another host",
    title: "The certificate of {target} is made out to another name.",
    why: [
      "The client connects by address, or by an alias, and the certificate lists only the real name.",
      "`tls.servername` is set, to a name that is not in the certificate.",
      "The address belongs to another server than you think.",
      { say: "The nodes of the cluster announce addresses instead of names.", when: "cluster" },
      { say: "Sentinel gives the master's address instead of its name.", when: "sentinel" },
    ],
    next: [
      {
        say: "See which names it is made out to (healthy: the client's host among them)",
        run: "{within}openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
      },
      'Ask for the name that is in it: tls: { servername: "redis.example.com" }',
    ],
  },
  {
    ...BASE,
    code: "TLS_PROTOCOL",
    name: "TLS mismatch",
    title: "This client and {target} do not agree on TLS.",
    why: [
      { say: "The port speaks TLS and this client does not: use rediss:// or the `tls` option.", when: "plain" },
      { say: "The port does not speak TLS: use redis://, or the server's TLS port.", when: "tls" },
      "The server allows only TLS versions this client does not offer, or the other way round.",
    ],
    next: [
      {
        say: "See what the port speaks (a certificate: it speaks TLS; no answer or wrong version: plain Redis)",
        run: "{within}openssl s_client -connect {address} </dev/null",
      },
      {
        say: "Try without TLS (PONG or NOAUTH: it speaks plain Redis; no answer: it does not, or it hangs)",
        run: "{within}redis-cli -h {host} -p {port} ping",
      },
      { say: "Azure: 6380 is the TLS port, 6379 the plain one (off by default)", when: "azure" },
      { say: "Upstash accepts TLS only: use rediss://", when: "upstash" },
    ],
  },
  {
    ...BASE,
    code: "TLS_CLIENT_CERT",
    name: "client certificate refused",
    title: "{target} did not accept this client's certificate.",
    why: [
      "The client sends no certificate: `tls.cert` and `tls.key` are not set.",
      "The client's certificate is from an authority that is not in the server's `tls-ca-cert-file`.",
      "The client's certificate has expired.",
      "If the text says handshake failure, the two may also have no cipher in common.",
    ],
    next: [
      {
        say: "Connect with the certificate, as the client should (healthy: PONG, so give the client the same files; an alert: the server wants another certificate)",
        run: "{within}redis-cli -h {host} -p {port} --tls --cacert ca.pem --cert client.pem --key client.key ping",
      },
      "Pass both: tls: { ca, cert, key }",
      {
        say: "See the dates and the issuer of yours (healthy: now between the dates, and an issuer the server trusts)",
        run: "openssl x509 -noout -dates -issuer -in client.pem",
      },
    ],
  },
];
