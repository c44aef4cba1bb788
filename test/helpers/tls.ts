/** Certificates for tests, made at test time: valid, expired, for another host, from a stranger, for a client. */
export { makeCertificates } from "../../lab/tls.mjs";
export type { Certificates, KeyPair } from "../../lab/tls.mjs";
