/** State of the server: the long texts of the pages. */
import type { Page } from "../page.js";

/** The state of the server. */
export const SERVER = {
  LOADING: {
    means: "The server was started a moment ago. It refused the command before executing it.",
    findOut: [{ say: "Why was it restarted?", run: "journalctl -u redis-server --since -30min --no-pager" }],
    fix: [
      "Nothing, if the restart was intended.",
      "Restarted by itself? Look for the out-of-memory killer and at liveness probes that are shorter than loading takes.",
    ],
    prevent: [
      "Keep a replica to fail over to.",
      "Give the Kubernetes liveness probe a startupProbe that waits for loading.",
    ],
    examples: ["LOADING Redis is loading the dataset in memory"],
  },
  BUSY_SCRIPT: {
    means:
      "A Lua script or function has run longer than `busy-reply-threshold` (5 s). The command was refused before execution.",
    findOut: [
      "SCRIPT KILL answers UNKILLABLE if the script has written: then only SHUTDOWN NOSAVE ends it, and unsaved data is lost.",
    ],
    fix: ["Let scripts work in pages: a few hundred elements per call, with a cursor."],
    prevent: ["Test scripts with production-sized data.", "Watch SLOWLOG for EVALSHA and FCALL."],
    examples: ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."],
  },
  READ_ONLY_REPLICA: {
    means: "The write was refused before it was executed. Reads work.",
    findOut: [{ say: "Since when is it a replica?", run: "{cli} info replication" }],
    fix: [
      "Reconnect, so that the name is looked up again (this client does).",
      "Point it at the primary endpoint, or use Sentinel or Cluster, which follow the master.",
    ],
    prevent: ["Never configure the address of a single node of a replicated set.", "Rehearse a failover."],
    examples: ["READONLY You can't write against a read only replica."],
  },
  MASTER_DOWN: {
    means:
      "`replica-serve-stale-data no` is set, and the link to the master is down. The command was refused before execution.",
    findOut: [{ say: "Does the master answer?", run: "redis-cli -h MASTER_HOST -p MASTER_PORT ping" }],
    fix: [
      "Bring the master back, or promote this replica.",
      "Reads of old data are better than none? `replica-serve-stale-data yes`.",
    ],
    prevent: ["Sentinel or Cluster for automatic failover."],
    examples: ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
  },
  OUT_OF_MEMORY: {
    means: "The write was refused before it was executed. Reads and deletes work.",
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
  PERSISTENCE_FAILED: {
    means:
      "The last snapshot or append-only write failed, and `stop-writes-on-bgsave-error` protects you from losing more. The write was not executed; reads work.",
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
  NOT_ENOUGH_REPLICAS: {
    means: "`min-replicas-to-write` is set and not met. The write was refused before execution; reads work.",
    findOut: [{ say: "On a replica: is the link up?", run: "redis-cli info replication | grep master_link_status" }],
    fix: ["Bring the replicas back.", "Lower the demand only if you accept losing writes at a failover."],
    prevent: ["One replica more than min-replicas-to-write."],
    examples: ["NOREPLICAS Not enough good replicas to write."],
  },
  UNBLOCKED: {
    means:
      "A command such as BLPOP was waiting; the server became a replica, or somebody ran CLIENT UNBLOCK. Nothing was taken from the list.",
    findOut: [{ say: "Since when?", run: "{cli} info replication" }],
    fix: ["Nothing: repeat it after reconnecting."],
    prevent: ["Worker loops must survive this reply."],
    examples: [
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      "UNBLOCKED client unblocked via CLIENT UNBLOCK",
    ],
  },
} as const satisfies Readonly<Record<string, Page>>;
