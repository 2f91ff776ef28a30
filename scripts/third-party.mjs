// Does what a stranger would do, with packed tarballs that npm installs in an empty folder outside the workspace:
// - with the example adapter: runs its tests (the conformance suite among them), then `agentcore run` with a configuration
//   that names it;
// - with an adapter of his own: `agentcore adapter new`, then the new package's tests, and a job through it, without a
//   provider and with one that is reached through the spend gate;
// - with the library: compiles a TypeScript program that imports only `agentcore`, and runs it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
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
    '{ "name": "stranger", "version": "1.0.0", "private": true, "type": "module" }\n',
  );
  const tools = ["typescript", "@types/node"].map((name) => `${name}@${versionOf(name)}`);
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs, ...tools]);
  const installed = join(project, "node_modules", "agentcore-adapter-echo");
  if (!existsSync(join(installed, "package.json"))) throw new Error("npm did not install the adapter");
  run("npm", ["test"], installed);
  runWorker();
  console.log("third-party adapter: conforms, and runs under `agentcore run`");
  await writeNewAdapter();
  console.log("new adapter: passes its tests, runs under `agentcore run`, and is metered by the spend gate");
  embed();
  console.log("library: a program that imports only agentcore compiles and runs");
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

/** As this workspace has it. */
function versionOf(name) {
  const catalog = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  return new RegExp(`^ +"?${name}"?: (\\S+)$`, "m").exec(catalog)?.[1] ?? "latest";
}

/** `agentcore adapter new`, and what its last lines and its README say to do next. */
async function writeNewAdapter() {
  run("npx", ["agentcore", "adapter", "new", "mine"], project, "pipe");
  const directory = join(project, "agentcore-adapter-mine");
  // Its dependencies are found in the folder above, where the tarballs were installed.
  run("npm", ["test"], directory);
  const workspace = join(folder, "workspace-of-mine");
  mkdirSync(workspace);
  const state = ["--state-dir", join(folder, "state-of-mine")];
  run("npx", ["agentcore", "trust"], directory, "pipe");
  const doctor = run("npx", ["agentcore", "doctor", ...state], directory, "pipe").stdout;
  if (!doctor.includes("mine")) throw new Error(`doctor does not list the new worker:\n${doctor}`);
  const task = ["--worker", "mine", "--workspace", workspace, "--capabilities", "edit", "--json", "hello"];
  const resultOf = (variables = {}) => {
    const { stdout } = run("npx", ["agentcore", "run", ...state, ...task], directory, "pipe", variables);
    const result = JSON.parse(stdout.trim().split("\n").at(-1));
    if (result.outcome !== "succeeded") throw new Error(`the run ${result.outcome}: ${result.summary}`);
    return result;
  };
  resultOf();
  if (readFileSync(join(workspace, "mine.txt"), "utf8") !== "hello")
    throw new Error("the worker wrote nothing");
  const provider = spawn(process.execPath, [join(root, "scripts", "third-party", "provider.mjs")]);
  try {
    const [address] = await once(provider.stdout, "data");
    const settings = `providers: { mine: { base_url: "${String(address).trim()}" } }\nprices: { mine-1: { input: 1, output: 2 } }\n`;
    appendFileSync(join(directory, "agentcore.yaml"), settings);
    run("npx", ["agentcore", "trust"], directory, "pipe");
    const { costUsd, costBasis } = resultOf({ MINE_API_KEY: "the-key-of-the-provider" });
    if (costUsd !== 0.0012 || costBasis !== "metered")
      throw new Error(`the run cost $${costUsd} (${costBasis}), and not what the provider reported`);
  } finally {
    provider.kill();
  }
}

/** Every public type comes from `agentcore`; the compiler sees the declarations that were packed. */
function embed() {
  const program = "embed.ts";
  copyFileSync(join(root, "scripts", "third-party", program), join(project, program));
  const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  run("npx", ["tsc", ...options, program], project);
  const { stdout } = run("node", [program], project, "pipe");
  if (!stdout.includes("all is well")) throw new Error(`the program printed:\n${stdout}`);
}

/**
 * Runs a program to its end; throws where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @param {"inherit" | "pipe"} [output]
 * @param {Readonly<Record<string, string>>} [variables]
 */
function run(command, args, cwd = project, output = "inherit", variables = {}) {
  return execaSync(command, args, {
    cwd,
    env: { ...env, ...variables },
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
}
