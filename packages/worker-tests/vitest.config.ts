import { defineConfig } from "vitest/config";

// Only the matrix, which needs the real CLIs: `npm test` includes *.test.ts and so never runs it.
const conditions = ["@agentcore/source"];

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name: "workers",
    include: ["src/*.workers.ts"],
    execArgv: ["--conditions=@agentcore/source"],
    // Workers are spawned from the main thread of one process: a contained worker dies with the thread that spawned it.
    pool: "forks",
    maxWorkers: 1,
    // Most of a case is waiting, for a model or for a CLI's own retries; starting is bounded by start-slots.ts.
    maxConcurrency: 8,
    testTimeout: 300_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
