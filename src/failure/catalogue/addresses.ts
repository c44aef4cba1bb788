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
      { say: "Ask the resolver yourself", run: "getent hosts {host}", when: "linux" },
      { say: "Ask the resolver yourself", run: "dscacheutil -q host -a name {host}", when: "mac" },
      { say: "Ask the DNS server directly", run: "dig +short {host}" },
      {
        say: "From inside the pod or container, with the full service name",
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
      { say: "Ask again, with timing", run: "time getent hosts {host}", when: "linux" },
      { say: "See which DNS servers are asked", run: "cat /etc/resolv.conf", when: "linux" },
      { say: "Ask again, with timing", run: "time dscacheutil -q host -a name {host}", when: "mac" },
      { say: "See which DNS servers are asked", run: "scutil --dns", when: "mac" },
      {
        say: "See whether CoreDNS is well",
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
      { say: "See who may use the socket", run: "ls -l {path}", when: "unix" },
      { say: "See each directory on the way", run: "namei -l {path}", when: "unix" },
      {
        say: "Look for a denial by SELinux or AppArmor",
        run: "journalctl -k --since -10min | grep -iE 'denied|apparmor'",
        when: ["tcp", "systemd"],
      },
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
      { say: "See which sockets redis-server has", run: "ss -lxp | grep redis", when: "linux" },
      { say: "See which sockets redis-server has", run: "lsof -U | grep redis", when: "mac" },
      { say: "See what the configuration says", run: "grep -E '^unixsocket' /etc/redis/redis.conf" },
      { say: "See whether the service runs", run: "systemctl status redis-server", when: "systemd" },
      { say: "See whether the service runs", run: "brew services info redis", when: "mac" },
    ],
  },
];
