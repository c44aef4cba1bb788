import { defineConfig } from "vitest/config";

/** `npm run test:more`: tests that need programs which most machines lack. Each says what it needs where it is missing. */
export default defineConfig({
  test: {
    include: ["test/more/**/*.more.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    setupFiles: ["test/helpers/plain-environment.ts", "test/helpers/end-with-runner.ts"],
  },
});
