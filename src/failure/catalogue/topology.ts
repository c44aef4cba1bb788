/** Cluster and Sentinel: who serves which key, and who is the master. */
import type { Entry } from "./entry.js";

const BASE = {
  area: "topology",
  severity: "error",
  retryable: true,
  breaker: "read-write",
  applied: "refused",
} as const;

export const TOPOLOGY: readonly Entry[] = [
  {
    ...BASE,
    code: "CLUSTER_DOWN",
    name: "cluster down",
    title: "The cluster at {target} does not serve this key now.",
    means:
      "The node knows that some slots have no master, or that it is cut off from the majority. The command was refused before execution.",
    why: [
      "A master failed and has no replica to take over, or the election is still running.",
      "Slots were never assigned (a new, empty cluster).",
      "The node is on the smaller side of a network partition.",
    ],
    next: [
      { say: "See the state and the missing slots", run: "{cli} cluster info" },
      { say: "See the nodes", run: "{cli} cluster nodes" },
      { say: "Check the whole", run: "redis-cli --cluster check {address}{cliOptions}", when: "tcp" },
    ],
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
  {
    ...BASE,
    applied: "never",
    code: "CLUSTER_UNREACHABLE",
    name: "no cluster node answers",
    title: "No node of the cluster would answer this client.",
    means: "None of the known nodes gave the slot table, or each sent the client on to another one.",
    why: [
      "All startup nodes are down or unreachable from here.",
      "The nodes announce addresses that this machine cannot reach (Docker, NAT, VPC).",
      "The password or the TLS settings are missing: for Cluster they belong into `redisOptions`.",
    ],
    next: [
      { say: "See whether one node answers", run: "{cli} cluster info" },
      { say: "See which addresses the nodes announce, and try one of them", run: "{cli} cluster nodes" },
      "Put password and tls into `redisOptions`, and for ElastiCache with TLS set dnsLookup: (name, done) => done(null, name).",
    ],
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
    unlogged: "The Cluster class is ioredis's own, and logs nothing.",
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    breaker: "none",
    code: "CLUSTER_DISABLED",
    name: "not a cluster",
    title: "{target} is not a cluster node.",
    means: "This client was made for Redis Cluster and the server runs without it. The command was refused.",
    why: ["A Cluster client is used for a standalone server.", "The URL is of another environment."],
    next: ["Use createRedis for this server.", { say: "See the mode", run: "{cli} info server | grep redis_mode" }],
    findOut: [{ say: "Is it switched off?", run: "{cli} config get cluster-enabled" }],
    fix: ["Use the class that fits the server, or a server that runs as a cluster."],
    prevent: ["Let development and production use the same mode."],
    examples: ["ERR This instance has cluster support disabled"],
  },
  {
    ...BASE,
    severity: "warn",
    retryable: false,
    breaker: "none",
    code: "MOVED",
    name: "key is on another node",
    title: "The key belongs to another node of the cluster.",
    means: "The node named the right one and executed nothing. A cluster client follows by itself; a plain one cannot.",
    why: [
      { say: "This is a plain client and the server is a cluster: use `new Cluster([…])`.", when: "standalone" },
      { say: "Slots are moving, or the client's slot table is old.", when: "cluster" },
      {
        say: "Cluster mode is on for this ElastiCache group: use `new Cluster([…])` with the configuration endpoint.",
        when: "elasticache",
      },
    ],
    next: [
      { say: "Use `new Cluster([…])` with this address as startup node", when: "standalone" },
      { say: "See the nodes", run: "{cli} cluster nodes" },
    ],
    findOut: [{ say: "Is it a cluster?", run: "{cli} info server | grep redis_mode" }],
    fix: ["Use the cluster client.", "redis-cli follows with -c."],
    prevent: ["Let development and production use the same mode."],
    examples: ["MOVED 3999 127.0.0.1:6381"],
  },
  {
    ...BASE,
    severity: "warn",
    retryable: false,
    breaker: "none",
    code: "ASK",
    name: "key is being moved",
    title: "The key is on its way to another node of the cluster.",
    means:
      "The slot is being migrated; the node named the new owner and executed nothing. A cluster client follows by itself.",
    why: [
      { say: "This is a plain client and the server is a cluster: use `new Cluster([…])`.", when: "standalone" },
      "Resharding is under way.",
    ],
    next: [
      { say: "Use `new Cluster([…])` with this address as startup node", when: "standalone" },
      { say: "See the migrating slots", run: "{cli} cluster nodes" },
    ],
    findOut: [{ say: "Is the migration stuck?", run: "redis-cli --cluster check {address}{cliOptions}" }],
    fix: [
      "Use the cluster client.",
      { say: "A migration that was interrupted", run: "redis-cli --cluster fix {address}{cliOptions}" },
    ],
    prevent: ["Reshard at quiet times."],
    examples: ["ASK 3999 127.0.0.1:6381"],
  },
  {
    ...BASE,
    severity: "warn",
    breaker: "none",
    code: "TRY_AGAIN",
    name: "keys split by resharding",
    title: "The command's keys are split between two nodes while their slot moves.",
    means: "Nothing was executed. The same command works when the slot has moved.",
    why: ["Resharding is under way."],
    next: [
      "Try again in a moment: this client does so by itself within the deadline.",
      { say: "See the migrating slots", run: "{cli} cluster nodes" },
    ],
    findOut: [{ say: "Is the migration stuck?", run: "redis-cli --cluster check {address}{cliOptions}" }],
    fix: [{ say: "A migration that was interrupted", run: "redis-cli --cluster fix {address}{cliOptions}" }],
    prevent: ["Reshard at quiet times."],
    examples: ["TRYAGAIN Multiple keys request during rehashing of slot"],
  },
  {
    ...BASE,
    severity: "info",
    retryable: false,
    breaker: "none",
    code: "CROSS_SLOT",
    name: "keys in different slots",
    title: "The command's keys belong to different slots of the cluster.",
    means: "A command, transaction or script may only touch keys of one slot. Nothing was executed.",
    why: ["The keys share no hash tag.", "The code was written for a single server."],
    next: [
      "Give keys that belong together a common tag: user:{42}:name and user:{42}:cart.",
      { say: "See a key's slot", run: "{cli} cluster keyslot KEY" },
    ],
    findOut: ["Compute the slots of the keys the command names."],
    fix: ["Use hash tags, or split the command by slot."],
    prevent: ["Test against a cluster if production is one."],
    examples: [
      "CROSSSLOT Keys in request don't hash to the same slot",
      "All keys in the pipeline should belong to the same slots allocation group",
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "SENTINELS_UNREACHABLE",
    name: "no Sentinel answers",
    title: "No Sentinel could name the master.",
    means: "Without Sentinel this client does not know where the master is. The command was not sent.",
    why: [
      "All Sentinels are down or unreachable from here.",
      "The master's name is wrong (the `name` option).",
      "Sentinel wants a password (`sentinelPassword`) or TLS (`enableTLSForSentinelMode`).",
    ],
    next: [
      { say: "Ask a Sentinel who the master is", run: "{sentinelCli} sentinel get-master-addr-by-name {sentinelName}" },
      { say: "See which masters it knows", run: "{sentinelCli} sentinel masters" },
    ],
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
];
