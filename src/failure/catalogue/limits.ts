/** Limits of the server and of this process: connections, quotas, file descriptors, ports, the one thread. */
import type { Entry } from "./entry.js";

/** Limits of the server and of this machine. */
export const LIMITS: readonly Entry[] = [
  {
    area: "access",
    severity: "error",
    retryable: true,
    breaker: "read-write",
    applied: "never",
    code: "MAX_CLIENTS",
    name: "too many clients",
    title: "{target} has as many clients as it allows and turned this one away.",
    why: [
      "Something opens a client per request, or does not close them.",
      "There are more instances of the application than the limit allows for.",
      "Idle connections of dead clients are never closed (`timeout 0`).",
    ],
    next: [
      {
        say: "On the Redis machine: count connections by client address, because redis-cli is turned away as well (healthy: similar counts; one address with most of them: that is the cause)",
        run: "ss -Htn state established '( sport = :{port} )' | awk '{print $4}' | sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head",
        when: ["tcp", "own-server"],
      },
      {
        say: "See how many this process has (healthy: one or a few; growing with the requests: a client is made per request)",
        run: 'ss -tnp | grep -c ":{port}.*pid={pid}"',
        when: ["tcp", "linux", "own-process"],
      },
      "Stop one instance of the worst offender: that makes room for redis-cli, and for the rest.",
      {
        say: "Then see how many there are, and the limit (healthy: connected_clients below maxclients)",
        run: "{cli} info clients",
      },
    ],
  },
  {
    area: "access",
    severity: "error",
    retryable: false,
    breaker: "read-write",
    applied: "refused",
    code: "QUOTA_EXCEEDED",
    name: "provider quota exceeded",
    title: "A limit of the provider's plan for {target} is reached.",
    why: [
      "The plan's daily or monthly request limit is reached.",
      "A polling loop or a retry storm used it up.",
      "One request or record is larger than the plan allows (the text says size).",
    ],
    next: [
      "Look at the provider's usage page.",
      {
        say: "See what is called most (calls of each command; what you did not expect on top is the cause)",
        run: "{cli} info commandstats",
      },
    ],
  },
  {
    area: "client",
    severity: "error",
    retryable: true,
    breaker: "none",
    applied: "never",
    code: "TOO_MANY_OPEN_FILES",
    name: "too many open files",
    title: "This process has no file descriptor left for a connection to {target}.",
    why: [
      "Sockets or files leak in this process.",
      "Too many clients are created, one per request for instance.",
      "The limit (ulimit -n) is low for what the process does.",
    ],
    next: [
      {
        say: "Count what is open (healthy: well below the limit)",
        run: "ls /proc/{pid}/fd | wc -l",
        when: ["linux", "own-process"],
      },
      {
        say: "See what they are (if most are of one kind, that kind leaks)",
        run: "lsof -p {pid} | awk '{print $5}' | sort | uniq -c | sort -rn",
        when: "own-process",
      },
      {
        say: "See the limit (healthy: several times as many as are open)",
        run: "grep 'open files' /proc/{pid}/limits",
        when: ["linux", "own-process"],
      },
      { say: "See the limit of this shell (1024 is little for a server)", run: "ulimit -n" },
    ],
  },
  {
    area: "client",
    severity: "error",
    retryable: true,
    breaker: "none",
    applied: "never",
    code: "PORTS_EXHAUSTED",
    name: "no local port or address",
    title: "This machine could not give the connection to {target} a local port or address.",
    why: [
      "Connections are opened and closed so fast that thousands wait in TIME_WAIT.",
      "`localAddress` or the address family does not exist on this machine.",
      "A NAT gateway has run out of ports.",
    ],
    next: [
      {
        say: "Count sockets by state (healthy: a few hundred timewait; tens of thousands: connections are not reused)",
        run: "ss -s",
        when: "linux",
      },
      {
        say: "See the port range (some 28,000 ports are usual)",
        run: "sysctl net.ipv4.ip_local_port_range",
        when: "linux",
      },
      {
        say: "Count sockets by state (healthy: a few hundred TIME_WAIT; tens of thousands: connections are not reused)",
        run: "netstat -an -p tcp | awk '{print $6}' | sort | uniq -c",
        when: "mac",
      },
      { say: "See the port range (some 16,000 ports are usual)", run: "sysctl net.inet.ip.portrange", when: "mac" },
    ],
  },
  {
    area: "client",
    severity: "warn",
    retryable: true,
    breaker: "none",
    applied: "lost",
    code: "EVENT_LOOP_BLOCKED",
    name: "event loop blocked",
    title: "This process was too busy to read the reply in time.",
    why: [
      "Synchronous work: large JSON, crypto, compression, a heavy regular expression, a sync file call.",
      "Garbage collection near the heap limit.",
      "The container is throttled (CPU limit too low).",
    ],
    next: [
      "Take a CPU profile of the busy moment: start the program with `node --cpu-prof`.",
      {
        say: "See whether the container is throttled (healthy: 0; growing: the CPU limit is too low)",
        run: "grep throttled /sys/fs/cgroup/cpu.stat",
        when: "container",
      },
      {
        say: "See whether Redis itself is fast (healthy: an avg of no more than a few ms; no figure at all: it does not answer)",
        run: "{within}{cli} --latency",
      },
    ],
  },
];
