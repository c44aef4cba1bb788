/** What the doctor concludes from what the nodes of a cluster say of each other. */
import { expect, it } from "vitest";
import type { Context } from "../../src/doctor/check.js";
import { judgeCluster, type Asked } from "../../src/doctor/cluster/judge.js";
import { coveredBy, differences, readView, type View } from "../../src/doctor/cluster/view.js";
import { classify } from "../../src/failure/classify.js";

const context = {
  target: { tls: undefined, password: undefined },
  classify: (error: unknown) => classify(error),
} as unknown as Context;

/** Two masters, the first with a replica. */
const NODES = [
  "aaa 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8191 [93->-bbb]",
  "bbb 10.0.0.2:7000@17000,b.internal master - 0 0 2 connected 8192-16382 16383",
  "ccc 10.0.0.3:7000@17000 slave aaa 0 0 1 connected",
  "ddd :0@0 master,noaddr - 0 0 0 disconnected",
];

function viewOf(edit: (line: string) => string = (line) => line, epoch = 2): View {
  const info = `cluster_state:ok\r\ncluster_current_epoch:${String(epoch)}\r\n`;
  return readView({ host: "10.0.0.1", port: 7000 }, `${NODES.map(edit).join("\n")}\n`, info);
}

/** The findings where the first node sees it so, and the others so. */
function judged(first: View, others: View = first, silent?: string) {
  const asked = first.lines.map((line): Asked => {
    const place = { host: line.host, port: line.port };
    const trouble = line.id === silent ? "ETIMEDOUT" : undefined;
    return { line, place, view: { ...(line.isMyself ? first : others), node: place, trouble } };
  });
  return judgeCluster(context, first, asked);
}

it("reads a node's view, without what has no address and what is on its way", () => {
  const view = viewOf();
  expect(view.lines.map(({ id }) => id)).toEqual(["aaa", "bbb", "ccc"]);
  expect([coveredBy(view), view.epoch, view.state]).toEqual([16_384, 2, "ok"]);
  expect(
    differences(
      view,
      viewOf((line) => line.replace("0-8191", "0-8000")),
    ),
  ).toBe(191);
});

it("finds nothing wrong where all agree, but a master that alone has no replica", () => {
  expect(judged(viewOf()).map(({ status }) => status)).toEqual(["ok", "ok", "warn", "ok"]);
  const [whole, ...nodes] = judged(viewOf((line) => (line.startsWith("ccc") ? "" : line)));
  expect(whole?.meaning).toContain("None has a replica");
  expect(nodes.map(({ status }) => status)).toEqual(["ok", "ok"]);
});

it.each([
  ["slots without an owner", judged(viewOf((line) => line.replace(" 16383", ""))), "fail", /^1 slots have no owner/],
  [
    "another view, which is the newer one",
    judged(
      viewOf(),
      viewOf((line) => line.replace("8191 [", "8000 [").replace("8192-", "8001-"), 3),
    ),
    "warn",
    /1 node of 3 tells other owners/,
  ],
])("says of the cluster: %s", (_name, findings, status, meaning) => {
  expect(findings[0]).toMatchObject({ status });
  expect(findings[0]?.meaning).toMatch(meaning);
});

it.each([
  ["no answer, and the others reach it", judged(viewOf(), viewOf(), "bbb"), /ETIMEDOUT.*the other nodes reach it/],
  [
    "no answer, and others take it for down",
    judged(
      viewOf((line) => line.replace("internal master", "internal master,fail?")),
      viewOf(),
      "bbb",
    ),
    /is down for 1 of 2 other nodes/,
  ],
  [
    "an answer, and others take it for down",
    judged(viewOf((line) => line.replace("internal master", "internal master,fail"))),
    /they cannot reach its bus port, which is 17000/,
  ],
  [
    "no link to another",
    judged(
      viewOf(),
      viewOf((line) => line.replace("slave aaa 0 0 1 connected", "slave aaa 0 0 1 disconnected")),
    ),
    /no link to 10\.0\.0\.3:7000 on the bus/,
  ],
])("says of a node: %s", (_name, findings, meaning) => {
  expect(findings[2]).toMatchObject({ status: "warn" });
  expect(findings[2]?.meaning).toMatch(meaning);
});
