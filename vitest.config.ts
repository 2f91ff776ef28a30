import { defineConfig } from "vitest/config";

// Tests run on the sources: the `@agentcore/source` condition maps every workspace package to its src/index.ts.
const conditions = ["@agentcore/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: ["packages/*", "apps/*"].map((directory) => ({
      extends: true as const,
      test: { name: directory, include: [`${directory}/src/**/*.test.ts`, `${directory}/test/**/*.test.ts`] },
    })),
    execArgv: ["--conditions=@agentcore/source"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    fileParallelism: true,
  },
});
