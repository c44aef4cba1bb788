import { defineConfig } from "vitest/config";

/** Tests that also run on ioredis 5: the replies, the private parts this package touches, and what happens in faults. */
const ON_IOREDIS_5 = [
  "test/integration/parity-*.test.ts",
  "test/integration/internals.test.ts",
  "test/integration/cluster-internals.test.ts",
  "test/fault/cluster-core.test.ts",
  "test/fault/core-never-twice.test.ts",
  "test/fault/core-gate.test.ts",
  "test/fault/core-handshake.test.ts",
  "test/fault/core-lifecycle.test.ts",
  "test/fault/core-encoding.test.ts",
  "test/fault/core-garbled-replies.test.ts",
  "test/fault/whole-batches.test.ts",
  "test/fault/sentinel-lookup.test.ts",
  "test/fault/sentinel-failover.test.ts",
  "test/fault/quick-replies.test.ts",
  "test/fault/script-sends.test.ts",
];

/** Two files at a time: most tests own a redis-server, and the machines have two cores. */
export default defineConfig({
  test: {
    // For what hangs, not for what is slow: a busy machine may take ten times as long as an idle one.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    setupFiles: ["test/helpers/plain-environment.ts", "test/helpers/end-with-runner.ts"],
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "html"],
      // What the suite covered when this was written, in whole percent. It may rise, and not fall. Processes that tests start
      // run the built package and are not counted.
      thresholds: { statements: 94, branches: 88, functions: 94, lines: 96 },
    },
    projects: [
      {
        extends: true,
        test: { name: "ioredis 6", include: ["test/**/*.test.ts"], globalSetup: "test/helpers/name-skips.ts" },
      },
      {
        extends: true,
        test: {
          name: "ioredis 5",
          include: ON_IOREDIS_5,
          // Only its entry and its private parts: the package itself stays external, and Node loads its CommonJS as it is.
          alias: [{ find: /^ioredis(?=$|\/built\/)/, replacement: "ioredis5" }],
        },
      },
    ],
  },
});
