/** Which lines of a page an address rules out, and how the conditions that are left open are written in front of a line. */
import type { Facts } from "../failure/facts.js";
import { conditionsOf, holds, type Condition, type Text } from "../failure/template.js";

/** What a condition is called in front of a line of a page. */
const LABELS: Readonly<Record<Condition, string>> = {
  local: "same machine",
  remote: "other machine",
  "beyond-loopback": "not over loopback",
  served: "connected before",
  unserved: "never connected before",
  container: "in a container",
  "no-container": "outside containers",
  kubernetes: "Kubernetes",
  systemd: "systemd",
  linux: "Linux",
  mac: "macOS",
  unix: "unix socket",
  tcp: "TCP",
  tls: "with TLS",
  plain: "without TLS",
  cluster: "Cluster",
  standalone: "standalone",
  sentinel: "Sentinel",
  named: "by a host name",
  "own-server": "your own server",
  managed: "managed Redis",
  elasticache: "ElastiCache",
  azure: "Azure",
  upstash: "Upstash",
  user: "ACL user",
  "own-process": "for the process that failed",
};

/** Conditions that the address alone decides. */
const BY_ADDRESS: ReadonlySet<Condition> = new Set<Condition>([
  "local",
  "remote",
  "beyond-loopback",
  "named",
  "unix",
  "tcp",
  "own-server",
  "managed",
  "elasticache",
  "azure",
  "upstash",
]);

/** Whether an address rules a line out. Without an address nothing is ruled out. */
export function mayApply(text: Text, facts: Facts): boolean {
  if (facts.host === undefined && facts.path === undefined) return true;
  return conditionsOf(text).every((condition) => !BY_ADDRESS.has(condition) || holds(condition, facts));
}

/** Names of the conditions a reader must decide: not those the address has decided, and not TCP, which is the rule. */
export function openConditions(text: Text, facts: Facts): readonly string[] {
  const known = facts.host !== undefined || facts.path !== undefined;
  return conditionsOf(text)
    .filter((condition) => condition !== "tcp" && !(known && BY_ADDRESS.has(condition)))
    .map((condition) => LABELS[condition]);
}
