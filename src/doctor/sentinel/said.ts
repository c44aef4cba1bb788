/** What one Sentinel said, as data. */
import type { Endpoint } from "../target.js";

/**
 * Why a Sentinel was of no help. `tls`: it speaks TLS and was asked in plain text; `plain`: the other way round;
 * `access`: it refuses who asks; `other-server`: the port is no Sentinel's.
 */
export type TroubleKind =
  "name" | "unreachable" | "silent" | "tls" | "plain" | "certificate" | "access" | "unknown" | "other-server" | "other";

/** What went wrong, by kind and in the Sentinel's or the system's own words. */
export interface Trouble {
  readonly kind: TroubleKind;
  readonly words: string;
}

/** Fields of one node as Sentinel lists it. */
export type Fields = ReadonlyMap<string, string>;

/** What one Sentinel said. */
export interface Said {
  readonly node: Endpoint;
  readonly trouble: Trouble | undefined;
  /** The master's address as it announces it. */
  readonly master: Endpoint | undefined;
  /** Names of the sets it watches; asked only where it does not know the client's. */
  readonly watches: readonly string[];
  /** SENTINEL MASTER; empty where it may not be asked. */
  readonly about: Fields;
  /** SENTINEL REPLICAS. */
  readonly replicas: readonly Fields[];
  /** Its refusal of SENTINEL CKQUORUM: too few Sentinels are left for a failover. */
  readonly noQuorum: string | undefined;
  /** Its clock jumped, or it stood still: it watches, and starts nothing. */
  readonly tilt: boolean;
}
