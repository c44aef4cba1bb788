import { defineConfig } from "vitest/config";

/** Two files at a time: most tests own a redis-server, and the machines have two cores. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    dangerouslyIgnoreUnhandledErrors: false,
    // The suite also runs against ioredis 5: IOREDIS=5 npm test
    alias: process.env["IOREDIS"] === "5" ? { ioredis: "ioredis5" } : {},
    server: process.env["IOREDIS"] === "5" ? { deps: { inline: [/ioredis/] } } : {},
  },
});
