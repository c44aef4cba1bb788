/**
 * What is known about one failure, drawn together from the caller's context and from the errors' own fields. The
 * catalogue's conditions and placeholders read nothing else.
 */
import { shownName } from "../command/shown-name.js";
import type { EndpointInfo, FailureContext } from "./diagnosis.js";
import { environment, isLoopback, isOwnAddress } from "./environment.js";
import { providerOf, type RecognisedProvider } from "./provider.js";
import { redactText } from "./redact.js";
import type { View } from "./unwrap.js";

/** What is known about a failure and its endpoint; `undefined` is "not known". */
export interface Facts {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
  /** Undefined: not known. */
  readonly local: boolean | undefined;
  /** A unix socket or 127.0.0.1 and the like: what listens on loopback only can be reached. Undefined: not known. */
  readonly loopback: boolean | undefined;
  /** This client has been connected before, so that address and port are right. */
  readonly served: boolean;
  readonly tls: boolean | undefined;
  readonly user: string | undefined;
  /** A password goes with the connection, so that commands made to be pasted ask for one. */
  readonly asksPassword: boolean;
  readonly db: number | undefined;
  readonly sentinelName: string | undefined;
  readonly sentinel: string | undefined;
  /** How a Sentinel is reached, which is not how the server is. */
  readonly sentinelAccess: Pick<Facts, "tls" | "user" | "asksPassword">;
  readonly cluster: boolean;
  readonly container: boolean;
  readonly kubernetes: boolean;
  readonly systemd: boolean | undefined;
  readonly platform: string | undefined;
  readonly provider: RecognisedProvider | undefined;
  readonly command: string | undefined;
  /** The reader is on this machine, so that steps whose programs are not here are left out. */
  readonly onlyHere: boolean;
  /** This process, where it is the one that failed. */
  readonly pid: number | undefined;
}

/** Nothing is known: for pages that are about any server. */
export const NO_FACTS: Facts = {
  host: undefined,
  port: undefined,
  path: undefined,
  local: undefined,
  loopback: undefined,
  served: false,
  tls: undefined,
  user: undefined,
  asksPassword: false,
  db: undefined,
  sentinelName: undefined,
  sentinel: undefined,
  sentinelAccess: { tls: undefined, user: undefined, asksPassword: false },
  cluster: false,
  container: false,
  kubernetes: false,
  systemd: undefined,
  platform: undefined,
  provider: undefined,
  command: undefined,
  onlyHere: false,
  pid: undefined,
};

const DEFAULT_PORT = 6379;

/** The facts from what the caller knows and what the errors carry; texts are bounded and free of credentials. */
export function factsOf(context: FailureContext, views: readonly View[]): Facts {
  const endpoint: EndpointInfo = context.endpoint ?? {};
  const dialled = views.find(
    (view) => view.syscall === "connect" && (view.address !== undefined || view.path !== undefined),
  );
  const looked = views.find((view) => view.hostname !== undefined);
  const named = endpoint.path !== undefined || endpoint.host !== undefined;
  const path = endpoint.path ?? (named || dialled?.address?.startsWith("/") !== true ? undefined : dialled.address);
  const host = path === undefined ? (endpoint.host ?? dialled?.address ?? looked?.hostname) : undefined;
  const around = context.environment ?? environment();
  const port = endpoint.port ?? dialled?.port ?? (endpoint.host === undefined ? undefined : DEFAULT_PORT);
  const access = accessOf(endpoint);
  // What failed on the way to a Sentinel is asked of that Sentinel, with the login that is used there
  const isSentinel = endpoint.sentinels?.includes(`${host ?? ""}:${String(port)}`) === true;
  const login = isSentinel
    ? access
    : {
        tls: endpoint.tls ?? (context.endpoint === undefined ? undefined : false),
        user: endpoint.username === undefined || endpoint.username === "" ? undefined : plain(endpoint.username),
        asksPassword: endpoint.authenticates === true,
      };
  const loopback = path !== undefined ? true : host === undefined ? undefined : isLoopback(host);
  return {
    host: host === undefined ? undefined : plain(host),
    port,
    path: path === undefined ? undefined : plain(path),
    local: loopback === false && host !== undefined ? isOwnAddress(host) : loopback,
    loopback,
    served: context.connection?.everReady === true,
    ...login,
    db: endpoint.db,
    sentinelName: endpoint.sentinelName,
    sentinel: endpoint.sentinels?.[0],
    sentinelAccess: access,
    cluster: endpoint.cluster === true,
    container: around.container,
    kubernetes: around.kubernetes,
    systemd: around.systemd,
    platform: around.platform,
    provider: providerOf(host),
    command: context.command === undefined ? undefined : shownName(context.command).toUpperCase(),
    onlyHere: context.environment === undefined,
    // Somebody else's surroundings: the doctor looks on behalf of a service.
    pid: context.environment === undefined ? process.pid : undefined,
  };
}

function accessOf({ sentinelAccess }: EndpointInfo): Facts["sentinelAccess"] {
  const { tls, username, authenticates = false } = sentinelAccess ?? {};
  return { tls, user: username === undefined ? undefined : plain(username), asksPassword: authenticates };
}

const KEPT_LIMIT = 200;
const kept = new Map<string, string>();

/** Hosts, users and names come from configuration: bounded, one line, without credentials that were pasted into them. */
function plain(text: string): string {
  let clean = kept.get(text);
  if (clean === undefined) {
    clean = redactText(text, 120);
    if (kept.size >= KEPT_LIMIT) kept.clear();
    if (text.length < 200) kept.set(text, clean);
  }
  return clean;
}
