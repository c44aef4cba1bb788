/** Failures of a connection that was made: cut, closed early, silent, or not Redis at all. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "lost" } as const;

export const CONNECTION: readonly Entry[] = [
  {
    ...BASE,
    code: "CONNECTION_RESET",
    name: "connection reset",
    title: "{target} reset the connection.",
    means:
      "The other side, or something between, tore the connection down without a farewell. A command whose reply was outstanding may have been executed.",
    why: [
      "redis-server was restarted, was killed (out of memory?) or failed over.",
      "A load balancer, NAT gateway or firewall dropped a connection that was idle for too long.",
      "Redis closed this client: output buffer limit, CLIENT KILL, or its `timeout`.",
    ],
    next: [
      { say: "See whether it answers, and since when it runs", run: "{cli} info server | grep uptime_in_seconds" },
      {
        say: "See whether the kernel killed it",
        run: "journalctl -k --since -1h | grep -i 'out of memory'",
        when: ["local", "systemd"],
      },
      {
        say: "See whether clients are closed for their output buffer",
        run: "{cli} info stats | grep -E 'client_output_buffer|evicted_clients'",
      },
    ],
    findOut: [
      {
        say: "What does the server's log say at that moment?",
        run: "journalctl -u redis-server --since -10min --no-pager",
      },
      { say: "Does the server close idle clients?", run: "{cli} config get timeout" },
      {
        say: "Who sends the reset? Compare TTLs of the RST and of earlier packets",
        run: "tcpdump -nn -v -i any 'port {port} and tcp[tcpflags] & tcp-rst != 0'",
      },
    ],
    fix: [
      "Idle connections reaped: keep the heartbeat shorter than the shortest idle timeout on the way (often 350 s, on Azure 10 min).",
      "Output buffer: read faster, ask for less at once, or raise `client-output-buffer-limit`.",
      "Killed for memory: give it memory, or set `maxmemory` below what the machine has.",
    ],
    prevent: [
      "Keep the heartbeat on.",
      "Set `maxmemory` to at most three quarters of the machine's memory, more room if it forks for snapshots.",
    ],
    examples: ["read ECONNRESET", "write ECONNRESET"],
  },
  {
    ...BASE,
    code: "CONNECTION_LOST",
    name: "connection lost",
    title: "The connection to {target} was lost.",
    means:
      "It ended while replies were outstanding. A command that was already written may have been executed; one that was not, was not.",
    why: [
      "redis-server was stopped, restarted or failed over.",
      "Something between closed an idle connection.",
      "The peer vanished without a word (node loss, cable, NAT table), and the kernel gave up at last.",
    ],
    next: [
      { say: "See whether it answers, and since when it runs", run: "{cli} info server | grep uptime_in_seconds" },
      {
        say: "See what its log says",
        run: "journalctl -u redis-server --since -10min --no-pager",
        when: ["local", "systemd"],
      },
      { say: "See whether the provider reports a failover or maintenance", when: "managed" },
    ],
    findOut: [
      { say: "Does the server close idle clients?", run: "{cli} config get timeout" },
      { say: "Was there a failover?", run: "{cli} role" },
    ],
    fix: [
      "Nothing to repair if it is back: reads are repeated by themselves. Check the effect of writes that ended as OUTCOME_UNKNOWN.",
      "If it happens again and again, look at the server's log and at idle timeouts between.",
    ],
    prevent: [
      "Make writes safe to repeat (SET instead of INCR where possible, a request id for the rest).",
      "Keep the heartbeat on.",
    ],
    examples: [
      "write EPIPE",
      "read ETIMEDOUT",
      "Connection is closed.",
      "Command aborted due to connection close",
      'Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.',
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "CONNECTION_CLOSED_EARLY",
    name: "closed before it was ready",
    title: "{target} accepted the connection and closed it before it was ready.",
    means:
      "Something listens, but does not want to talk to this client, or not in this way. The command was not sent on this connection.",
    why: [
      { say: "The port speaks TLS and this client does not (use rediss://, or the plain port).", when: "plain" },
      { say: "The server wants a client certificate, and closed before its alert could be read.", when: "tls" },
      { say: "The port does not speak TLS, or the two share no TLS version.", when: "tls" },
      "Redis has reached `maxclients`: it says so and closes, and the words are often lost.",
      {
        say: "Protected mode: Redis has no password and refuses other machines.",
        when: ["beyond-loopback", "own-server", "unserved"],
      },
      { say: "A load balancer, proxy or Kubernetes service has no healthy Redis behind it.", when: "remote" },
    ],
    next: [
      {
        say: "See whether the port speaks TLS (silence: it speaks plain Redis; end it with Ctrl-C)",
        run: "openssl s_client -connect {address} </dev/null",
        when: ["plain", "tcp"],
      },
      { say: "Hear the server's own words", run: "(sleep 1; echo PING) | nc -w 3 {host} {port}", when: "tcp" },
      { say: "On the Redis machine: see how many clients it has", run: "redis-cli info clients" },
      { say: "See whether the service has endpoints", run: "kubectl get endpoints", when: "kubernetes" },
    ],
    findOut: [
      { say: "Were clients turned away?", run: "redis-cli info stats | grep rejected_connections" },
      { say: "Is protected mode on, and is a password set?", run: "redis-cli config get protected-mode" },
    ],
    fix: [
      "TLS mismatch: make client and port agree.",
      "Too many clients: find who opens them (CLIENT LIST), share one client per process, then think about `maxclients`.",
      "Protected mode: set a password or ACL, bind to the private address; do not only switch it off.",
    ],
    prevent: [
      "Alert on `rejected_connections`.",
      "Check load balancer health checks against Redis itself (PING), not only the port.",
    ],
    examples: ["Client network socket disconnected before secure TLS connection was established ECONNRESET"],
  },
  {
    ...BASE,
    code: "RESPONSE_TIMEOUT",
    name: "no reply in time",
    title: "{target} took the command and did not reply in time.",
    means: "The connection stands, the reply did not come. The command may have been executed, or may still be.",
    why: [
      "The server is busy with a slow command (KEYS, a big SORT, a long script): it executes one at a time.",
      "A blocking or slow command stands before this one on the same connection.",
      "The peer is gone and nobody said so (half-open connection).",
      "The server is swapping, forking, or starved of CPU.",
    ],
    next: [
      { say: "See whether it answers now, and how fast", run: "{cli} --latency-history -i 1" },
      { say: "See the slowest commands", run: "{cli} slowlog get 10" },
      { say: "See who is blocked and what runs", run: "{cli} client list" },
    ],
    findOut: [
      { say: "Latency events (needs latency-monitor-threshold)", run: "{cli} latency doctor" },
      { say: "Memory, swapping, fragmentation", run: "{cli} memory doctor" },
      { say: "CPU and forks", run: "{cli} info stats | grep latest_fork_usec" },
      { say: "The machine itself, best run on it", run: "redis-cli --intrinsic-latency 30" },
    ],
    fix: [
      "Replace KEYS by SCAN, split big commands, give scripts less to do.",
      "Blocking commands belong on a connection of their own.",
    ],
    prevent: [
      "Set `slowlog-log-slower-than` and look at it.",
      "Keep deadlines above the p99 of healthy replies, below what callers can wait.",
      "Forbid KEYS and friends by ACL.",
    ],
    examples: ["Command timed out", "Socket timeout. Expecting data, but didn't receive any in 400ms."],
  },
  {
    ...BASE,
    applied: "never",
    code: "HANDSHAKE_TIMEOUT",
    name: "handshake timed out",
    title: "{target} accepted the connection and then said nothing.",
    means: "TCP connected, but TLS, HELLO, AUTH or SELECT got no answer. The command was not sent.",
    why: [
      "The server process hangs: stopped, swapping, or busy with a slow command or script.",
      {
        say: "The port does not speak TLS: a plain Redis waits silently for the rest of what it takes for a command.",
        when: "tls",
      },
      { say: "A load balancer accepts connections for a backend that is gone.", when: "remote" },
      "The port belongs to another service that waits for its own greeting.",
    ],
    next: [
      { say: "See whether it answers a plain PING", run: "redis-cli -h {host} -p {port} ping", when: "tcp" },
      {
        say: "See whether the process is stopped (T) or waits for the disk (D)",
        run: "ps axo pid,stat,pcpu,args | grep '[r]edis-server'",
        when: "local",
      },
      { say: "See the slowest commands", run: "{cli} slowlog get 10" },
    ],
    findOut: [
      { say: "What goes over the wire?", run: "tcpdump -nn -A -i any port {port}" },
      { say: "What does the process do?", run: "strace -f -p $(pgrep -o redis-server)", when: "local" },
    ],
    fix: [
      "Hanging server: find what it does (SLOWLOG, strace) before you restart it.",
      "TLS against a plain port: use redis://, or the TLS port.",
    ],
    prevent: ["Health checks that send PING, so that a hanging instance is taken out."],
    examples: [],
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
    means:
      "The bytes that came back are not the Redis protocol. Whatever listens there did not execute a Redis command.",
    why: [
      "The port belongs to another service (an HTTP server answers with H).",
      { say: "An HTTP proxy or load balancer stands in front and does not pass plain TCP.", when: "remote" },
      "The URL of a REST endpoint was used instead of the Redis one.",
    ],
    next: [
      { say: "Hear what it says", run: "(printf 'PING\\r\\n'; sleep 1) | nc -w 3 {host} {port}" },
      { say: "See who owns the port", run: "ss -ltnp | grep {port}", when: ["local", "linux"] },
      { say: "See who owns the port", run: "lsof -nP -iTCP:{port} -sTCP:LISTEN", when: ["local", "mac"] },
      { say: "Use the host and port of the Redis endpoint, not the REST URL", when: "upstash" },
    ],
    findOut: [{ say: "Is it HTTP?", run: "curl -sv --max-time 3 http://{address}/" }],
    fix: ["Correct host and port.", "Let the proxy pass this port as plain TCP."],
    prevent: ["Check the endpoint with a PING at deployment."],
    examples: [
      'Unknown RESP type 72 "H". Please report this.',
      'Protocol error, got "H" as reply type byte. Please report this.',
      "HTTP/1.1 400 Bad Request",
    ],
  },
  {
    ...BASE,
    code: "PROTOCOL_ERROR",
    name: "replies out of step",
    title: "{target} sent replies that do not belong to any request.",
    means:
      "A reply came that nothing had asked for, or one of a shape that fits no request. From then on no reply can be told to be whose, so the connection was replaced and what was in flight reported. Such a command may have been executed.",
    why: [
      "A proxy or load balancer between answers on its own, or mixes up the replies of several clients.",
      "A command that changes the flow of replies was sent by hand on a shared connection: MONITOR, SYNC, CLIENT REPLY.",
      "The server, or a module of it, has a fault.",
    ],
    next: [
      { say: "See what listens there", run: "{cli} info server | head" },
      "Search the code for `call(` with MONITOR, SYNC, PSYNC or CLIENT REPLY.",
      "Connect without the proxy, and see whether it goes away.",
    ],
    findOut: [
      { say: "See the bytes as they come", run: "tcpdump -nn -A -i any 'port {port}'" },
      { say: "What does the proxy's log say at that moment?", when: "remote" },
    ],
    fix: [
      "Use `redis.monitor()`, which has a connection of its own, instead of `call('MONITOR')`.",
      "Upgrade the proxy, or set `protocol: 2` if it does not know RESP3.",
    ],
    prevent: ["Test through the proxy that production uses."],
    examples: ["Command queue state error. If you can reproduce this, please report it."],
  },
];
