/** Cluster and Sentinel: the long texts of the pages. */
import type { Page } from "../page.js";

/** Cluster, Sentinel and replication. */
export const TOPOLOGY = {
  CLUSTER_DOWN: {
    means:
      "The node knows that some slots have no master, or that it is cut off from the majority. The command was refused before execution.",
    findOut: [
      {
        say: "When did it fail?",
        run: "journalctl -u redis-server --since -30min --no-pager | grep -iE 'fail|cluster'",
      },
    ],
    fix: [
      "Bring the failed node back, or fail over to its replica (CLUSTER FAILOVER).",
      { say: "Slots without an owner", run: "redis-cli --cluster fix {address}{cliOptions}" },
    ],
    prevent: [
      "At least one replica per master, in another zone.",
      "`cluster-require-full-coverage no`, if the rest should go on serving.",
    ],
    examples: ["CLUSTERDOWN Hash slot not served", "CLUSTERDOWN The cluster is down"],
  },
  CLUSTER_UNREACHABLE: {
    means: "None of the known nodes gave the slot table, or each sent the client on to another one.",
    findOut: [
      "`cause` or `lastNodeError` is the last node's own error.",
      { say: "Are the announced addresses reachable?", run: "nc -vz -w 3 {host} {port}" },
    ],
    fix: [
      "Correct startup nodes and credentials.",
      "Addresses behind NAT: `natMap` in the client, or `cluster-announce-ip` and `cluster-announce-port` on the nodes.",
    ],
    prevent: ["Give several startup nodes, or a DNS name that lists them."],
    examples: [
      "Failed to refresh slots cache.",
      "None of startup nodes is available",
      "Too many Cluster redirections. Last error: Error: Connection is closed.",
    ],
  },
  CLUSTER_DISABLED: {
    means: "This client was made for Redis Cluster and the server runs without it. The command was refused.",
    findOut: [{ say: "Is it switched off?", run: "{cli} config get cluster-enabled" }],
    fix: ["Use the class that fits the server, or a server that runs as a cluster."],
    prevent: ["Let development and production use the same mode."],
    examples: ["ERR This instance has cluster support disabled"],
  },
  MOVED: {
    means: "The node named the right one and executed nothing. A cluster client follows by itself; a plain one cannot.",
    findOut: [{ say: "Is it a cluster?", run: "{cli} info server | grep redis_mode" }],
    fix: ["Use the cluster client.", "redis-cli follows with -c."],
    prevent: ["Let development and production use the same mode."],
    examples: ["MOVED 3999 127.0.0.1:6381"],
  },
  ASK: {
    means:
      "The slot is being migrated; the node named the new owner and executed nothing. A cluster client follows by itself.",
    findOut: [{ say: "Is the migration stuck?", run: "{within}redis-cli --cluster check {address}{cliOptions}" }],
    fix: [
      "Use the cluster client.",
      { say: "A migration that was interrupted", run: "redis-cli --cluster fix {address}{cliOptions}" },
    ],
    prevent: ["Reshard at quiet times."],
    examples: ["ASK 3999 127.0.0.1:6381"],
  },
  TRY_AGAIN: {
    means: "Nothing was executed. The same command works when the slot has moved.",
    findOut: [{ say: "Is the migration stuck?", run: "{within}redis-cli --cluster check {address}{cliOptions}" }],
    fix: [{ say: "A migration that was interrupted", run: "redis-cli --cluster fix {address}{cliOptions}" }],
    prevent: ["Reshard at quiet times."],
    examples: ["TRYAGAIN Multiple keys request during rehashing of slot"],
  },
  CROSS_SLOT: {
    means: "A command, transaction or script may only touch keys of one slot. Nothing was executed.",
    findOut: ["Compute the slots of the keys the command names."],
    fix: ["Use hash tags, or split the command by slot."],
    prevent: ["Test against a cluster if production is one."],
    examples: [
      "CROSSSLOT Keys in request don't hash to the same slot",
      "All keys in the pipeline should belong to the same slots allocation group",
    ],
  },
  SENTINELS_UNREACHABLE: {
    means: "Without Sentinel this client does not know where the master is. The command was not sent.",
    findOut: [{ say: "Does the port answer?", run: "{sentinelCli} ping" }],
    fix: [
      "Correct the list of Sentinels (port 26379) and the name.",
      "Set sentinelPassword, and enableTLSForSentinelMode where needed.",
    ],
    prevent: ["Three Sentinels in three zones; list all of them."],
    examples: [
      "All sentinels are unreachable. Retrying from scratch after 10ms. Last error: connect ECONNREFUSED 127.0.0.1:26379",
      "All sentinels are unreachable and retry is disabled.",
    ],
  },
  SENTINEL_ACCESS: {
    means:
      "The Sentinels answer, and refuse the question for want of a login. Their password is another one than the server's. Nothing was sent to the server.",
    findOut: [{ say: "Does the Sentinel want a password?", run: "{sentinelCli} ping" }],
    fix: [
      "Set sentinelPassword, and sentinelUsername for a user of its own.",
      "Give the user the right to run SENTINEL.",
    ],
    prevent: ["Keep the password of the Sentinels beside that of the server, wherever that is kept."],
    examples: [
      "The Sentinels do not let this client ask for the master. 10.0.0.1:26379 answered: NOAUTH Authentication required.",
    ],
  },
  SENTINEL_NAME_UNKNOWN: {
    means: "The Sentinels answer, and watch no master of this name. Nothing was sent to a server.",
    findOut: [{ say: "Which names do they know?", run: "{sentinelCli} sentinel masters" }],
    fix: ["Correct the `name` option.", "Use the Sentinels of this environment."],
    prevent: ["Keep name and addresses of the Sentinels together."],
    examples: [
      "ERR No such master with that name",
      "The Sentinels know no master named mymastre. They know: mymaster.",
    ],
  },
  SENTINEL_NO_REPLICA: {
    means: "This client reads from replicas, and the Sentinels list none that is up. The command was not sent.",
    findOut: [
      { say: "What do the Sentinels say of the replicas?", run: "{sentinelCli} sentinel replicas {sentinelName}" },
    ],
    fix: ["Start the replicas, or connect them to the master.", "Read from the master meanwhile."],
    prevent: ["Two replicas at least, where clients depend on one."],
    examples: ["No replica of mymaster is up, as the Sentinels say."],
  },
  SENTINEL_WRONG_ROLE: {
    means:
      "The node was asked for its role before it was used, and has another one than the Sentinels say. The connection was left; no command was sent.",
    findOut: [{ say: "What does the node say?", run: "{cli} role" }],
    fix: [
      "In a failover it passes within seconds.",
      "A Sentinel that stays behind: see whether it reaches the others.",
    ],
    prevent: ["Three Sentinels, and all of them in the options: the one that knows most is believed."],
    examples: ["Sentinel names 10.0.0.7:6379 as a master, and it is a replica."],
  },
} as const satisfies Readonly<Record<string, Page>>;
