import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { measuredSlowness, patienceMs } from "./packages/contract/src/testing/patience.ts";

// Tests run on the sources: the `@agentcore/source` condition maps every workspace package to its src/index.ts.
const conditions = ["@agentcore/source"];

const packages = ["packages", "apps"].flatMap((parent) =>
  readdirSync(parent)
    .map((name) => `${parent}/${name}`)
    .filter((directory) => existsSync(`${directory}/package.json`)),
);

/** Its tests look at their own process: its age, its environment, its children. */
const isolated = ["packages/containment"];

// Every deadline of the tests follows it: those below, and `patienceMs` and `until` in the tests and their processes.
process.env["TEST_PATIENCE"] ??= String(measuredSlowness());

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    pool: "forks",
    maxWorkers: Number(process.env["TEST_WORKERS"] ?? 2),
    testTimeout: patienceMs(60_000),
    hookTimeout: patienceMs(60_000),
    expect: { poll: { timeout: patienceMs(20_000) } },
    // In this order: the program is built in the directory.
    globalSetup: ["packages/repo-checks/src/test-directory.ts", "apps/cli/src/testing/build-program.ts"],
    projects: packages.map((directory) => ({
      extends: true as const,
      test: {
        name: directory,
        include: [`${directory}/src/**/*.test.ts`, `${directory}/test/**/*.test.ts`],
        passWithNoTests: true,
        // The files of a package run in the same two processes, which saves each a quarter of a second of processor time.
        isolate: isolated.includes(directory),
        setupFiles: isolated.includes(directory) ? [] : ["packages/repo-checks/src/leaves-nothing.ts"],
        execArgv: ["--conditions=@agentcore/source"],
      },
    })),
  },
});
