import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Tests run on the sources: the `@agentcore/source` condition maps every workspace package to its src/index.ts.
const conditions = ["@agentcore/source"];

const packages = ["packages", "apps"].flatMap((parent) =>
  readdirSync(parent)
    .map((name) => `${parent}/${name}`)
    .filter((directory) => existsSync(`${directory}/package.json`)),
);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    pool: "forks",
    maxWorkers: Number(process.env["TEST_WORKERS"] ?? 2),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // In this order: the program is built in the directory.
    globalSetup: ["packages/repo-checks/src/test-directory.ts", "apps/cli/src/testing/build-program.ts"],
    projects: packages.map((directory) => ({
      extends: true as const,
      test: {
        name: directory,
        include: [`${directory}/src/**/*.test.ts`, `${directory}/test/**/*.test.ts`],
        passWithNoTests: true,
        execArgv: ["--conditions=@agentcore/source"],
      },
    })),
  },
});
