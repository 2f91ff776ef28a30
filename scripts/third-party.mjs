// Does what a stranger would do with an adapter of his own: packs AgentCore and the example adapter, installs the tarballs
// with npm in an empty folder outside the workspace, runs the adapter's tests there (the conformance suite among them), and
// then `agentcore run` with a configuration that names the adapter.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { pack } from "./pack.mjs";
import { root, toolEnv } from "./process.mjs";

const example = join(root, "examples", "adapter-echo");
const folder = mkdtempSync(join(tmpdir(), "agentcore-third-party-"));
const project = join(folder, "project");
// As the stranger has it: the pinned Node, but none of the workspace's conditions.
const env = { ...toolEnv(), NODE_OPTIONS: "", NODE_PATH: "", XDG_STATE_HOME: join(folder, "xdg") };

try {
  mkdirSync(project);
  const tarballs = [...pack(folder).map(({ tarball }) => tarball), packExample()];
  writeFileSync(
    join(project, "package.json"),
    '{ "name": "stranger", "version": "1.0.0", "private": true }\n',
  );
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs]);
  const installed = join(project, "node_modules", "agentcore-adapter-echo");
  if (!existsSync(join(installed, "package.json"))) throw new Error("npm did not install the adapter");
  run("npm", ["test"], installed);
  runWorker();
  console.log("third-party adapter: conforms, and runs under `agentcore run`");
} catch (error) {
  console.error(`third-party adapter: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packExample() {
  const { stdout } = run("npm", ["pack", "--json", "--pack-destination", folder], example, "pipe");
  return join(folder, JSON.parse(stdout)[0].filename);
}

/** `agentcore doctor` must list the worker, and `agentcore run` must have it do its task. */
function runWorker() {
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  copyFileSync(join(example, "agentcore.yaml"), join(project, "agentcore.yaml"));
  const state = ["--state-dir", join(folder, "state")];
  run("npx", ["agentcore", "trust"], project, "pipe");
  const doctor = run("npx", ["agentcore", "doctor", ...state], project, "pipe").stdout;
  if (!doctor.includes("echo")) throw new Error(`doctor does not list the worker:\n${doctor}`);
  const task = ["--worker", "echo", "--workspace", workspace, "--capabilities", "edit", "--json", "hello"];
  const { stdout } = run("npx", ["agentcore", "run", ...state, ...task], project, "pipe");
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  if (result.outcome !== "succeeded") throw new Error(`the run ${result.outcome}: ${result.summary}`);
  const written = readFileSync(join(workspace, "echo.txt"), "utf8");
  if (written !== "hello") throw new Error(`the worker wrote ${JSON.stringify(written)}`);
}

/**
 * Runs a program to its end; throws where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @param {"inherit" | "pipe"} [output]
 */
function run(command, args, cwd = project, output = "inherit") {
  return execaSync(command, args, { cwd, env, stdin: "ignore", stdout: output, stderr: output });
}
