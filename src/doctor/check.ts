/**
 * The contract between a check and the runner, and what checks tell each other. A check measures one link, returns its
 * findings and leaves in `seen` what later checks build on; it never decides the verdict.
 */
import type { Diagnosis, FailureContext } from "../failure/diagnosis.js";
import type { Policy } from "../policy/shape.js";
import type { Draft } from "./finding.js";
import type { Address, Machine } from "./machine.js";
import type { Said } from "./sentinel/said.js";
import type { ServerFacts } from "./server-facts.js";
import type { Endpoint, Target } from "./target.js";
import type { Topic } from "./topics.js";
import type { RespClient } from "./wire/resp-client.js";

/** One link to look at. `run` may throw or hang: the runner contains both. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly topic: Topic;
  /** Ids of checks that must have passed; otherwise this one is skipped with the reason. */
  readonly needs?: readonly string[];
  /** Ids of checks that must have ended, whatever they found. */
  readonly after?: readonly string[];
  /** Milliseconds, in a run of the usual time. A check that takes longer is reported as such and left behind. */
  readonly deadline: number;
  /** A link of the chain: when it cannot be judged, the verdict cannot either. */
  readonly chain?: true;
  run(context: Context): Promise<readonly Draft[]>;
}

/** What a connection attempt came to. */
export type PathOutcome = "connected" | "refused" | "silent" | "unreachable" | "missing" | "other";

/** What checks found that later ones need. */
export interface Seen {
  /** Where to connect, once Sentinel or the list of nodes has been asked. */
  endpoint: Endpoint | undefined;
  /** What each Sentinel said; none where the target has no Sentinels. */
  sentinels: readonly Said[];
  addresses: readonly Address[];
  /** The address that answered. */
  reachable: Address | undefined;
  path: PathOutcome | undefined;
  /** This side's address of the connection. */
  localAddress: string | undefined;
  /** The server accepted the connection and never answered. */
  mute: boolean;
  /** Milliseconds of the first round trip of a PING. */
  firstTrip: number | undefined;
  /** Whether this user may PING; asking again would be one more denial in the server's ACL LOG. */
  mayPing: boolean;
  /** The logged-in connection that the later checks share. */
  client: RespClient | undefined;
  /** Fields of HELLO's reply. */
  hello: ReadonlyMap<string, string>;
  role: string | undefined;
  facts: Promise<ServerFacts> | undefined;
}

/** What the caller of the doctor asked for. */
export interface CheckOptions {
  /** The caller expects a replica: read-only is right. */
  readonly replica: boolean;
  /** Commands the application uses, each as one line: `get`, `set app:1 x`. */
  readonly commands: readonly string[];
  /** Milliseconds for one TCP connect and for one reply. */
  readonly connectTimeout: number;
  readonly replyTimeout: number;
  /** Milliseconds for the whole run. */
  readonly timeout: number;
  /** Only listen: send nothing to the server, start no tools. */
  readonly passive: boolean;
  /** A client was connected to this very address until a moment ago, so that the address is right. */
  readonly served?: boolean | undefined;
}

/** What a check may use. */
export interface Context {
  readonly target: Target;
  readonly machine: Machine;
  readonly options: CheckOptions;
  readonly policy: Policy | undefined;
  readonly seen: Seen;
  /** Milliseconds left of the run. */
  left(): number;
  classify(error: unknown, more?: FailureContext): Diagnosis;
  /** Text from outside (a reply, a log line, a rule), made fit to be shown. */
  clean(text: string, limit?: number): string;
}
