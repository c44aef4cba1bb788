/** Paths of PEM files; what `startRedis({ tls })` takes. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** Certificate of the authority that signed it. */
  readonly ca: string;
}

export interface Certificates {
  readonly dir: string;
  /** Path and text of the CA certificate that clients should trust. */
  readonly ca: string;
  readonly caPem: string;
  /** For localhost and 127.0.0.1. */
  readonly valid: KeyPair;
  /** Ended in February 2020. */
  readonly expired: KeyPair;
  /** For redis.elsewhere.example. */
  readonly wrongHost: KeyPair;
  /** For a client that must show a certificate. */
  readonly client: KeyPair;
  /** Right host, but signed by an authority that nobody trusts. */
  readonly foreign: KeyPair;
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a CA and its leaves in a temporary folder, by the openssl command. Takes a fraction of a second. */
export declare function makeCertificates(): Promise<Certificates>;
