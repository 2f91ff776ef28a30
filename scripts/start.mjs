// `npm start`: sets the checkout up, bundles the command line, and then gives a task to a worker. With arguments it is
// `agentcore run ARGS`; with none it is the first run of examples/first-run, which spends nothing and needs no network.
import { root, run } from "./process.mjs";
import { setUp } from "./setup.mjs";
import { turbo } from "./tasks.mjs";

const args = process.argv.slice(2);

await setUp();
const bundled = await turbo("bundle", ["--output-logs=errors-only"]);
if (bundled !== 0) process.exit(bundled);

process.exitCode =
  args.length === 0
    ? await run("node", ["examples/first-run/demo.mjs"])
    : await run("node", [`${root}/apps/cli/bin/agentcore.js`, "run", ...args], {
        cwd: process.env.INIT_CWD ?? process.cwd(),
      });
