/** States of the server in which it refuses all commands, or only writes. */
import type { Entry } from "./entry.js";

const ALL = { area: "server", severity: "error", retryable: true, breaker: "read-write", applied: "refused" } as const;
const WRITES = { area: "server", severity: "error", retryable: false, breaker: "write", applied: "refused" } as const;

/** The state of the server. */
export const SERVER: readonly Entry[] = [
  {
    ...ALL,
    severity: "warn",
    code: "LOADING",
    name: "loading its data",
    title: "{target} is loading its data into memory and takes no commands yet.",
    why: [
      "It was restarted, or is a replica after a full synchronisation.",
      "The data set is large, or the disk slow.",
    ],
    next: [
      {
        say: "See how long it will take (loading:0 is done; else loading_eta_seconds says how long)",
        run: "{cli} info persistence | grep loading",
      },
      "Wait: this client does so by itself within the deadline.",
    ],
  },
  {
    ...ALL,
    code: "BUSY_SCRIPT",
    name: "busy with a script",
    title: "{target} is busy running a script and answers nothing else.",
    why: ["A script loops, or works through too much data.", "A script uses KEYS or iterates a huge collection."],
    next: [
      {
        say: "Stop it, if it has not written yet (OK: it was stopped; UNKILLABLE: it has written, wait for it; NOTBUSY: none runs)",
        run: "{cli} script kill",
      },
      {
        say: "The same for a function (OK: it was stopped; UNKILLABLE: it has written, wait for it; NOTBUSY: none runs)",
        run: "{cli} function kill",
      },
      {
        say: "See which commands take long (healthy: an empty list; the third number of an entry is its duration in microseconds; BUSY: ask again when the script has ended)",
        run: "{cli} slowlog get 5",
      },
    ],
  },
  {
    ...WRITES,
    retryable: true,
    code: "READ_ONLY_REPLICA",
    name: "read-only replica",
    title: "{target} is a replica and takes no writes.",
    why: [
      "There was a failover: this server was the master and is a replica now.",
      "The client points at a replica or at the read-only endpoint.",
      {
        say: "The connection is still with the old node: use the primary endpoint, not a node's address.",
        when: "elasticache",
      },
    ],
    next: [
      {
        say: "See what it is, and who its master is (healthy: master; slave: it is a replica, and the next lines name its master)",
        run: "{cli} role",
      },
      {
        say: "Ask Sentinel who the master is (healthy: the address that this client uses; nil: no such master)",
        run: "{sentinelCli} sentinel get-master-addr-by-name {sentinelName}",
        when: "sentinel",
      },
      {
        say: "See where the name leads now (healthy: an address; nothing: the name is not known here)",
        run: "getent hosts {host}",
        when: ["tcp", "named"],
      },
    ],
  },
  {
    ...ALL,
    code: "MASTER_DOWN",
    name: "replica without its master",
    title: "{target} is a replica that lost its master and does not serve stale data.",
    why: [
      "The master is down, or a failover is under way.",
      "The network between the two is cut.",
      "The replica's `masterauth` is wrong.",
    ],
    next: [
      {
        say: "See the link (healthy: master_link_status:up; down: the replica has lost its master)",
        run: "{cli} info replication | grep -E 'role|master_'",
      },
      {
        say: "See the replica's log (healthy: no error in the last lines)",
        run: "journalctl -u redis-server -n 50 --no-pager",
        when: ["local", "systemd"],
      },
    ],
  },
  {
    ...WRITES,
    code: "OUT_OF_MEMORY",
    name: "out of memory",
    title: "{target} has used up `maxmemory` and refuses writes.",
    why: [
      "The data grew to the limit and `maxmemory-policy` is noeviction.",
      "Keys without expiry pile up (the volatile-* policies cannot evict those).",
      "Client output buffers or a replication backlog count as well.",
    ],
    next: [
      {
        say: "See use, limit and policy (healthy: used below maxmemory; noeviction: writes fail when it is full)",
        run: "{cli} info memory | grep -E 'used_memory_human|maxmemory'",
      },
      {
        say: "See which keys are large (it ends by itself; the largest key of each type is in the summary)",
        run: "{cli} --bigkeys -i 0.01",
      },
      {
        say: "See how many keys have an expiry (healthy for a cache: expires close to keys; 0: nothing ever expires)",
        run: "{cli} info keyspace",
      },
    ],
  },
  {
    ...WRITES,
    code: "PERSISTENCE_FAILED",
    name: "cannot write to disk",
    title: "{target} could not save its data to disk and refuses writes.",
    why: [
      "The disk is full.",
      "The directory is not writable for the user redis, or is gone.",
      "fork() failed for lack of memory (`vm.overcommit_memory` is 0).",
    ],
    next: [
      {
        say: "See what failed (healthy: ok; err: the save failed)",
        run: "{cli} info persistence | grep -E 'status|error'",
      },
      {
        say: "See where it writes (healthy: a directory with room that Redis may write to; an empty line: its directory is gone)",
        run: "{cli} config get dir",
      },
      {
        say: "On the Redis machine: is there room (healthy: Use% below 90)?",
        run: "df -h /var/lib/redis",
        when: "own-server",
      },
      {
        say: "On the Redis machine: what does its log say (healthy: no error in the last lines)?",
        run: "journalctl -u redis-server -n 50 --no-pager",
        when: "own-server",
      },
    ],
  },
  {
    ...WRITES,
    code: "NOT_ENOUGH_REPLICAS",
    name: "too few replicas",
    title: "{target} has fewer good replicas than it needs to accept writes.",
    why: [
      "A replica is down, or lags more than `min-replicas-max-lag` seconds.",
      "This server is an old master, cut off from the rest.",
    ],
    next: [
      {
        say: "See the replicas and their lag (healthy: state=online with lag 0 or 1)",
        run: "{cli} info replication | grep -E 'role|slave'",
      },
      {
        say: "See how many it demands (healthy: min-replicas-to-write is no more than the replicas that are online)",
        run: "{cli} config get 'min-replicas-*'",
      },
    ],
  },
  {
    ...ALL,
    severity: "warn",
    code: "UNBLOCKED",
    name: "blocking command interrupted",
    title: "The server ended a blocking command before its time was up.",
    why: ["There was a failover: the master became a replica.", "Somebody ran CLIENT UNBLOCK … ERROR."],
    next: [
      {
        say: "See what it is now (healthy: master; slave: it is a replica, and the next lines name its master)",
        run: "{cli} role",
      },
      "Issue the blocking command again, on a connection to the new master.",
    ],
  },
];
