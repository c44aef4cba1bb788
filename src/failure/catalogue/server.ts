/** States of the server in which it refuses all commands, or only writes. */
import type { Entry } from "./entry.js";

const ALL = { area: "server", severity: "error", retryable: true, breaker: "read-write", applied: "refused" } as const;
const WRITES = { area: "server", severity: "error", retryable: false, breaker: "write", applied: "refused" } as const;

export const SERVER: readonly Entry[] = [
  {
    ...ALL,
    severity: "warn",
    code: "LOADING",
    name: "loading its data",
    title: "{target} is loading its data into memory and takes no commands yet.",
    means: "The server was started a moment ago. It refused the command before executing it.",
    why: [
      "It was restarted, or is a replica after a full synchronisation.",
      "The data set is large, or the disk slow.",
    ],
    next: [
      { say: "See how long it will take", run: "{cli} info persistence | grep loading" },
      "Wait: this client does so by itself within the deadline.",
    ],
    findOut: [{ say: "Why was it restarted?", run: "journalctl -u redis-server --since -30min --no-pager" }],
    fix: [
      "Nothing, if the restart was wanted.",
      "Restarted by itself? Look for the out-of-memory killer and at liveness probes that are shorter than loading takes.",
    ],
    prevent: [
      "Keep a replica to fail over to.",
      "Give the Kubernetes liveness probe a startupProbe that waits for loading.",
    ],
    examples: ["LOADING Redis is loading the dataset in memory"],
  },
  {
    ...ALL,
    code: "BUSY_SCRIPT",
    name: "busy with a script",
    title: "{target} is busy running a script and answers nothing else.",
    means:
      "A Lua script or function has run longer than `busy-reply-threshold` (5 s). The command was refused before execution.",
    why: ["A script loops, or works through too much data.", "A script uses KEYS or iterates a huge collection."],
    next: [
      { say: "Stop it, if it has not written yet", run: "{cli} script kill" },
      { say: "The same for a function", run: "{cli} function kill" },
      { say: "See which commands take long", run: "{cli} slowlog get 5" },
    ],
    findOut: [
      "SCRIPT KILL answers UNKILLABLE if the script has written: then only SHUTDOWN NOSAVE ends it, and unsaved data is lost.",
    ],
    fix: ["Let scripts work in pages: some hundred elements a call, with a cursor."],
    prevent: ["Test scripts with production-sized data.", "Watch SLOWLOG for EVALSHA and FCALL."],
    examples: ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."],
  },
  {
    ...WRITES,
    retryable: true,
    code: "READ_ONLY_REPLICA",
    name: "read-only replica",
    title: "{target} is a replica and takes no writes.",
    means: "The write was refused before it was executed. Reads work.",
    why: [
      "There was a failover: this server was the master and is a replica now.",
      "The client points at a replica or at the read-only endpoint.",
      {
        say: "The connection is still with the old node: use the primary endpoint, not a node's address.",
        when: "elasticache",
      },
    ],
    next: [
      { say: "See what it is, and who its master is", run: "{cli} role" },
      {
        say: "Ask Sentinel who the master is",
        run: "{sentinelCli} sentinel get-master-addr-by-name {sentinelName}",
        when: "sentinel",
      },
      { say: "See where the name leads now", run: "getent hosts {host}", when: "tcp" },
    ],
    findOut: [{ say: "Since when is it a replica?", run: "{cli} info replication" }],
    fix: [
      "Reconnect, so that the name is looked up again (this client does).",
      "Point it at the primary endpoint, or use Sentinel or Cluster, which follow the master.",
    ],
    prevent: ["Never configure the address of a single node of a replicated set.", "Rehearse a failover."],
    examples: ["READONLY You can't write against a read only replica."],
  },
  {
    ...ALL,
    code: "MASTER_DOWN",
    name: "replica without its master",
    title: "{target} is a replica that lost its master and does not serve stale data.",
    means:
      "`replica-serve-stale-data no` is set, and the link to the master is down. The command was refused before execution.",
    why: [
      "The master is down, or a failover is under way.",
      "The network between the two is cut.",
      "The replica's `masterauth` is wrong.",
    ],
    next: [
      { say: "See the link", run: "{cli} info replication | grep -E 'role|master_'" },
      {
        say: "See the replica's log",
        run: "journalctl -u redis-server -n 50 --no-pager",
        when: ["local", "systemd"],
      },
    ],
    findOut: [{ say: "Does the master answer?", run: "redis-cli -h MASTER_HOST -p MASTER_PORT ping" }],
    fix: [
      "Bring the master back, or promote this replica.",
      "Reads of old data are better than none? `replica-serve-stale-data yes`.",
    ],
    prevent: ["Sentinel or Cluster for automatic failover."],
    examples: ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
  },
  {
    ...WRITES,
    code: "OUT_OF_MEMORY",
    name: "out of memory",
    title: "{target} has used up `maxmemory` and refuses writes.",
    means: "The write was refused before it was executed. Reads and deletes work.",
    why: [
      "The data grew to the limit and `maxmemory-policy` is noeviction.",
      "Keys without expiry pile up (the volatile-* policies cannot evict those).",
      "Client output buffers or a replication backlog count as well.",
    ],
    next: [
      { say: "See use, limit and policy", run: "{cli} info memory | grep -E 'used_memory_human|maxmemory'" },
      { say: "See which keys are large", run: "{cli} --bigkeys -i 0.01" },
      { say: "See how many keys have an expiry", run: "{cli} info keyspace" },
    ],
    findOut: [
      { say: "The server's own opinion", run: "{cli} memory doctor" },
      { say: "Where does it go?", run: "{cli} memory stats" },
    ],
    fix: [
      "Delete what is not needed (UNLINK), or give keys an expiry.",
      { say: "A cache? Let it evict", run: "{cli} config set maxmemory-policy allkeys-lfu" },
      "Data, not cache? Give it more memory.",
    ],
    prevent: ["Alert at 80 % of maxmemory.", "Give every cache key an expiry."],
    examples: ["OOM command not allowed when used memory > 'maxmemory'."],
  },
  {
    ...WRITES,
    code: "PERSISTENCE_FAILED",
    name: "cannot write to disk",
    title: "{target} could not save its data to disk and refuses writes.",
    means:
      "The last snapshot or append-only write failed, and `stop-writes-on-bgsave-error` protects you from losing more. The write was not executed; reads work.",
    why: [
      "The disk is full.",
      "The directory is not writable for the user redis, or is gone.",
      "fork() failed for lack of memory (`vm.overcommit_memory` is 0).",
    ],
    next: [
      { say: "See what failed", run: "{cli} info persistence | grep -E 'status|error'" },
      { say: "See where it writes", run: "{cli} config get dir" },
      { say: "On the Redis machine: is there room?", run: "df -h /var/lib/redis", when: "own-server" },
      {
        say: "On the Redis machine: what does its log say?",
        run: "journalctl -u redis-server -n 50 --no-pager",
        when: "own-server",
      },
    ],
    findOut: [
      {
        say: "The reason is in the server's log",
        run: "journalctl -u redis-server -n 50 --no-pager | grep -iE 'save|fork|write'",
      },
      { say: "May it overcommit memory?", run: "sysctl vm.overcommit_memory" },
    ],
    fix: [
      "Make room or repair the directory; the next good save ends this state.",
      { say: "Save now", run: "{cli} bgsave" },
      { say: "fork fails", run: "sysctl -w vm.overcommit_memory=1" },
    ],
    prevent: ["Alert on rdb_last_bgsave_status and on disk space."],
    examples: [
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
      "MISCONF Errors writing to the AOF file: No space left on device",
    ],
  },
  {
    ...WRITES,
    code: "NOT_ENOUGH_REPLICAS",
    name: "too few replicas",
    title: "{target} has fewer good replicas than it needs to accept writes.",
    means: "`min-replicas-to-write` is set and not met. The write was refused before execution; reads work.",
    why: [
      "A replica is down, or lags more than `min-replicas-max-lag` seconds.",
      "This server is an old master, cut off from the rest.",
    ],
    next: [
      { say: "See the replicas and their lag", run: "{cli} info replication | grep -E 'role|slave'" },
      { say: "See what it demands", run: "{cli} config get 'min-replicas-*'" },
    ],
    findOut: [{ say: "On a replica: is the link up?", run: "redis-cli info replication | grep master_link_status" }],
    fix: ["Bring the replicas back.", "Lower the demand only if you accept losing writes at a failover."],
    prevent: ["One replica more than min-replicas-to-write."],
    examples: ["NOREPLICAS Not enough good replicas to write."],
  },
  {
    ...ALL,
    severity: "warn",
    code: "UNBLOCKED",
    name: "blocking command interrupted",
    title: "The server ended a blocking command before its time.",
    means:
      "A command such as BLPOP was waiting; the server became a replica, or somebody ran CLIENT UNBLOCK. Nothing was taken from the list.",
    why: ["There was a failover: the master became a replica.", "Somebody ran CLIENT UNBLOCK … ERROR."],
    next: [
      { say: "See what it is now", run: "{cli} role" },
      "Issue the blocking command again, on a connection to the new master.",
    ],
    findOut: [{ say: "Since when?", run: "{cli} info replication" }],
    fix: ["Nothing: repeat it after reconnecting."],
    prevent: ["Worker loops must survive this reply."],
    examples: [
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      "UNBLOCKED client unblocked via CLIENT UNBLOCK",
    ],
  },
];
