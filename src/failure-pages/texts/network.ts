/** Reaching the server: the long texts of the pages. */
import type { Page } from "../page.js";

/** The way to the server. */
export const NETWORK = {
  CONNECTION_REFUSED: {
    means:
      "The machine answered, and its answer was that nothing accepts connections on this port. The network path is fine; the command was not sent.",
    findOut: [
      { say: "Test the port without Redis", run: "nc -vz -w 3 {host} {port}", when: "tcp" },
      { say: "Is the process there?", run: "pgrep -a redis-server", when: "local" },
      { say: "Why did it stop? Read the end of its log", run: "journalctl -u redis-server -n 50 --no-pager" },
      { say: "Containers: is it up, and is the port published?", run: "docker ps --filter name=redis" },
      { say: "Which address and port does the application really use?", run: "npx --no ioredoubt config" },
      {
        say: "Watch the attempt: a RST straight after the SYN is a refusal",
        run: "timeout 30 tcpdump -nn -i any port {port}",
      },
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
  CONNECT_TIMEOUT: {
    means:
      "Packets went out and nothing came back, not even a refusal: something drops them. The command was not sent.",
    findOut: [
      { say: "Firewall on the Redis machine (Debian, Ubuntu)", run: "ufw status verbose" },
      { say: "Firewall on the Redis machine (Fedora, RHEL)", run: "firewall-cmd --list-all" },
      { say: "The rules themselves", run: "iptables -L -n -v | grep -E 'DROP|REJECT|{port}'" },
      { say: "Route out of this machine: a tunnel interface means a VPN", run: "ip route get {host}", when: "remote" },
      {
        say: "Watch the attempt: repeated SYNs without an answer are dropped packets",
        run: "timeout 30 tcpdump -nn -i any port {port}",
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
  HOST_UNREACHABLE: {
    means: "A router, or this machine, said that the host does not answer on its network. The command was not sent.",
    findOut: [
      { say: "Is the neighbour known on the local network?", run: "ip neigh show {host}" },
      { say: "Who sends the ICMP message?", run: "timeout 30 tcpdump -nn -i any icmp" },
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
  NETWORK_UNREACHABLE: {
    means: "The local kernel refused to send: no interface leads to that network. The command was not sent.",
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
} as const satisfies Readonly<Record<string, Page>>;
