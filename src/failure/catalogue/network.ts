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
        when: ["container", "local", "tcp", "unserved"],
      },
      { say: "redis-server is not running, or is still starting.", when: "tcp" },
      { say: "The port is wrong (default 6379; TLS often 6380, Sentinel 26379).", when: ["tcp", "unserved"] },
      {
        say: "redis-server listens on loopback only (`bind 127.0.0.1`), so no other machine can reach it.",
        when: ["beyond-loopback", "tcp", "own-server", "unserved"],
      },
      { say: "A firewall rejects the connection instead of dropping the packets.", when: ["remote", "tcp"] },
      { say: "Redis runs with another socket path, or it died and left the socket file behind.", when: "unix" },
    ],
    next: [
      {
        say: "See whether anything answers there (healthy: PONG; refused or no answer: Redis is down, hangs, or is somewhere else)",
        run: "{cli} ping",
      },
      {
        say: "See what listens on this machine (healthy: a line with the port; none: nothing listens there)",
        run: "ss -ltnp | grep -E '{port}|redis'",
        when: ["local", "tcp", "linux", "no-container"],
      },
      {
        say: "See what listens on this machine (healthy: a line with the port; none: nothing listens there)",
        run: "lsof -nP -iTCP -sTCP:LISTEN | grep -E '{port}|redis'",
        when: ["local", "tcp", "mac", "no-container"],
      },
      {
        say: "See whether the service runs (healthy: active (running); failed or inactive: start it)",
        run: "systemctl status redis-server --no-pager",
        when: ["local", "systemd"],
      },
      {
        say: "See whether the service runs (healthy: Running: true)",
        run: "brew services info redis",
        when: ["local", "mac", "no-container"],
      },
      {
        say: "See whether the Redis service has a name here (an address: use that name as host; nothing: Redis has another name)",
        run: "getent hosts redis",
        when: ["container", "local", "tcp", "unserved"],
      },
      {
        say: "See whether the socket exists and who listens (healthy: a line with the path; none: no Redis has that socket)",
        run: "ss -lxp | grep redis",
        when: ["unix", "linux"],
      },
      {
        say: "See whether the socket exists and who listens (healthy: a line with the path; none: no Redis has that socket)",
        run: "lsof -U | grep redis",
        when: ["unix", "mac"],
      },
      {
        say: "On the Redis machine: see which addresses it listens on (healthy: 0.0.0.0, * or the private address; 127.0.0.1 only: others are refused)",
        run: "ss -ltnp | grep redis-server",
        when: ["remote", "own-server"],
      },
      {
        say: "On a machine with kubectl: see whether the service has endpoints (healthy: addresses behind the service; <none>: no pod is ready)",
        run: "kubectl get endpoints",
        when: "kubernetes",
      },
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
      {
        say: "Test the port without Redis (healthy: succeeded or open; refused or timed out: the network or a firewall is at fault, or nothing listens there)",
        run: "nc -vz -w 3 {host} {port}",
        when: "tcp",
      },
      {
        say: "See whether the port speaks plain Redis (PONG or NOAUTH: it speaks plain Redis; no answer: it does not, or it hangs)",
        run: "{within}redis-cli -h {host} -p {port} ping",
        when: ["tls", "tcp"],
      },
      {
        say: "On a machine with kubectl: see which policies apply (healthy: no policy for this namespace; one must let the port through)",
        run: "kubectl get networkpolicy -A",
        when: ["kubernetes", "remote"],
      },
      {
        say: "See where packets stop (healthy: the host as last line; stars: packets stop behind the line before)",
        run: "traceroute -T -w 1 -m 20 -p {port} {host}",
        when: ["remote", "tcp"],
      },
      { say: "Check the inbound rules of the Redis security group for this machine's group", when: "elasticache" },
      { say: "On the Redis machine, or in its security group: does a rule let this machine in?", when: "remote" },
      {
        say: "See whether the process is stopped or starved (healthy: S or R; T: stopped; D: it waits for the disk; no line: not running)",
        run: "ps axo pid,stat,pcpu,args | grep '[r]edis-server'",
        when: "local",
      },
    ],
  },
  {
    ...BASE,
    code: "HOST_UNREACHABLE",
    name: "host unreachable",
    title: "The host {hostname} cannot be reached.",
    why: [
      "The machine is down, or its address has moved.",
      "A firewall rejects with an ICMP message (firewalld does so by default).",
      "A VPN or tunnel that leads there is down.",
    ],
    next: [
      {
        say: "See whether the host answers at all (healthy: replies; none: the host or the way is down, or drops ping)",
        run: "ping -c 3 {host}",
      },
      {
        say: "See which way packets take (healthy: a line with dev and src; unreachable: no route)",
        run: "ip route get {host}",
        when: "linux",
      },
      {
        say: "See which way packets take (healthy: an interface; not in table: no route)",
        run: "route -n get {host}",
        when: "mac",
      },
      {
        say: "Test the port without Redis (healthy: succeeded or open; refused or timed out: the network or a firewall is at fault, or nothing listens there)",
        run: "nc -vz -w 3 {host} {port}",
      },
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
      {
        say: "See the route that would be taken (healthy: a line with dev and src; unreachable: no route)",
        run: "ip route get {host}",
        when: "linux",
      },
      {
        say: "See the route that would be taken (healthy: an interface; not in table: no route)",
        run: "route -n get {host}",
        when: "mac",
      },
      {
        say: "See which addresses the name has (healthy: addresses of a family that this machine has)",
        run: "getent ahosts {host}",
        when: "linux",
      },
      {
        say: "See which addresses the name has (healthy: an address; nothing: the name is not known here)",
        run: "dscacheutil -q host -a name {host}",
        when: "mac",
      },
      {
        say: "Try IPv4 only (succeeded or open: set family 4; an error: IPv4 does not lead there either)",
        run: "nc -4 -vz -w 3 {host} {port}",
      },
    ],
  },
];
