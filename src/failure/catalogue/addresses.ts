/** Failures to find what an address names: a host name without an address, a unix socket without a file or a permission. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "never" } as const;

/** Host names and unix sockets. */
export const ADDRESSES: readonly Entry[] = [
  {
    ...BASE,
    code: "DNS_NOT_FOUND",
    name: "host name not found",
    title: "The name {hostname} does not exist.",
    why: [
      "The name is misspelt, or belongs to another environment.",
      {
        say: "The name is known only inside another network: a Compose project, a Kubernetes namespace, a VPC.",
        when: "remote",
      },
      "The host option contains more than a name: a port, a scheme or quotes.",
      { say: "The managed instance was deleted or renamed.", when: "managed" },
    ],
    next: [
      {
        say: "Ask the resolver yourself (healthy: an address; nothing: the name is not known here)",
        run: "getent hosts {host}",
        when: "linux",
      },
      {
        say: "Ask the resolver yourself (healthy: an address; nothing: the name is not known here)",
        run: "dscacheutil -q host -a name {host}",
        when: "mac",
      },
      {
        say: "Ask the DNS server directly (healthy: an address; nothing: no such name; timed out: no DNS server answers)",
        run: "dig +short +time=2 +tries=1 {host}",
      },
      {
        say: "From inside the pod or container, with the full service name (healthy: an address; nothing: no such service)",
        run: "getent hosts redis.NAMESPACE.svc.cluster.local",
        when: "kubernetes",
      },
    ],
  },
  {
    ...BASE,
    code: "DNS_TEMPORARY",
    name: "name lookup failed for now",
    title: "The name {hostname} could not be looked up just now.",
    why: [
      "The DNS server is unreachable or overloaded.",
      {
        say: "The container or pod has no working DNS (CoreDNS down, ndots searching six names for one).",
        when: "container",
      },
      "This machine has no network at the moment.",
    ],
    next: [
      {
        say: "Ask again, with timing (healthy: an address within milliseconds; seconds or nothing: DNS is at fault)",
        run: "time getent hosts {host}",
        when: "linux",
      },
      {
        say: "See which DNS servers are asked (healthy: a nameserver line that you know; none: there is no DNS)",
        run: "cat /etc/resolv.conf",
        when: "linux",
      },
      {
        say: "Ask again, with timing (healthy: an address within milliseconds; seconds or nothing: DNS is at fault)",
        run: "time dscacheutil -q host -a name {host}",
        when: "mac",
      },
      {
        say: "See which DNS servers are asked (healthy: a nameserver that you know; none: there is no DNS)",
        run: "scutil --dns",
        when: "mac",
      },
      {
        say: "On a machine with kubectl: see whether CoreDNS runs (healthy: Running)",
        run: "kubectl -n kube-system get pods -l k8s-app=kube-dns",
        when: "kubernetes",
      },
    ],
  },
  {
    ...BASE,
    code: "SOCKET_PERMISSION",
    name: "not allowed to connect",
    title: "The operating system does not let this process connect to {target}.",
    severity: "fatal",
    retryable: false,
    breaker: "none",
    why: [
      { say: "This user may not write to the socket file (Debian creates it for the group redis).", when: "unix" },
      { say: "A directory above the socket cannot be entered by this user.", when: "unix" },
      { say: "A sandbox (systemd hardening, SELinux, AppArmor, seccomp) forbids the connection.", when: "tcp" },
    ],
    next: [
      {
        say: "See who may use the socket (healthy: w for this process's user or group)",
        run: "ls -l {path}",
        when: "unix",
      },
      {
        say: "See each directory on the way (healthy: x for this process on each line; a missing x is the fault)",
        run: "namei -l {path}",
        when: "unix",
      },
      {
        say: "Look for a denial by SELinux or AppArmor (healthy: no line; a denial names the rule)",
        run: "journalctl -k --since -10min --no-pager | grep -iE 'denied|apparmor'",
        when: ["tcp", "systemd"],
      },
      { say: "Connect from outside the sandbox, as the same user: if that works, the sandbox forbids it", when: "tcp" },
    ],
  },
  {
    ...BASE,
    code: "SOCKET_MISSING",
    name: "socket file missing",
    title: "There is no socket file at {target}.",
    why: [
      "redis-server is not running.",
      "redis.conf sets no `unixsocket`, or another path.",
      { say: "The socket's directory is not mounted into this container.", when: "container" },
    ],
    next: [
      {
        say: "See which sockets redis-server has (healthy: a line with the path; none: no Redis has that socket)",
        run: "ss -lxp | grep redis",
        when: "linux",
      },
      {
        say: "See which sockets redis-server has (healthy: a line with the path; none: no Redis has that socket)",
        run: "lsof -U | grep redis",
        when: "mac",
      },
      {
        say: "See what the configuration says (healthy: the path of this client; no line: Redis makes no socket)",
        run: "grep -E '^unixsocket' /etc/redis/redis.conf",
      },
      {
        say: "See whether the service runs (healthy: active (running); failed or inactive: start it)",
        run: "systemctl status redis-server --no-pager",
        when: "systemd",
      },
      { say: "See whether the service runs (healthy: Running: true)", run: "brew services info redis", when: "mac" },
    ],
  },
];
