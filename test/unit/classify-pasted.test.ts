/** Error texts as people paste them from logs, terminals and issue threads: other clients, prefixes, stacks. */
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import type { Code } from "../../src/failure/codes.js";

const digest = "0e1a3c2d5b6f7a8990a1b2c3d4e5f60718293a4b";

const TEXTS: readonly (readonly [Code, string])[] = [
  // node-redis 3 to 6
  ["CONNECTION_LOST", "SocketClosedUnexpectedlyError: Socket closed unexpectedly"],
  ["CLIENT_CLOSED", "ClientClosedError: The client is closed"],
  ["CLIENT_CLOSED", "DisconnectsClientError: Disconnects client"],
  ["CONNECT_TIMEOUT", "ConnectionTimeoutError: Connection timeout"],
  ["UNAVAILABLE", "ClientOfflineError: The client is offline"],
  ["CLUSTER_UNREACHABLE", "RootNodesUnavailableError: All the root nodes are unavailable"],
  ["EXEC_ABORTED", "WatchError: One (or more) of the watched keys has been changed"],
  ["WRONG_TYPE", "ErrorReply: WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["CONNECTION_REFUSED", "Redis connection to 127.0.0.1:6379 failed - connect ECONNREFUSED 127.0.0.1:6379"],
  ["CONNECTION_LOST", "AbortError: Redis connection lost and command aborted. It might have been processed."],
  ["CLIENT_CLOSED", "AbortError: SET can't be processed. The connection is already closed."],
  // redis-cli, which our own next steps tell people to run
  ["CONNECTION_REFUSED", "Could not connect to Redis at 127.0.0.1:6379: Connection refused"],
  ["DNS_NOT_FOUND", "Could not connect to Redis at redis:6379: Name or service not known"],
  ["DNS_TEMPORARY", "Could not connect to Redis at redis:6379: Temporary failure in name resolution"],
  ["CONNECT_TIMEOUT", "Could not connect to Redis at 10.0.0.1:6379: Connection timed out"],
  ["HOST_UNREACHABLE", "Could not connect to Redis at 10.0.0.1:6379: No route to host"],
  ["NETWORK_UNREACHABLE", "Could not connect to Redis at 10.0.0.1:6379: Network is unreachable"],
  ["SOCKET_PERMISSION", "Could not connect to Redis at /run/redis/redis.sock: Permission denied"],
  ["SOCKET_MISSING", "Could not connect to Redis at /run/redis/redis.sock: No such file or directory"],
  ["TLS_UNTRUSTED", "Could not connect to Redis at h:6380: SSL_connect failed: certificate verify failed"],
  ["CONNECTION_RESET", "Error: Connection reset by peer"],
  ["CONNECTION_LOST", "Error: Server closed the connection"],
  ["AUTH_REQUIRED", "(error) NOAUTH Authentication required."],
  // node:tls and node:net without their codes
  ["TLS_UNTRUSTED", "Error: self signed certificate in certificate chain"],
  ["TLS_UNTRUSTED", "Error: self-signed certificate"],
  ["TLS_UNTRUSTED", "unable to get local issuer certificate"],
  ["TLS_EXPIRED", "Error: certificate has expired"],
  [
    "TLS_WRONG_HOST",
    "Hostname/IP does not match certificate's altnames: Host: localhost. is not in the cert's altnames",
  ],
  ["CONNECTION_CLOSED_EARLY", "Client network socket disconnected before secure TLS connection was established"],
  ["CONNECTION_LOST", "Error [ERR_STREAM_DESTROYED]: Cannot call write after a stream was destroyed"],
  ["CONNECTION_LOST", "Error: This socket has been ended by the other party"],
  ["CONFIG_INVALID", "RangeError [ERR_SOCKET_BAD_PORT]: Port should be >= 0 and < 65536. Received type number (NaN)."],
  ["CONNECTION_REFUSED", "AggregateError [ECONNREFUSED]: \n    at internalConnectMultiple (node:net:1122:18)"],
  // ioredis with what a console puts around it
  [
    "CONNECTION_LOST",
    "Error: Connection is closed.\n    at close (/app/node_modules/ioredis/built/redis/event_handler.js:189:25)",
  ],
  [
    "RESPONSE_TIMEOUT",
    "Error: Command timed out\n    at Timeout._onTimeout (/app/node_modules/ioredis/built/Command.js:192:33)",
  ],
  [
    "AUTH_NOT_CONFIGURED",
    "[ioredis] Unhandled error event: ReplyError: ERR wrong number of arguments for 'auth' command",
  ],
  // Redis 6 and older name a script's failure inside a sentence of their own
  [
    "OUT_OF_MEMORY",
    `ReplyError: ERR Error running script (call to f_${digest}): @user_script:84: @user_script: 84: -OOM command not allowed when used memory > 'maxmemory'.`,
  ],
  [
    "READ_ONLY_REPLICA",
    `ReplyError: ERR Error running script (call to f_${digest}): @user_script:84: 84: -READONLY You can't write against a read only slave.`,
  ],
  // providers and proxies
  ["MAX_CLIENTS", "ERR max concurrent connections exceeded"],
  [
    "UNKNOWN_COMMAND",
    "ERR Command is not available: 'CONFIG'. See https://docs.upstash.com/redis/overall/rediscompatibility",
  ],
  ["UNKNOWN_COMMAND", "ERR unsupported command 'EVAL'"],
  ["AUTH_WRONG", "ERR AUTH failed: WRONGPASS invalid username-password pair or user is disabled."],
  ["SUBSCRIBER_MODE", "ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT allowed in this context"],
  ["SENTINEL_NAME_UNKNOWN", "ERR No such master with that name"],
  // other libraries' own affairs are none of ours
  ["UNKNOWN", "Error: Missing lock for job 123. moveToFinished"],
  ["UNKNOWN", "TypeError: Cannot read properties of undefined (reading 'get')"],
];

describe("a pasted text", () => {
  it.each(TEXTS)("means %s: %s", (code, text) => {
    expect(classify(text).code).toBe(code);
  });

  it("is shown without the stack that came along", () => {
    expect(classify("Error: Command timed out\n    at Timeout._onTimeout (/app/x.js:1:2)").seen).toBe(
      "Error: Command timed out",
    );
  });
});
