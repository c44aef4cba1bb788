/** Limits of server and client: the long texts of the pages. */
import type { Page } from "../page.js";

/** Limits of the server and of this machine. */
export const LIMITS = {
  MAX_CLIENTS: {
    means:
      "The limit is `maxclients` (10,000 by default), or the file descriptors the server was given. The command was not executed.",
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
  QUOTA_EXCEEDED: {
    means: "The offering counts requests or bytes and refuses more. The command was not executed.",
    findOut: ["Compare requests per day with the plan."],
    fix: ["Raise the plan, or call less: cache, poll slower.", "Too large: split the value, or compress it."],
    prevent: ["Alert at 80 % of the quota."],
    examples: [
      "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.",
      "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.",
      "ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1260000 bytes",
    ],
  },
  TOO_MANY_OPEN_FILES: {
    means:
      "The limit is on this side: the operating system refused to open another socket. Redis may be perfectly well.",
    findOut: [{ say: "How many of them go to Redis?", run: "lsof -a -p {pid} -nP -i :{port} | wc -l" }],
    fix: [
      "Find the leak first: one client per process, every stream closed.",
      "Then raise the limit: `LimitNOFILE=` in the unit, `ulimits` in Compose.",
    ],
    prevent: ["Watch the number of open descriptors."],
    examples: ["connect EMFILE 127.0.0.1:6379 - Local (undefined:undefined)"],
  },
  PORTS_EXHAUSTED: {
    means:
      "Each outgoing connection needs a free local port; they are used up, or the local address does not exist. The command was not sent.",
    findOut: [{ say: "Who has them?", run: "ss -tanp | awk '{print $1, $6}' | sort | uniq -c | sort -rn | head" }],
    fix: [
      "Keep connections open instead of opening one per request.",
      "Widen the range: `net.ipv4.ip_local_port_range`.",
    ],
    prevent: ["One long-lived client per process."],
    examples: ["connect EADDRNOTAVAIL 127.0.0.1:6379", "connect ENOBUFS 127.0.0.1:6379"],
  },
  EVENT_LOOP_BLOCKED: {
    means:
      "The timer fired late because JavaScript ran for long without a pause. Redis may have answered promptly. The command may have been executed.",
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
} as const satisfies Readonly<Record<string, Page>>;
