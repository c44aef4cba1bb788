/** Failures of a connection that was made: cut, closed early, silent, or not Redis at all. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "lost" } as const;

/** Connections that were lost or gave no answer. */
export const CONNECTION: readonly Entry[] = [
  {
    ...BASE,
    code: "CONNECTION_RESET",
    name: "connection reset",
    title: "{target} reset the connection.",
    why: [
      "redis-server was restarted, was killed (out of memory?) or failed over.",
      "A load balancer, NAT gateway or firewall dropped a connection that was idle for too long.",
      "Redis closed this client: output buffer limit, CLIENT KILL, or its `timeout`.",
    ],
    next: [
      {
        say: "See whether it answers, and since when it runs (more than the time since the fault: it was not restarted; no answer: it is down or hangs)",
        run: "{within}{cli} info server | grep uptime_in_seconds",
      },
      {
        say: "See whether the kernel killed it (healthy: no line; Killed process … redis-server: the kernel ended it for memory)",
        run: "journalctl -k --since -1h --no-pager | grep -i 'out of memory'",
        when: ["local", "systemd"],
      },
      {
        say: "See whether clients are closed for their output buffer (healthy: 0; more: clients were closed for their size)",
        run: "{cli} info stats | grep -E 'client_output_buffer|evicted_clients'",
      },
    ],
  },
  {
    ...BASE,
    code: "CONNECTION_LOST",
    name: "connection lost",
    title: "The connection to {target} was lost.",
    why: [
      "redis-server was stopped, restarted or failed over.",
      "Redis closed this client: output buffer limit, CLIENT KILL, or its `timeout`.",
      "Something in between closed an idle connection.",
      "The peer vanished without closing the connection (a lost node, a cable, a NAT table), and the kernel finally gave up.",
    ],
    next: [
      {
        say: "See whether it answers, and since when it runs (more than the time since the fault: it was not restarted; no answer: it is down or hangs)",
        run: "{within}{cli} info server | grep uptime_in_seconds",
      },
      {
        say: "See what its log says (healthy: no line of a stop or crash)",
        run: "journalctl -u redis-server --since -10min --no-pager",
        when: ["local", "systemd"],
      },
      {
        say: "See whether clients are closed for their output buffer (healthy: 0; more: clients were closed for their size)",
        run: "{cli} info stats | grep -E 'client_output_buffer|evicted_clients'",
      },
      { say: "See whether the provider reports a failover or maintenance", when: "managed" },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "CONNECTION_CLOSED_EARLY",
    name: "closed before it was ready",
    title: "{target} accepted the connection and closed it before it was ready.",
    why: [
      {
        say: "The port speaks TLS and this client does not (use rediss://, or the plain port).",
        when: ["plain", "unserved"],
      },
      { say: "The server wants a client certificate, and closed before its alert could be read.", when: "tls" },
      { say: "The port does not speak TLS, or the two share no TLS version.", when: ["tls", "unserved"] },
      "Redis has reached `maxclients`: it says so and closes, and the words are often lost.",
      {
        say: "Protected mode: Redis has no password and refuses other machines.",
        when: ["beyond-loopback", "own-server", "unserved"],
      },
      { say: "A load balancer, proxy or Kubernetes service has no healthy Redis behind it.", when: "remote" },
    ],
    next: [
      {
        say: "See whether the port speaks TLS (a certificate: it speaks TLS; no answer or wrong version: plain Redis)",
        run: "{within}openssl s_client -connect {address} </dev/null",
        when: ["plain", "tcp", "unserved"],
      },
      {
        say: "Read the server's own words (healthy: +PONG; -ERR or -DENIED: its own words; nothing: it drops the connection)",
        run: "(sleep 1; echo PING) | nc -w 3 {host} {port}",
        when: "tcp",
      },
      {
        say: "On the Redis machine: see how many clients it has (healthy: connected_clients well below maxclients)",
        run: "redis-cli info clients",
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
    code: "RESPONSE_TIMEOUT",
    name: "no reply in time",
    title: "{target} took the command and did not reply in time.",
    why: [
      "The server is busy with a slow command (KEYS, a big SORT, a long script): it executes one at a time.",
      "A blocking or slow command is ahead of this one on the same connection.",
      "The peer is gone and nobody said so (half-open connection).",
      "The server is swapping, forking, or starved of CPU.",
    ],
    next: [
      {
        say: "See whether it answers now (healthy: PONG; no answer: it hangs; refused: it is down)",
        run: "{within}{cli} ping",
      },
      {
        say: "See the slowest commands (healthy: an empty list; the third number of an entry is its duration in microseconds)",
        run: "{within}{cli} slowlog get 10",
      },
      {
        say: "See who is blocked and what runs (age and idle in seconds, cmd the last command; a growing qbuf or a blocked flag b stands out)",
        run: "{within}{cli} client list",
      },
      {
        say: "If it answers: see how fast (healthy: an avg of no more than a few ms; no figure: it has stopped answering)",
        run: "{within}{cli} --latency",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "HANDSHAKE_TIMEOUT",
    name: "handshake timed out",
    title: "{target} accepted the connection but did not answer in time.",
    why: [
      {
        say: "The port does not speak TLS: a plain Redis takes the TLS handshake for the beginning of a command and waits for the rest.",
        when: ["tls", "unserved"],
      },
      "The server process hangs: stopped, swapping, or busy with a slow command or script.",
      { say: "A load balancer accepts connections for a backend that is gone.", when: "remote" },
      "The port belongs to another service that waits for its own greeting.",
    ],
    next: [
      {
        say: "See whether it answers a plain PING (PONG or NOAUTH: it speaks plain Redis; no answer: it does not, or it hangs)",
        run: "{within}redis-cli -h {host} -p {port} ping",
        when: "tcp",
      },
      {
        say: "See whether the process is stopped or waits for the disk (healthy: S or R; T: stopped; D: it waits for the disk; no line: not running)",
        run: "ps axo pid,stat,pcpu,args | grep '[r]edis-server'",
        when: "local",
      },
      {
        say: "See the slowest commands (healthy: an empty list; the third number of an entry is its duration in microseconds)",
        run: "{within}{cli} slowlog get 10",
      },
    ],
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    breaker: "none",
    applied: "never",
    code: "NOT_REDIS",
    name: "not a Redis server",
    title: "What answers at {target} is not Redis.",
    why: [
      "The port belongs to another service (HTTP answers with H, SSH with S).",
      { say: "An HTTP proxy or load balancer stands in front and does not pass plain TCP.", when: "remote" },
      "The URL of a REST endpoint was used instead of the Redis one.",
    ],
    next: [
      {
        say: "Read what it says (+PONG or -NOAUTH is Redis; anything else is not)",
        run: "(printf 'PING\\r\\n'; sleep 1) | nc -w 3 {host} {port}",
      },
      {
        say: "See who owns the port (healthy: redis-server; another name: that program has the port)",
        run: "ss -ltnp | grep {port}",
        when: ["local", "linux"],
      },
      {
        say: "See who owns the port (healthy: redis-server; another name: that program has the port)",
        run: "lsof -nP -iTCP:{port} -sTCP:LISTEN",
        when: ["local", "mac"],
      },
      { say: "Use the host and port of the Redis endpoint, not the REST URL", when: "upstash" },
      "Compare host and port with those of the Redis service.",
    ],
  },
  {
    ...BASE,
    code: "PROTOCOL_ERROR",
    name: "replies out of step",
    title: "{target} sent replies that do not belong to any request.",
    why: [
      "A proxy or load balancer in between answers on its own, or mixes up the replies of several clients.",
      "A command that changes the flow of replies was sent by hand on a shared connection: MONITOR, SYNC, CLIENT REPLY.",
      "The server, or a module of it, has a fault.",
    ],
    next: [
      {
        say: "See what listens there (healthy: redis_version; anything else: not a Redis, or a proxy)",
        run: "{cli} info server | head",
      },
      "Search the code for `call(` with MONITOR, SYNC, PSYNC or CLIENT REPLY.",
      "Connect without the proxy, and see whether it goes away.",
    ],
  },
  {
    ...BASE,
    retryable: false,
    breaker: "none",
    code: "REPLY_TOO_LONG",
    name: "reply longer than allowed",
    title: "{target} announced a reply that is longer than this client's `maxReplyBytes` allows.",
    why: [
      "A value or a collection has grown beyond the limit, and is asked for as a whole (GET, HGETALL, SMEMBERS, LRANGE 0 -1).",
      "`maxReplyBytes` is set lower than what the application stores.",
      "The replies are out of step, so that a part of a value is read as a length: a proxy in between, or a fault of the server.",
    ],
    next: [
      "Compare the two figures in the error: what was announced, and what `maxReplyBytes` (IOREDOUBT_MAX_REPLY_BYTES) allows.",
      {
        say: "See which keys are large (it ends by itself; the largest key of each type is in the summary, with its length)",
        run: "{cli}{select} --bigkeys -i 0.01",
      },
      "Read large values in pieces (GETRANGE, HSCAN, SSCAN, LRANGE), or raise `maxReplyBytes`.",
    ],
  },
];
