/** What somebody who hands out credentials is asked, and what he answers. Types only: the machinery is loaded with its first use. */

/** Why credentials are asked for. */
export type CredentialsReason =
  /** A connection is about to be made. */
  | "connect"
  /** What was given last is about to expire, or its provider has said that it has changed. */
  | "expiring"
  /** The server refused what was given last. */
  | "rejected";

/** The server that a login is for, as the client's options name it. */
export interface CredentialsEndpoint {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Unix socket, instead of host and port. */
  readonly path?: string | undefined;
  /** Name of the master set; which server it is, Sentinel says later. */
  readonly sentinelName?: string | undefined;
  /** The login is for the Sentinels themselves. */
  readonly isSentinel: boolean;
}

export interface CredentialsRequest {
  readonly reason: CredentialsReason;
  readonly endpoint: CredentialsEndpoint;
  /** Aborts when the answer has come too late, or nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** A login. It is used and kept until the next one; it is never logged and in no error. */
export interface Credentials {
  /** ACL user. Default: the server's default user. */
  readonly username?: string | undefined;
  readonly password: string;
  /** When the server stops taking it: a `Date`, or milliseconds since 1970. Default: nobody knows. */
  readonly expiresAt?: Date | number | undefined;
}

/**
 * Hands out credentials whenever they are needed: before a connection is made, when three quarters of their life are over,
 * and once more after the server has refused them. Connections of one endpoint that are made at the same time share an answer.
 */
export interface CredentialsProvider {
  (request: CredentialsRequest): Promise<Credentials> | Credentials;
  /** Calls `changed` whenever another answer is to be expected, until the function that it returns is called. */
  readonly watch?: ((changed: () => void) => () => void) | undefined;
}

/** The option of a client that takes a provider. */
export interface CredentialsOptions {
  /**
   * Gives user and password whenever they are needed, instead of `username` and `password`: before each connection, before they
   * expire, and once more after the server has refused them. Live connections are logged in anew, without a reconnect.
   */
  readonly credentials?: CredentialsProvider | undefined;
  /**
   * The same for the Sentinels, instead of `sentinelUsername` and `sentinelPassword`: `credentials` are for the servers that they
   * name. The function may be the same one; it is told which of the two is meant by `endpoint.isSentinel`.
   */
  readonly sentinelCredentials?: CredentialsProvider | undefined;
}
