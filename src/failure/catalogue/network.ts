/** Failures on the way to an address: ports, routes and firewalls. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "never" } as const;

export const NETWORK: readonly Entry[] = [
  {
    ...BASE,
    code: "CONNECTION_REFUSED",
    name: "connection refused",
    title: "{target} refused the connection.",
    means:
      "The machine answered, and its answer was that nothing accepts connections on this port. The network path is fine; the command was not sent.",
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
    findOut: [
      { say: "Test the port without Redis", run: "nc -vz -w 3 {host} {port}", when: "tcp" },
      { say: "Is the process there?", run: "pgrep -a redis-server", when: "local" },
      { say: "Why did it stop? Read the end of its log", run: "journalctl -u redis-server -n 50 --no-pager" },
      { say: "Containers: is it up, and is the port published?", run: "docker ps --filter name=redis" },
      { say: "Which address and port does the application really use?", run: "npx ioredoubt config" },
      { say: "Watch the attempt: a RST straight after the SYN is a refusal", run: "tcpdump -nn -i any port {port}" },
    ],
    fix: [
      { say: "Start it", run: "systemctl start redis-server", when: "systemd" },
      { say: "Start it", run: "brew services start redis", when: "mac" },
      "Wrong address: correct the host and port where they are set (argument, environment, URL), not in a second place.",
      "Bound to loopback: set `bind` to the private address it should serve, keep `protected-mode yes`, and set a password.",
      "In a container: use the Compose or Kubernetes service name as host, not localhost.",
    ],
    prevent: [
      "Let a supervisor restart Redis (systemd `Restart=always`, a Kubernetes probe).",
      "Take host and port from one environment variable and check it at start.",
      "Alert on this code: it is the plainest sign that Redis is down.",
    ],
    examples: [
      "connect ECONNREFUSED 127.0.0.1:6379",
      "connect ECONNREFUSED ::1:6379",
      "connect ECONNREFUSED /run/redis/redis.sock",
    ],
  },
  {
    ...BASE,
    code: "CONNECT_TIMEOUT",
    name: "connect timed out",
    title: "{target} did not answer the connection attempt.",
    means:
      "Packets went out and nothing came back, not even a refusal: something drops them. The command was not sent.",
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
    findOut: [
      { say: "Firewall on the Redis machine (Debian, Ubuntu)", run: "ufw status verbose" },
      { say: "Firewall on the Redis machine (Fedora, RHEL)", run: "firewall-cmd --list-all" },
      { say: "The rules themselves", run: "iptables -L -n -v | grep -E 'DROP|REJECT|{port}'" },
      { say: "Route out of this machine: a tunnel interface means a VPN", run: "ip route get {host}", when: "remote" },
      {
        say: "Watch the attempt: repeated SYNs without an answer are dropped packets",
        run: "tcpdump -nn -i any port {port}",
      },
    ],
    fix: [
      { say: "Open the port for this machine only", run: "ufw allow from CLIENT_ADDRESS to any port {port} proto tcp" },
      "In a cloud: allow the client's security group (not 0.0.0.0/0) on the Redis port.",
      "TLS against a plain port: connect with `redis://`, or use the server's TLS port.",
    ],
    prevent: [
      "Keep `connectTimeout` short enough that a dropped packet is noticed in seconds, not minutes.",
      "Put clients and Redis into the same network, and keep firewall rules with the infrastructure code.",
    ],
    examples: ["connect ETIMEDOUT", "connect ETIMEDOUT 10.255.255.1:6379"],
  },
  {
    ...BASE,
    code: "HOST_UNREACHABLE",
    name: "host unreachable",
    title: "There is no way to {hostname}: the host cannot be reached.",
    means: "A router, or this machine, said that the host does not answer on its network. The command was not sent.",
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
    findOut: [
      { say: "Is the neighbour known on the local network?", run: "ip neigh show {host}" },
      { say: "Who sends the ICMP message?", run: "tcpdump -nn -i any icmp" },
      { say: "Firewall on the Redis machine", run: "firewall-cmd --list-all" },
    ],
    fix: [
      "Bring the machine or the tunnel up, or correct the address.",
      {
        say: "firewalld rejects: open the port for your network",
        run: "firewall-cmd --add-rich-rule='rule family=ipv4 source address=CLIENT_NET port port={port} protocol=tcp accept'",
      },
    ],
    prevent: ["Use a name that follows the machine, or Sentinel or Cluster, which follow the master."],
    examples: ["connect EHOSTUNREACH 192.0.2.1:6379"],
  },
  {
    ...BASE,
    code: "NETWORK_UNREACHABLE",
    name: "network unreachable",
    title: "This machine has no route to {hostname}.",
    means: "The local kernel refused to send: no interface leads to that network. The command was not sent.",
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
    findOut: [
      { say: "Interfaces and their state", run: "ip -br address" },
      { say: "Is a tunnel missing?", run: "ip -br link | grep -E 'tun|wg|tailscale'" },
    ],
    fix: [
      "Bring the interface or the VPN up.",
      "Wrong address family: set ioredis's `family` to 4 or 6, or correct the DNS record.",
    ],
    prevent: ["Start the application after the network is up (`After=network-online.target`)."],
    examples: ["connect ENETUNREACH 2001:db8::1:6379"],
  },
];
