/** Failures on the way to an address: ports, routes and firewalls. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "never" } as const;

/** The way to the server. */
export const NETWORK: readonly Entry[] = [
  {
    ...BASE,
    code: "CONNECTION_REFUSED",
    name: "connection refused",
    title: "{target} refused the connection.",
    why: [
      {
        say: "This process runs in a container, where {hostname} is the container itself: use the service or host name of Redis.",
        when: ["container", "local", "tcp"],
      },
      { say: "redis-server is not running, or is still starting.", when: "tcp" },
      { say: "The port is wrong (default 6379; TLS often 6380, Sentinel 26379).", when: ["tcp", "unserved"] },
      {
        say: "redis-server listens on loopback only (`bind 127.0.0.1`), so no other machine can reach it.",
        when: ["beyond-loopback", "tcp", "own-server", "unserved"],
      },
      { say: "A firewall rejects instead of dropping.", when: ["remote", "tcp"] },
      { say: "Redis runs with another socket path, or it died and left the socket file behind.", when: "unix" },
    ],
    next: [
      { say: "See whether anything answers there", run: "{cli} ping" },
      {
        say: "See what listens on this machine",
        run: "ss -ltnp | grep -E '{port}|redis'",
        when: ["local", "tcp", "linux", "no-container"],
      },
      {
        say: "See what listens on this machine",
        run: "lsof -nP -iTCP -sTCP:LISTEN | grep -E '{port}|redis'",
        when: ["local", "tcp", "mac", "no-container"],
      },
      { say: "See whether the service runs", run: "systemctl status redis-server", when: ["local", "systemd"] },
      { say: "See whether the service runs", run: "brew services info redis", when: ["local", "mac", "no-container"] },
      {
        say: "See whether the Redis service has a name here",
        run: "getent hosts redis",
        when: ["container", "local", "tcp"],
      },
      { say: "See whether the socket exists and who listens", run: "ss -lxp | grep redis", when: ["unix", "linux"] },
      { say: "See whether the socket exists and who listens", run: "lsof -U | grep redis", when: ["unix", "mac"] },
      {
        say: "On the Redis machine: see which addresses it listens on",
        run: "ss -ltnp | grep redis-server",
        when: ["remote", "own-server"],
      },
      { say: "See whether the service has endpoints", run: "kubectl get endpoints", when: "kubernetes" },
    ],
  },
  {
    ...BASE,
    code: "CONNECT_TIMEOUT",
    name: "connect timed out",
    title: "{target} did not answer the connection attempt.",
    why: [
      {
        say: "The security group does not let this machine in, or it is outside the VPC (ElastiCache has no public address).",
        when: "elasticache",
      },
      {
        say: "A NetworkPolicy does not let this pod out, or not into the namespace of Redis.",
        when: ["kubernetes", "remote"],
      },
      { say: "A firewall or security group drops the packets.", when: "remote" },
      {
        say: "The port speaks plain Redis while this client speaks TLS: such a handshake is never answered.",
        when: "tls",
      },
      { say: "The address is wrong, or its machine is gone.", when: ["remote", "unserved"] },
      { say: "The machine with this address is gone.", when: ["remote", "served"] },
      { say: "A VPN, proxy or service mesh is missing or in the way.", when: "remote" },
      { say: "The server's accept queue is full: it is stopped, or starved of CPU.", when: "local" },
    ],
    next: [
      { say: "Test the port without Redis", run: "nc -vz -w 3 {host} {port}", when: "tcp" },
      {
        say: "See whether the port speaks plain Redis",
        run: "redis-cli -h {host} -p {port} ping",
        when: ["tls", "tcp"],
      },
      { say: "See which policies apply", run: "kubectl get networkpolicy -A", when: ["kubernetes", "remote"] },
      { say: "See where packets stop", run: "traceroute -T -p {port} {host}", when: ["remote", "tcp"] },
      { say: "Check the inbound rules of the Redis security group for this machine's group", when: "elasticache" },
      { say: "On the Redis machine, or in its security group: does a rule let this machine in?", when: "remote" },
      {
        say: "See whether the process is stopped or starved",
        run: "ps axo pid,stat,pcpu,args | grep '[r]edis-server'",
        when: "local",
      },
    ],
  },
  {
    ...BASE,
    code: "HOST_UNREACHABLE",
    name: "host unreachable",
    title: "There is no way to {hostname}: the host cannot be reached.",
    why: [
      "The machine is down, or its address has moved.",
      "A firewall rejects with an ICMP message (firewalld does so by default).",
      "A VPN or tunnel that leads there is down.",
    ],
    next: [
      { say: "See whether the host answers at all", run: "ping -c 3 {host}" },
      { say: "See which way packets take", run: "ip route get {host}", when: "linux" },
      { say: "See which way packets take", run: "route -n get {host}", when: "mac" },
      { say: "Test the port without Redis", run: "nc -vz -w 3 {host} {port}" },
    ],
  },
  {
    ...BASE,
    code: "NETWORK_UNREACHABLE",
    name: "network unreachable",
    title: "This machine has no route to {hostname}.",
    why: [
      "The network interface or the VPN is down.",
      "The name resolved to an IPv6 address and this machine has no IPv6 (or the other way round).",
      { say: "The container has no network (network mode none, or a policy without egress).", when: "container" },
    ],
    next: [
      { say: "See the route that would be taken", run: "ip route get {host}", when: "linux" },
      { say: "See the route that would be taken", run: "route -n get {host}", when: "mac" },
      { say: "See which addresses the name has", run: "getent ahosts {host}", when: "linux" },
      { say: "See which addresses the name has", run: "dscacheutil -q host -a name {host}", when: "mac" },
      { say: "Try IPv4 only", run: "nc -4 -vz -w 3 {host} {port}" },
    ],
  },
];
