/** Connections that were lost or did not answer: the long texts of the pages. */
import type { Page } from "../page.js";

/** Connections that were lost or gave no answer. */
export const CONNECTION = {
  CONNECTION_RESET: {
    means:
      "The other side, or something between, tore the connection down without a farewell. A command whose reply was outstanding may have been executed.",
    findOut: [
      {
        say: "What does the server's log say at that moment?",
        run: "journalctl -u redis-server --since -10min --no-pager",
      },
      { say: "Does the server close idle clients?", run: "{cli} config get timeout" },
      {
        say: "Who sends the reset? Compare TTLs of the RST and of earlier packets",
        run: "timeout 30 tcpdump -nn -v -i any 'port {port} and tcp[tcpflags] & tcp-rst != 0'",
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
  CONNECTION_LOST: {
    means:
      "It ended while replies were outstanding. A command that was already written may have been executed; one that was not, was not.",
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
  CONNECTION_CLOSED_EARLY: {
    means:
      "Something listens, but does not want to talk to this client, or not in this way. The command was not sent on this connection.",
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
  RESPONSE_TIMEOUT: {
    means:
      "The connection is still open, but the reply did not come. The command may have been executed, or may yet be.",
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
  HANDSHAKE_TIMEOUT: {
    means: "TCP connected, but TLS, HELLO, AUTH or SELECT got no answer. The command was not sent.",
    findOut: [
      { say: "What goes over the wire?", run: "timeout 30 tcpdump -nn -A -i any port {port}" },
      { say: "What does the process do?", run: "timeout 10 strace -f -p $(pgrep -o redis-server)", when: "local" },
    ],
    fix: [
      "Hanging server: find what it does (SLOWLOG, strace) before you restart it.",
      "TLS against a plain port: use redis://, or the TLS port.",
    ],
    prevent: ["Health checks that send PING, so that a hanging instance is taken out."],
    examples: [],
  },
  NOT_REDIS: {
    means:
      "The bytes that came back are not the Redis protocol. Whatever listens there did not execute a Redis command.",
    findOut: [{ say: "Is it HTTP?", run: "curl -sv --max-time 3 http://{address}/" }],
    fix: ["Correct host and port.", "Let the proxy pass this port as plain TCP."],
    prevent: ["Check the endpoint with a PING at deployment."],
    examples: [
      'Unknown RESP type 72 "H". Please report this.',
      'Protocol error, got "H" as reply type byte. Please report this.',
      "HTTP/1.1 400 Bad Request",
    ],
  },
  PROTOCOL_ERROR: {
    means:
      "A reply came that nothing had asked for, one of a shape that fits no request, or a line that does not end. From then on no reply can be told to be whose, so the connection was replaced and what was in flight reported. Such a command may have been executed.",
    findOut: [
      { say: "See the bytes as they come", run: "timeout 30 tcpdump -nn -A -i any 'port {port}'" },
      { say: "What does the proxy's log say at that moment?", when: "remote" },
    ],
    fix: [
      "Use `redis.monitor()`, which has a connection of its own, instead of `call('MONITOR')`.",
      "Upgrade the proxy, or set `protocol: 2` if it does not know RESP3.",
    ],
    prevent: ["Test through the proxy that production uses."],
    examples: ["Command queue state error. If you can reproduce this, please report it."],
  },
  REPLY_TOO_LONG: {
    means:
      "The server announced a value or a list that is longer than `maxReplyBytes` (512 MiB by default), before it sent it. This client did not read it, because it would have to hold it in memory as a whole, and replaced the connection. What was in flight on that is reported; it may have been executed, and the command that asked for so much has been.",
    findOut: [
      { say: "How long is the value?", run: "{cli}{select} strlen KEY" },
      { say: "How much memory does a key take, in bytes?", run: "{cli}{select} memory usage KEY" },
    ],
    fix: [
      "Read it in pieces: GETRANGE, HSCAN, SSCAN, ZSCAN, LRANGE or ZRANGE with a few hundred elements at a time.",
      "If such replies are meant, raise `maxReplyBytes` in `resilience`, or IOREDOUBT_MAX_REPLY_BYTES, above what the error says was announced; the process needs several times as much memory.",
      "If nothing of that length is stored, the replies are out of step: connect without the proxy, and see whether it goes away.",
    ],
    prevent: ["Bound what grows: LTRIM, MAXLEN, an expiry, one key for each user instead of one for all."],
    examples: [],
  },
} as const satisfies Readonly<Record<string, Page>>;
