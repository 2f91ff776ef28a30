// The workspace's commands, each of which sets up what it needs first: `node scripts/run.mjs NAME [ARGS…]`.
// They stand in package.json as npm scripts, so that a machine with only Node >= 20 and npm runs all of them.
import { checks, runChecks } from "./checks.mjs";
import { root, run, toolEnv } from "./process.mjs";
import { setUp } from "./setup.mjs";
import { build, test } from "./tasks.mjs";

const source = "--conditions=@agentcore/source";

const commands = {
  /** The tests; with arguments, those that vitest finds by them, always anew, and among all that there are. */
  test: (args) =>
    args.length === 0 ? test() : run("vitest", ["run", ...args], { env: { ...toolEnv(), TEST_SLOW: "too" } }),
  verify: (args) => runChecks(args.length > 0 ? args : Object.keys(checks)),
  /** As `verify`, without the tests: what `.ci/run` does after `npm test`. */
  checks: (args) =>
    runChecks(args.length > 0 ? args : Object.keys(checks).filter((name) => name !== "tests")),
  bench: async (args) => {
    await build();
    return run("node", ["packages/bench/dist/main.js", ...args]);
  },
  /** Writes the documents and schemas that are generated from the code. */
  docs: async () =>
    (await run("node", [source, "packages/repo-checks/src/main.ts"])) ||
    (await run("node", [source, "apps/cli/src/testing/write-sessions.ts"])) ||
    run("oxfmt", ["docs", "apps/cli/schemas", "packages/triggers/schemas", "packages/workflow/schemas"]),
  /** Tarballs of the published packages, in the folder named. */
  pack: (args) => run("node", ["scripts/pack.mjs", ...args]),
  simulate: (args) => run("node", [source, "packages/simulation/src/main.ts", ...args]),
  /** False kills and misses of the watchdog. */
  liveness: (args) => run("node", [source, "packages/simulation/src/liveness-main.ts", ...args]),
  "crash-tests": (args) => run("node", [source, "packages/crash-tests/src/main.ts", ...args]),
  "test:workers": (args) => run("node", [source, "packages/worker-tests/src/run.ts", ...args]),
  agentcore: (args) =>
    run("node", [source, `${root}/apps/cli/src/main.ts`, ...args], {
      cwd: process.env.INIT_CWD ?? process.cwd(),
    }),
};

const [name = "", ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  console.error(`unknown command "${name}"; there are: ${Object.keys(commands).join(", ")}`);
  process.exit(2);
}
await setUp();
process.exitCode = await command(args);
