/** Where a client made from the environment connects, and which variable says so, for `config`. Shows no password. */
import { addressOf, type Target } from "../doctor/target.js";

/** One line of `config`: what, its value as text, and where it comes from. */
export interface ConnectionRow {
  readonly name: string;
  readonly text: string;
  readonly origin: string;
}

const UNSET = "not set";

/** Address, user, password, database and TLS of a target, and how its Sentinels are asked. */
export function connectionRows(target: Target): readonly ConnectionRow[] {
  const origin = (part: string): string => target.origins.get(part) ?? "default";
  return [
    ...addressRows(target, origin),
    userRow(target, origin("username")),
    { name: "password", text: passwordText(target.password), origin: origin("password") },
    { name: "database", text: String(target.db), origin: origin("db") },
    { name: "TLS", text: tlsText(target.tls), origin: origin("tls") },
    ...(target.mode === "sentinel" ? sentinelRows(target, origin) : []),
  ];
}

function sentinelRows(target: Target, origin: (part: string) => string): ConnectionRow[] {
  const { sentinelUsername, sentinelPassword, sentinelTls } = target;
  return [
    { name: "Sentinels' user", text: sentinelUsername ?? "default", origin: origin("sentinelUsername") },
    { name: "Sentinels' password", text: passwordText(sentinelPassword), origin: origin("sentinelPassword") },
    { name: "Sentinels' TLS", text: tlsText(sentinelTls), origin: origin("sentinelTLS") },
  ];
}

function passwordText(password: string | undefined): string {
  return password === undefined ? UNSET : "set, not shown";
}

function addressRows(target: Target, origin: (part: string) => string): ConnectionRow[] {
  const { endpoint, nodes, sentinelName } = target;
  if (endpoint?.path !== undefined) return [{ name: "socket", text: endpoint.path, origin: origin("path") }];
  if (endpoint !== undefined) {
    const { host, port } = endpoint;
    return [
      { name: "host", text: host, origin: origin("host") },
      { name: "port", text: String(port), origin: origin("port") },
    ];
  }
  if (nodes.length === 0) return [{ name: "host", text: UNSET, origin: "REDIS_URL or REDIS_HOST must say it" }];
  const list = nodes.map((node) => addressOf(node)).join(", ");
  return [
    { name: "Sentinels", text: list, origin: origin("sentinels") },
    { name: "master set", text: sentinelName ?? UNSET, origin: origin("name") },
  ];
}

/** A name without a password may be the password in the wrong place, and is not repeated. */
function userRow({ username, nameOnly }: Target, origin: string): ConnectionRow {
  if (nameOnly) return { name: "user", text: "given without a password, so nobody logs in; not shown", origin };
  return { name: "user", text: username ?? "default", origin };
}

function tlsText(tls: Target["tls"]): string {
  if (tls === undefined) return "off";
  if (tls.rejectUnauthorized === false) return "on, any certificate is accepted";
  const given = [
    ...(tls.ca === undefined ? [] : ["own authority"]),
    ...(tls.cert === undefined ? [] : ["client certificate"]),
    ...(tls.servername === undefined ? [] : [`name ${tls.servername}`]),
  ];
  return ["on", ...given].join(", ");
}
