/** Cluster and Sentinel: who serves which key, and who is the master. */
import type { Entry } from "./entry.js";

const BASE = {
  area: "topology",
  severity: "error",
  retryable: true,
  breaker: "read-write",
  applied: "refused",
} as const;

/** Cluster, Sentinel and replication. */
export const TOPOLOGY: readonly Entry[] = [
  {
    ...BASE,
    code: "CLUSTER_DOWN",
    name: "cluster down",
    title: "The cluster at {target} does not serve this key now.",
    why: [
      "A master failed and has no replica to take over, or the election is still running.",
      "Slots were never assigned (a new, empty cluster).",
      "The node is on the smaller side of a network partition.",
    ],
    next: [
      {
        say: "See the state and the missing slots (healthy: cluster_state:ok and 16384 slots ok)",
        run: "{cli} cluster info",
      },
      {
        say: "See the nodes (healthy: connected; the fault: fail, noaddr, or an address that cannot be reached from here; [slot->- is a migration)",
        run: "{cli} cluster nodes",
      },
      {
        say: "Check the whole (healthy: All 16384 slots covered; ERR lines name what is missing)",
        run: "{within}redis-cli --cluster check {address}{cliOptions}",
        when: "tcp",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "CLUSTER_UNREACHABLE",
    name: "no cluster node answers",
    title: "No node of the cluster answered this client.",
    why: [
      "All startup nodes are down or unreachable from here.",
      "The nodes announce addresses that this machine cannot reach (Docker, NAT, VPC).",
      "The password or the TLS settings are missing: for Cluster they belong in `redisOptions`.",
    ],
    next: [
      { say: "See whether one node answers (healthy: cluster_state:ok and 16384 slots ok)", run: "{cli} cluster info" },
      {
        say: "See which addresses the nodes announce, and try one of them (healthy: connected; the fault: fail, noaddr, or an address that cannot be reached from here; [slot->- is a migration)",
        run: "{cli} cluster nodes",
      },
      "Put password and tls into `redisOptions`, and for ElastiCache with TLS set dnsLookup: (name, done) => done(null, name).",
    ],
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    breaker: "none",
    code: "CLUSTER_DISABLED",
    name: "not a cluster",
    title: "{target} is not a cluster node.",
    why: ["A Cluster client is used for a standalone server.", "The URL is of another environment."],
    next: [
      "Use createRedis for this server.",
      {
        say: "See the mode (standalone: use a plain client; cluster: use Cluster)",
        run: "{cli} info server | grep redis_mode",
      },
    ],
  },
  {
    ...BASE,
    severity: "warn",
    retryable: false,
    breaker: "none",
    code: "MOVED",
    name: "key is on another node",
    title: "The key belongs to another node of the cluster.",
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
      {
        say: "See the nodes (healthy: connected; the fault: fail, noaddr, or an address that cannot be reached from here; [slot->- is a migration)",
        run: "{cli} cluster nodes",
      },
    ],
  },
  {
    ...BASE,
    severity: "warn",
    retryable: false,
    breaker: "none",
    code: "ASK",
    name: "key is being moved",
    title: "The key is on its way to another node of the cluster.",
    why: [
      { say: "This is a plain client and the server is a cluster: use `new Cluster([…])`.", when: "standalone" },
      "Resharding is under way.",
    ],
    next: [
      { say: "Use `new Cluster([…])` with this address as startup node", when: "standalone" },
      {
        say: "See the migrating slots (healthy: connected; the fault: fail, noaddr, or an address that cannot be reached from here; [slot->- is a migration)",
        run: "{cli} cluster nodes",
      },
    ],
  },
  {
    ...BASE,
    severity: "warn",
    breaker: "none",
    code: "TRY_AGAIN",
    name: "keys split by resharding",
    title: "The command's keys are split between two nodes while their slot moves.",
    why: ["Resharding is under way."],
    next: [
      "Try again in a moment: this client does so by itself within the deadline.",
      {
        say: "See the migrating slots (healthy: connected; the fault: fail, noaddr, or an address that cannot be reached from here; [slot->- is a migration)",
        run: "{cli} cluster nodes",
      },
    ],
  },
  {
    ...BASE,
    severity: "info",
    retryable: false,
    breaker: "none",
    code: "CROSS_SLOT",
    name: "keys in different slots",
    title: "The command's keys belong to different slots of the cluster.",
    why: ["The keys share no hash tag.", "The code was written for a single server."],
    next: [
      "Give keys that belong together a common tag: user:{42}:name and user:{42}:cart.",
      {
        say: "See a key's slot (healthy: the same number for all keys of the command)",
        run: "{cli} cluster keyslot KEY",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "SENTINELS_UNREACHABLE",
    name: "no Sentinel answers",
    title: "No Sentinel could name the master.",
    why: [
      "All Sentinels are down or unreachable from here.",
      "The port is not a Sentinel's (26379 by default).",
      "The Sentinels speak TLS and this client does not, or the other way round (`sentinelTLS`).",
    ],
    next: [
      {
        say: "Ask a Sentinel who the master is (healthy: the address that this client uses; nil: no such master)",
        run: "{sentinelCli} sentinel get-master-addr-by-name {sentinelName}",
      },
      {
        say: "See which masters it knows (healthy: the name that this client asks for)",
        run: "{sentinelCli} sentinel masters",
      },
    ],
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    breaker: "none",
    code: "SENTINEL_ACCESS",
    name: "the Sentinels want a login",
    title: "The Sentinels do not answer this client's question.",
    why: [
      "The Sentinels want a password of their own: `sentinelPassword`, not `password`.",
      "`sentinelPassword` or `sentinelUsername` is wrong.",
      "The user at the Sentinels may not run SENTINEL.",
    ],
    next: [
      {
        say: "Log in to the Sentinel by hand (healthy: an address; WRONGPASS: the password is wrong; NOAUTH: it wants one)",
        run: "{sentinelLogin} sentinel get-master-addr-by-name {sentinelName}",
      },
      "Set `sentinelPassword` (and `sentinelUsername` for a user that is not `default`), or REDIS_SENTINEL_PASSWORD.",
    ],
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    breaker: "none",
    applied: "never",
    code: "SENTINEL_NAME_UNKNOWN",
    name: "the Sentinels know no such master",
    title: "The Sentinels watch no master named {sentinelName}.",
    why: ["The `name` option is wrong.", "These are the Sentinels of another set or environment."],
    next: [
      {
        say: "See which masters they watch (healthy: the name that this client asks for)",
        run: "{sentinelCli} sentinel masters",
      },
      "Correct the `name` option, or REDIS_SENTINEL_NAME.",
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "SENTINEL_NO_REPLICA",
    name: "no replica is up",
    title: "The Sentinels list no replica that could be used, and this client wants one.",
    why: ["All replicas are down, or cut off from the Sentinels.", "The master has no replica."],
    next: [
      {
        say: "See the replicas and their flags (healthy: slave alone; the fault: s_down, o_down or disconnected)",
        run: "{sentinelCli} sentinel replicas {sentinelName}",
      },
      'Read from the master meanwhile: a client without `role: "slave"`.',
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "SENTINEL_WRONG_ROLE",
    name: "Sentinel names a node of another role",
    title: "The node that the Sentinels name does not have the role that they say it has.",
    why: [
      "A failover is under way: the node is about to change its role.",
      "The Sentinel that answers was cut off from the others and does not know the present master.",
    ],
    next: [
      {
        say: "Ask the node itself (healthy: master, where a master is wanted)",
        run: "{cli} role",
      },
      {
        say: "See what the Sentinel believes (healthy: flags: master; epochs of the Sentinels should be the same)",
        run: "{sentinelCli} sentinel master {sentinelName}",
      },
    ],
  },
];
