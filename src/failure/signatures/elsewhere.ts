/**
 * The same failures in the words of node-redis, redis-cli and other clients: people paste what they have. Rows of this
 * table are tried last.
 */
import type { Signature } from "./signature.js";

/** Words of proxies, other clients and the system. */
export const ELSEWHERE: readonly Signature[] = [
  // redis-cli and hiredis: the operating system's own words
  { code: "SOCKET_PERMISSION", text: /^Could not connect to .*: Permission denied/ },
  { code: "SOCKET_MISSING", text: /^Could not connect to .*: No such file or directory/ },
  { code: "CONNECTION_REFUSED", text: /(?:^|[:.] )Connection refused/ },
  { code: "CONNECT_TIMEOUT", text: /^(?:Could not connect to .*: )?(?:Connection|Operation) time(?:d )?out/ },
  { code: "DNS_NOT_FOUND", text: /(?:^|: )(?:Name or service not known|nodename nor servname provided)/ },
  { code: "DNS_TEMPORARY", text: /(?:^|: )Temporary failure in name resolution/ },
  { code: "HOST_UNREACHABLE", text: /(?:^|: )No route to host/ },
  { code: "NETWORK_UNREACHABLE", text: /(?:^|: )Network is unreachable/ },
  { code: "CONNECTION_RESET", text: /(?:^|: )Connection reset by peer/ },
  { code: "CONNECTION_LOST", text: /(?:^|: )(?:Broken pipe|Server closed the connection)/ },

  // node:net, where only the text was kept
  { code: "CONNECTION_LOST", text: /^(?:This socket has been ended by the other party|Socket is closed$)/ },

  // node-redis
  { code: "CONNECTION_LOST", text: /^Socket closed unexpectedly$/ },
  { code: "CONNECTION_LOST", text: /(?:^Redis connection|^Stream connection) .*(?:lost|ended|gone|aborted|broken)/ },
  { code: "RESPONSE_TIMEOUT", text: /^(?:Socket|Command) timeout$/ },
  { code: "UNAVAILABLE", text: /^The client is offline$/ },
  { code: "CLIENT_CLOSED", text: /^The client is closed$|^Disconnects client$/ },
  { code: "CLIENT_CLOSED", text: /can't be processed\. The connection is already closed/ },
  { code: "CLUSTER_UNREACHABLE", text: /^All the root nodes are unavailable/ },
  {
    code: "EXEC_ABORTED",
    text: /^One \(or more\) of the watched keys has been changed|^Client reconnected after WATCH/,
  },

  // Whatever else a server answers with: it is up, it has understood, and it will not
  { code: "COMMAND_REFUSED", text: /^ERR / },
];
