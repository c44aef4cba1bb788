/**
 * What a failure means: the one shape that errors carry, log lines print, `explain` shows and the doctor reports.
 * Pure types; the texts live in the catalogue, the decisions in `classify`.
 */
import type { Code } from "./codes.js";

/** Whether the server may have executed the command that failed. */
export type Applied = "no" | "maybe";

/** Which part of the chain between the caller and the data broke. */
export type Area = "network" | "client" | "tls" | "access" | "server" | "topology" | "usage" | "unknown";

/** How loud a failure is: `fatal` needs a person, `error` is an outage, `warn` passes by itself, `info` concerns the caller only. */
export type Severity = "fatal" | "error" | "warn" | "info";

/** Which circuit a failure speaks against. */
export type BreakerEffect = "read-write" | "write" | "none";

/** One thing to do next, the most likely first. `run` is a command with the real host and port filled in, never a secret. */
export interface NextStep {
  readonly say: string;
  readonly run?: string | undefined;
}

/** The classified failure. Plain data, frozen, safe to log: it never holds a command argument or a credential. */
export interface Diagnosis {
  /** Stable identifier, e.g. `CONNECTION_REFUSED`. */
  readonly code: Code;
  readonly area: Area;
  readonly severity: Severity;
  readonly applied: Applied;
  /** Whether the same command may succeed if it is sent again a little later. Says nothing of safety: see `applied`. */
  readonly retryable: boolean;
  readonly breaker: BreakerEffect;
  /** One sentence: what happened. */
  readonly title: string;
  /** Likely causes, most likely first; evidence this process holds comes before folklore. */
  readonly why: readonly string[];
  /** The first sentences of `why`, if they are what this process itself observed rather than causes. */
  readonly evidence: readonly string[];
  readonly next: readonly NextStep[];
  /** Where the long text is: a path in this package, `docs/errors/CODE.md`. */
  readonly docs: string;
  /** What was seen: the error's own text, bounded and without secrets. */
  readonly seen: string;
}

/** Where a client connects to, as far as it is known. Holds no password. */
export interface EndpointInfo {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Unix socket path, instead of host and port. */
  readonly path?: string | undefined;
  readonly tls?: boolean | undefined;
  readonly username?: string | undefined;
  /** A password is sent. Never the password itself. */
  readonly authenticates?: boolean | undefined;
  /** The name of the function that gives user and password. */
  readonly credentialsFrom?: string | undefined;
  readonly db?: number | undefined;
  /** Name of the master set, when the address comes from Sentinel. */
  readonly sentinelName?: string | undefined;
  readonly sentinels?: readonly string[] | undefined;
  /** How the Sentinels are reached, which is not how the server is. */
  readonly sentinelAccess?:
    | {
        readonly tls: boolean;
        readonly username?: string | undefined;
        /** Whether a password goes with the connection. */
        readonly authenticates: boolean;
        /** The name of the function that gives user and password. */
        readonly credentialsFrom?: string | undefined;
      }
    | undefined;
  /** It is one of the replicas of the set that is wanted (`role: "slave"`). */
  readonly replica?: boolean | undefined;
  readonly cluster?: boolean | undefined;
}

/** How far a connection had come when it failed; in `login` its credentials provider has not answered, and in `resolve` the name server has not. */
export type Phase = "login" | "resolve" | "connect" | "handshake" | "ready" | "closed";

/** What the caller of `classify` knows beyond the error itself. Every field is optional; each one makes the answer sharper. */
export interface FailureContext {
  readonly endpoint?: EndpointInfo | undefined;
  readonly phase?: Phase | undefined;
  /** Name of the command that failed, never its arguments. */
  readonly command?: string | undefined;
  /** Whether the command's bytes had left this process. `false` proves that it was not executed. */
  readonly written?: boolean | undefined;
  /** The command ran a script or was part of one: an error prefix does not prove that nothing was applied. */
  readonly script?: boolean | undefined;
  readonly connection?:
    | {
        /** Milliseconds since the connection was established. */
        readonly ageMs?: number | undefined;
        readonly bytesRead?: number | undefined;
        /** Bytes that came back since the failed command was written. */
        readonly bytesReadSince?: number | undefined;
        /** Milliseconds since the last byte came. */
        readonly silentMs?: number | undefined;
        /** Milliseconds, at least, for which this process stood still since then, where routers forget a connection in that time. */
        readonly pausedMs?: number | undefined;
        readonly everReady?: boolean | undefined;
        /** The first line the server sent before it closed, at most 200 characters. */
        readonly lastWords?: string | undefined;
      }
    | undefined;
  /** How long the name of the server was looked up, if that took long; in phase `resolve` it is not found yet. Milliseconds. */
  readonly lookupMs?: number | undefined;
  /** How long the credentials provider has been asked for a login without an answer, if that takes long. Milliseconds. */
  readonly loginMs?: number | undefined;
  /** How long this process's event loop was blocked, and out of which span. */
  readonly loop?: { readonly blockedMs: number; readonly ofMs: number } | undefined;
  /** The command at the head of the connection and how many wait behind it. */
  readonly head?: { readonly command: string; readonly forMs: number; readonly behind: number } | undefined;
  /** Commands of the client that were written and unanswered, and that waited for a connection. */
  readonly load?: { readonly inFlight: number; readonly waiting: number } | undefined;
  readonly elapsedMs?: number | undefined;
  readonly attempts?: number | undefined;
  /** Where this process runs. Default: looked up once; what is left out is not known, and gets the advice for each. */
  readonly environment?:
    | {
        readonly container: boolean;
        readonly kubernetes: boolean;
        /** systemd runs here. */
        readonly systemd?: boolean | undefined;
        /** As `process.platform`. */
        readonly platform?: string | undefined;
      }
    | undefined;
}
