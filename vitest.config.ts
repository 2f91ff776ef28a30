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

/**
 * Real processes killed at many moments, and loads of many jobs: minutes of processor time, so `npm run verify` runs them and
 * `npm test` does not. The network namespaces need root. `TEST_SLOW=only` runs nothing else, `TEST_SLOW=too` runs everything.
 */
const slow = [
  "apps/cli/src/commands/shared-store.test.ts",
  "apps/cli/src/daemon/network-namespaces.test.ts",
  "packages/crash-tests/src/burst.test.ts",
  "packages/crash-tests/src/daemon/daemon-kills.test.ts",
  "packages/crash-tests/src/fencing/stopped-host.test.ts",
  "packages/crash-tests/src/fleet/fleet.test.ts",
  "packages/crash-tests/src/headline.test.ts",
  "packages/crash-tests/src/many-runs.test.ts",
  "packages/crash-tests/src/one-key.test.ts",
  "packages/crash-tests/src/restart-intensity.test.ts",
  "packages/crash-tests/src/soak/soak.test.ts",
  "packages/crash-tests/src/spend/spend.test.ts",
  "packages/crash-tests/src/stopped-owner.test.ts",
  "packages/crash-tests/src/unnoted-start.test.ts",
  "packages/crash-tests/src/workflow/**/*.test.ts",
  "packages/simulation/src/simulation-postgres.test.ts",
  "packages/store-postgres/src/jobs/processes.test.ts",
  "packages/store-sqlite/src/crash.test.ts",
  "packages/store-sqlite/src/processes.test.ts",
  "packages/workflow/src/run/crash-points.test.ts",
];
const slowTests = process.env["TEST_SLOW"] ?? "without";

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
    globalSetup: [
      "packages/repo-checks/src/test-directory.ts",
      "apps/cli/src/testing/build-program.ts",
      "packages/store-postgres/src/testing/offer-postgres.ts",
    ],
    projects: packages.map((directory) => ({
      extends: true as const,
      test: {
        name: directory,
        include:
          slowTests === "only"
            ? slow.filter((file) => file.startsWith(`${directory}/`))
            : [`${directory}/src/**/*.test.ts`, `${directory}/test/**/*.test.ts`],
        exclude: ["**/node_modules/**", ...(slowTests === "without" ? slow : [])],
        passWithNoTests: true,
        // The files of a package run in the same two processes, which saves each a quarter of a second of processor time.
        isolate: isolated.includes(directory),
        setupFiles: isolated.includes(directory) ? [] : ["packages/repo-checks/src/leaves-nothing.ts"],
        execArgv: ["--conditions=@agentcore/source"],
      },
    })),
  },
});
