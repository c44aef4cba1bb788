/**
 * The nodes of a cluster: each is asked how it sees all of them, as the client would reach it. What one node says of a cluster in
 * trouble is only its own opinion.
 */
import { mapped } from "../../sentinel/replicas.js";
import type { Check, Context } from "../check.js";
import { askNode } from "../cluster/ask.js";
import { judgeCluster, type Asked } from "../cluster/judge.js";
import type { NodeLine } from "../cluster/view.js";
import { denied, skip, type Draft } from "../finding.js";
import type { Endpoint } from "../target.js";

/** What the nodes of a cluster say of each other. */
export const clusterCheck: Check = {
  id: "cluster",
  title: "Cluster nodes",
  topic: "5 Topology",
  needs: ["session"],
  after: ["topology"],
  deadline: 5000,
  run,
};

/** More are not asked: a run is to stay short, and the first tell enough. */
const NODE_LIMIT = 24;

async function run(context: Context): Promise<readonly Draft[]> {
  const { endpoint, hello } = context.seen;
  if (endpoint === undefined || hello.get("mode") !== "cluster") return [skip("the server is no node of a cluster")];
  const first = await askNode(context, endpoint);
  if (first.trouble !== undefined) {
    return [/^(?:NOPERM|NOAUTH)/.test(first.trouble) ? denied(first.trouble) : skip(first.trouble)];
  }
  const asked = await Promise.all(
    first.lines.map(async (line, at): Promise<Asked> => {
      if (line.isMyself) return { line, place: endpoint, view: first };
      const place = placeOf(context, line, endpoint);
      return { line, place, view: at < NODE_LIMIT ? await askNode(context, place) : undefined };
    }),
  );
  return judgeCluster(context, first, asked);
}

/** A host that is left out is that of the node that says so. */
function placeOf({ target }: Context, { host, port }: NodeLine, first: Endpoint): Endpoint {
  return mapped({ host: host === "" ? first.host : host, port }, target.natMap);
}
