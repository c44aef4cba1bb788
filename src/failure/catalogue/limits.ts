/** Limits of the server and of this process: connections, quotas, file descriptors, ports, the one thread. */
import type { Entry } from "./entry.js";

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
    means:
      "The limit is `maxclients` (10,000 by default), or the file descriptors the server was given. The command was not executed.",
    why: [
      "Something opens a client per request, or does not close them.",
      "More instances of the application than the limit allows for.",
      "Idle connections of dead clients are never closed (`timeout 0`).",
    ],
    next: [
      {
        say: "On the Redis machine: count connections by client address (redis-cli is turned away as well)",
        run: "ss -Htn state established '( sport = :{port} )' | awk '{print $4}' | sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head",
        when: ["tcp", "own-server"],
      },
      { say: "See how many this process has", run: 'ss -tnp | grep -c ":{port}.*pid={pid}"', when: ["tcp", "linux"] },
      "Stop one instance of the worst offender: that makes room for redis-cli, and for the rest.",
      { say: "Then see how many there are, and the limit", run: "{cli} info clients" },
    ],
    findOut: [
      {
        say: "Who are they? Count by name and address",
        run: "{cli} client list | grep -oE ' (addr=[^:]*|name=[^ ]*)' | paste - - | sort | uniq -c | sort -rn | head",
      },
      { say: "How many were turned away?", run: "{cli} info stats | grep rejected_connections" },
      {
        say: "Was the limit lowered by the file descriptor limit?",
        run: "grep -i 'maximum open files' /proc/$(pgrep -o redis-server)/limits",
      },
    ],
    fix: [
      "Use one client per process, and the pool for exclusive connections; do not create clients in request handlers.",
      { say: "Close idle ones", run: "{cli} config set timeout 300" },
      { say: "Raise the limit if the clients are legitimate", run: "{cli} config set maxclients 20000" },
    ],
    prevent: [
      "Alert at 80 % of maxclients.",
      "Close clients on shutdown.",
      "In development, keep the client across hot reloads.",
    ],
    examples: ["ERR max number of clients reached", "ERR max number of clients + cluster connections reached"],
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
    means: "The offering counts requests or bytes and refuses more. The command was not executed.",
    why: [
      "The plan's daily or monthly request limit is reached.",
      "A polling loop or a retry storm used it up.",
      "One request or record is larger than the plan allows (the text says size).",
    ],
    next: [
      "Look at the usage page of the provider.",
      { say: "See what is called most", run: "{cli} info commandstats" },
    ],
    findOut: ["Compare requests per day with the plan."],
    fix: ["Raise the plan, or call less: cache, poll slower.", "Too large: split the value, or compress it."],
    prevent: ["Alert at 80 % of the quota."],
    examples: [
      "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.",
      "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.",
      "ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1260000 bytes",
    ],
    recorded: "Only a managed offering sends it.",
    unlogged: "Only a managed offering sends it: no line could be provoked.",
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
    means:
      "The limit is on this side: the operating system refused to open another socket. Redis may be perfectly well.",
    why: [
      "Sockets or files leak in this process.",
      "Too many clients are created, one per request for instance.",
      "The limit (ulimit -n) is low for what the process does.",
    ],
    next: [
      { say: "Count what is open", run: "ls /proc/{pid}/fd | wc -l" },
      { say: "See what it is", run: "lsof -p {pid} | awk '{print $5}' | sort | uniq -c | sort -rn" },
      { say: "See the limit", run: "grep 'open files' /proc/{pid}/limits" },
    ],
    findOut: [{ say: "How many of them go to Redis?", run: "lsof -a -p {pid} -nP -i :{port} | wc -l" }],
    fix: [
      "Find the leak first: one client per process, every stream closed.",
      "Then raise the limit: `LimitNOFILE=` in the unit, `ulimits` in Compose.",
    ],
    prevent: ["Watch the number of open descriptors."],
    examples: ["connect EMFILE 127.0.0.1:6379 - Local (undefined:undefined)"],
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
    means:
      "Each outgoing connection needs a free local port; they are used up, or the local address does not exist. The command was not sent.",
    why: [
      "Connections are opened and closed so fast that thousands wait in TIME_WAIT.",
      "`localAddress` or the address family does not exist on this machine.",
      "A NAT gateway has run out of ports.",
    ],
    next: [
      { say: "Count sockets by state", run: "ss -s", when: "linux" },
      { say: "See the port range", run: "sysctl net.ipv4.ip_local_port_range", when: "linux" },
      { say: "Count sockets by state", run: "netstat -an -p tcp | awk '{print $6}' | sort | uniq -c", when: "mac" },
      { say: "See the port range", run: "sysctl net.inet.ip.portrange", when: "mac" },
    ],
    findOut: [{ say: "Who has them?", run: "ss -tanp | awk '{print $1, $6}' | sort | uniq -c | sort -rn | head" }],
    fix: [
      "Keep connections open instead of opening one per request.",
      "Widen the range: `net.ipv4.ip_local_port_range`.",
    ],
    prevent: ["One long-lived client per process."],
    examples: ["connect EADDRNOTAVAIL 127.0.0.1:6379", "connect ENOBUFS 127.0.0.1:6379"],
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
    means:
      "The timer fired late because JavaScript ran for long without a pause. Redis may have answered promptly. The command may have been executed.",
    why: [
      "Synchronous work: large JSON, crypto, compression, a heavy regular expression, a sync file call.",
      "Garbage collection near the heap limit.",
      "The container is throttled (CPU limit too low).",
    ],
    next: [
      { say: "Take a CPU profile of the busy moment", run: "node --cpu-prof app.js" },
      {
        say: "See whether the container is throttled",
        run: "grep throttled /sys/fs/cgroup/cpu.stat",
        when: "container",
      },
      { say: "See whether Redis itself is fast", run: "{cli} --latency-history -i 1" },
    ],
    findOut: [
      "`perf_hooks.monitorEventLoopDelay()` shows how long the loop stalls.",
      "`error.state.loop` says how long it was blocked, and out of which span.",
    ],
    fix: [
      "Split or move the work (worker threads, streams, pagination).",
      "Read less at once: HMGET over HGETALL of a huge hash, SCAN in pages.",
      "Raise the CPU limit.",
    ],
    prevent: ["Alert on event loop delay: p99 above 100 ms is a fault of its own."],
    examples: [],
  },
];
