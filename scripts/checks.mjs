// The checks that a change must pass, in one list: `npm run verify` runs them all, `.ci/run` the same after `npm test`.
// A check is a name and a program; it passes when the program exits 0. The last line counts them.
import { run, toolEnv } from "./process.mjs";
import { test } from "./tasks.mjs";

/** Of the list `slow` in vitest.config.ts. */
const slowProjects = ["packages/crash-tests", "packages/store-sqlite", "packages/workflow", "apps/cli"];

const source = "--conditions=@agentcore/source";

/** @type {Record<string, () => Promise<number>>} */
export const checks = {
  types: () => run("tsc", ["-b"]),
  lint: () => run("oxlint", ["--type-aware", "--deny-warnings"]),
  format: () => run("oxfmt", ["--check", "."]),
  boundaries: () => run("turbo", ["boundaries"]),
  "dead code": () => run("knip", ["--no-progress", "--no-config-hints"]),
  versions: () => run("sherif", ["--fail-on-warnings"]),
  changesets: () => run("node", ["scripts/changesets.mjs"]),
  tests: test,
  /** Those that `npm test` leaves out because they take long; vitest.config.ts lists them. */
  "crash tests": () =>
    run("vitest", ["run", ...slowProjects.flatMap((name) => ["--project", name])], {
      env: { ...toolEnv(), TEST_SLOW: "only" },
    }),
  packages: () => run("node", ["scripts/package-checks.mjs"]),
  simulation: () => run("node", [source, "packages/simulation/src/main.ts", "--seeds", "200"]),
  burst: () => run("node", [source, "packages/crash-tests/src/main.ts", "burst"]),
  "third-party adapter": () => run("node", ["scripts/third-party.mjs"]),
  "containment conformance": () =>
    run("node", [source, "packages/containment/src/testing/conformance-main.ts"]),
  /** Of the scripts of the page of the daemon. */
  "page size": () => run("node", ["scripts/page-size.mjs"]),
  /** In the Chromium of the system. */
  pages: () => run("node", [source, "packages/page-tests/src/main.ts"]),
  "daemon page": () => run("node", [source, "packages/page-tests/src/daemon-main.ts"]),
  workers: () => run("node", [source, "packages/worker-tests/src/run.ts"]),
};

/**
 * Runs the named checks one after the other, prints how each ended and how long it took, and resolves to an exit code.
 * @param {readonly string[]} names
 */
export async function runChecks(names) {
  const unknown = names.filter((name) => checks[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no such check: ${unknown.join(", ")}; there are: ${Object.keys(checks).join(", ")}`);
    return 2;
  }
  const failed = [];
  for (const name of names) {
    console.log(`\n── ${name}`);
    const start = performance.now();
    const code = await checks[name]();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`── ${name}: ${code === 0 ? "passed" : `FAILED (exit ${code})`} in ${seconds} s`);
    if (code !== 0) failed.push(name);
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}`);
  console.log(`${names.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}
