/** Host names and unix sockets: the long texts of the pages. */
import type { Page } from "../page.js";

/** Host names and unix sockets. */
export const ADDRESSES = {
  DNS_NOT_FOUND: {
    means: "The resolver answered that there is no such name. Nothing was sent to Redis.",
    findOut: [
      { say: "Which resolver is used here?", run: "cat /etc/resolv.conf" },
      { say: "Does the name exist for anybody?", run: "dig +short +time=2 +tries=1 {host} @1.1.1.1" },
      { say: "Which value does the application really use?", run: "npx --no ioredoubt config" },
    ],
    fix: [
      "Correct the name where it is set; the host option takes a bare name, the port has its own option.",
      "Compose: both services must share a network, and the service name is the host name.",
      "Kubernetes across namespaces: `service.namespace.svc.cluster.local`.",
    ],
    prevent: [
      "Check the name at deployment, before the application needs it.",
      "Use names, not addresses, so that a failover can move them.",
    ],
    examples: ["getaddrinfo ENOTFOUND redis.example.invalid", "queryA ENODATA redis.internal"],
  },
  DNS_TEMPORARY: {
    means:
      "The resolver did not answer, or answered that it cannot tell at the moment. The name may well exist. Nothing was sent to Redis.",
    findOut: [
      { say: "Does each server answer?", run: "dig +time=2 +tries=1 {host}" },
      { say: "Are DNS packets answered at all?", run: "timeout 30 tcpdump -nn -i any port 53" },
    ],
    fix: [
      "Repair or replace the DNS server; a second `nameserver` line helps only if it knows the same names.",
      "Kubernetes: write the name with a final dot to skip the search list.",
    ],
    prevent: [
      "Run a caching resolver on the node (NodeLocal DNSCache, systemd-resolved).",
      "Watch DNS errors: Redis is seldom the only victim.",
    ],
    examples: ["getaddrinfo EAI_AGAIN redis", "queryA ESERVFAIL redis.internal", "queryA ETIMEOUT redis.internal"],
  },
  SOCKET_PERMISSION: {
    means:
      "The local kernel refused. For a unix socket its file permissions decide; for TCP a sandbox or security policy does. The command was not sent.",
    findOut: [
      { say: "Which user and groups has the process?", run: "id" },
      { say: "Which mode does the server give its socket?", run: "grep -E '^unixsocket' /etc/redis/redis.conf" },
    ],
    fix: [
      { say: "Let the application's user in", run: "usermod -aG redis APP_USER" },
      "Set `unixsocketperm 770` in redis.conf, so that the group may connect, and restart both.",
      "Sandbox: allow AF_INET and the port in the unit or policy.",
    ],
    prevent: ["Keep the socket in a directory of its own with the right group, for example /run/redis."],
    examples: ["connect EACCES /run/redis/redis.sock", "connect EPERM 127.0.0.1:6379"],
  },
  SOCKET_MISSING: {
    means: "The path does not exist, so no server can be listening there. The command was not sent.",
    findOut: [{ say: "Does the directory exist?", run: "namei -l {path}" }],
    fix: [
      "Set `unixsocket` in redis.conf to the path the client uses, and restart.",
      "Container: mount the directory of the socket, not the socket file, so that a restart of Redis does not leave a dead file.",
    ],
    prevent: ["Keep the path in one place that both sides read."],
    examples: ["connect ENOENT /run/redis/redis.sock"],
  },
} as const satisfies Readonly<Record<string, Page>>;
