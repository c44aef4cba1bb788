/**
 * Is this the kind of server the client was made for: a master, a cluster where a cluster is expected, and cluster nodes
 * that can be reached under the addresses they announce?
 */
import { parseInfo } from "../../command/info.js";
import type { Check, Context } from "../check.js";
import { doctorFor } from "../commands.js";
import { failed, ok, type Draft } from "../finding.js";
import { addressOf } from "../target.js";
import { dial } from "../wire/dial.js";
import type { Reply } from "../wire/resp.js";
import { textOf, type RespClient } from "../wire/resp-client.js";

/** Whether it is the kind of server the client expects. */
export const topologyCheck: Check = {
  id: "topology",
  title: "Topology",
  topic: "5 Topology",
  needs: ["session"],
  deadline: 3500,
  chain: true,
  run,
};

const NODE_LIMIT = 12;
const NODE_TIMEOUT = 800;

async function run(context: Context): Promise<readonly Draft[]> {
  const { seen, target } = context;
  const { client } = seen;
  if (client === undefined) return [];
  // HELLO has told the role; only a replica's ROLE tells more
  const known = seen.hello.get("role");
  const role = known === "master" ? null : await client.send("ROLE");
  seen.role = firstWord(role) ?? known;
  const findings: Draft[] = [];
  if (seen.role === "sentinel") findings.push(isSentinel(context));
  if (seen.role === "slave" || seen.role === "replica") findings.push(isReplica(context, role));
  const clustered = seen.hello.get("mode") === "cluster";
  if (clustered) findings.push(...(await asCluster(context, client)));
  else if (target.mode === "cluster") {
    findings.push(
      failed(context.classify("ERR This instance has cluster support disabled"), "HELLO says mode standalone", {
        meaning: "This client was made for Redis Cluster and the server runs without it: use createRedis.",
      }),
    );
  }
  if (findings.some((one) => one.status !== "ok")) return findings;
  const mode = seen.hello.get("mode") ?? "unknown";
  return [
    ...findings,
    ok(`role ${seen.role ?? "unknown"}, ${mode} mode`, `It is what a ${target.mode} client expects.`),
  ];
}

function firstWord(reply: Reply): string | undefined {
  return Array.isArray(reply) ? textOf((reply as readonly Reply[])[0] ?? null) : undefined;
}

function isSentinel(context: Context): Draft {
  const where = addressOf(context.seen.endpoint);
  return {
    status: "fail",
    code: "CONFIG_INVALID",
    evidence: "ROLE says sentinel",
    meaning: `${where} is a Sentinel, not a Redis server: it only tells where the master is.`,
    next: [{ say: `Pass it as sentinels: [{ host, port }] with the master's name` }],
  };
}

function isReplica(context: Context, role: Reply): Draft {
  const [, host, port, link] = Array.isArray(role) ? (role as readonly Reply[]) : [];
  const endpoint = typeof host === "string" && typeof port === "number" ? { host, port } : undefined;
  const master = endpoint === undefined ? undefined : addressOf(endpoint);
  const evidence = `role replica of ${master ?? "an unknown master"}, link ${typeof link === "string" ? link : "unknown"}`;
  if (context.options.replica) return ok(evidence, "A replica, as expected: it serves reads.");
  if (context.target.mode === "cluster") return ok(evidence, "A cluster client sends writes to the master by itself.");
  const diagnosis = context.classify("READONLY You can't write against a read only replica.");
  if (context.target.mode === "sentinel") {
    return failed(diagnosis, evidence, {
      code: "SENTINEL_WRONG_ROLE",
      meaning: `The Sentinels name ${addressOf(context.seen.endpoint)} as master, and it is a replica of ${master ?? "an unknown master"}: a failover is under way, or the Sentinel that was believed does not know of it.`,
      next: [
        { say: "Look again in a moment (healthy: the failover is over)", run: "npx --no ioredoubt doctor" },
        { say: 'If reads are all you want here, set role: "slave" in the client' },
      ],
    });
  }
  return failed(diagnosis, evidence, {
    meaning: `${diagnosis.title} Its master is ${master ?? "unknown"}: there was a failover, or the client points at a replica.`,
    next: [
      ...(endpoint === undefined
        ? []
        : [{ say: "Look at its master (healthy: connect to that one)", run: doctorFor(context, endpoint) }]),
      {
        say: "If reads are all you want here, say so (its verdict is healthy then)",
        run: `${doctorFor(context, context.seen.endpoint ?? { host: "HOST", port: 6379 })} --replica`,
      },
      ...diagnosis.next,
    ],
  });
}

async function asCluster(context: Context, client: RespClient): Promise<Draft[]> {
  const { target } = context;
  const findings: Draft[] = [];
  const [told, nodes] = await Promise.all([
    client.send("CLUSTER", "INFO"),
    target.mode === "cluster" ? client.send("CLUSTER", "NODES") : null,
  ]);
  const info = parseInfo(textOf(told) ?? "");
  const slots = info.get("cluster_slots_assigned") ?? "?";
  const state = info.get("cluster_state");
  const evidence = `cluster_state ${state ?? "unknown"}, ${slots} of 16384 slots assigned, ${info.get("cluster_known_nodes") ?? "?"} nodes`;
  if (target.mode !== "cluster") {
    findings.push(
      failed(context.classify("MOVED 0 elsewhere:6379"), `HELLO says mode cluster; ${evidence}`, {
        meaning:
          "The server is a node of a Redis Cluster and this client is a plain one: keys of other nodes answer MOVED. Use `new Cluster([…])`.",
      }),
    );
  }
  if (state === "fail") {
    const diagnosis = context.classify("CLUSTERDOWN The cluster is down");
    findings.push(
      failed(diagnosis, evidence, {
        meaning:
          slots === "16384"
            ? "The cluster is down: a master is lost or cut off."
            : `The cluster is down: only ${slots} of 16384 slots have an owner.`,
      }),
    );
  }
  if (target.mode === "cluster") findings.push(...(await announced(context, textOf(nodes) ?? "")));
  return findings.length > 0 ? findings : [ok(evidence, "The cluster is complete.")];
}

/** Addresses behind NAT or in another container network are the usual fault of a cluster that answers on one node only. */
async function announced(context: Context, text: string): Promise<Draft[]> {
  const nodes = text.split("\n").flatMap((line) => {
    const [, address, flags = ""] = line.split(" ");
    const match = /^(.*):(\d+)(?:@|$)/.exec(address ?? "");
    return match === null || /myself|noaddr|handshake/.test(flags)
      ? []
      : [{ host: match[1] ?? "", port: Number(match[2]), flags }];
  });
  const tried = await Promise.all(
    nodes.slice(0, NODE_LIMIT).map(async ({ host, port, flags }) => {
      const { socket, error } = await dial({ address: host, port }, NODE_TIMEOUT);
      socket?.on("error", () => undefined);
      socket?.destroy();
      return { host, port, error: error?.code, down: flags.includes("fail") };
    }),
  );
  const lost = tried.filter((one) => one.error !== undefined);
  if (lost.length === 0) return [];
  // Nodes that the cluster itself knows to be down say nothing about their addresses
  const hidden = lost.length === tried.length && lost.every((one) => !one.down);
  return [
    {
      status: hidden ? "fail" : "warn",
      code: "CLUSTER_UNREACHABLE",
      evidence: lost
        .map((one) => `${addressOf(one)} ${one.error ?? ""}${one.down ? " (down for the cluster too)" : ""}`)
        .join(", "),
      meaning: `${String(lost.length)} of ${String(tried.length)} other nodes cannot be reached under the addresses they announce.`,
      next: [
        { say: "Announced behind NAT? Set cluster-announce-ip on the nodes, or natMap in the client" },
        ...lost
          .slice(0, 1)
          .map((one) => ({ say: "Look at one of them (its verdict says why)", run: doctorFor(context, one) })),
      ],
    },
  ];
}
