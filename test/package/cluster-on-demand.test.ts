/** The Cluster of the built package: nobody who makes other clients loads it, and it is the class it says when it is used. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const OPTIONS = "{ lazyConnect: true, resilience: { logger: false } }";
const ENV = '{ REDIS_CLUSTER_NODES: "h:1", REDIS_LAZY_CONNECT: "on" }';

function run(type: "commonjs" | "module", source: string): unknown {
  return JSON.parse(
    execFileSync(process.execPath, [`--input-type=${type}`, "--eval", source], { encoding: "utf8" }),
  ) as unknown;
}

/** What is told of a class and its objects, as the source of an expression. */
const LOOK = `(() => {
  const before = loaded();
  class Mine extends Cluster {}
  const made = [new Cluster([1], ${OPTIONS}), createCluster([1], ${OPTIONS}), new Mine([1], ${OPTIONS}), new Redis.Cluster([1], ${OPTIONS}), createRedis.fromEnv(${ENV}, { cluster: true }), createCluster.fromEnv(${ENV})];
  return {
    before,
    after: loaded(),
    are: made.map((one) => one instanceof Cluster && one instanceof Redis.Cluster && one.isCluster),
    mine: made[2] instanceof Mine,
    name: Cluster.name,
    methods: typeof Cluster.prototype.withConnection,
  };
})()`;
const EXPECTED = {
  before: false,
  after: true,
  are: [true, true, true, true, true, true],
  mine: true,
  name: "Cluster",
  methods: "function",
};

describe("the Cluster of the package", () => {
  it("is loaded on demand by require", () => {
    const source = `const Redis = require(${JSON.stringify(`${DIST}/index.js`)});
      const loaded = () => Object.keys(require.cache).some((file) => file.endsWith("cluster.js") && file.includes("dist"));
      const early = loaded();
      const seen = (() => { const { Cluster, createCluster, createRedis } = Redis; return ${LOOK.replace("const before = loaded();", "const before = early;")}; })();
      console.log(JSON.stringify(seen));`;
    expect(run("commonjs", source)).toEqual(EXPECTED);
  });

  it("is loaded on demand by import", () => {
    const source = `import { createRequire } from "node:module";
      import Redis, { Cluster, createCluster, createRedis } from ${JSON.stringify(`${DIST}/index.mjs`)};
      const { cache } = createRequire(import.meta.url);
      const loaded = () => Object.keys(cache).some((file) => file.endsWith("cluster.js") && file.includes("dist"));
      console.log(JSON.stringify(${LOOK}));`;
    expect(run("module", source)).toEqual(EXPECTED);
  });
});
