// The first run: a scratch git repository with a failing test, one `agentcore run` that makes it pass, and what came of it.
// Everything lies in one temporary directory, which stays there to look at. Needs a bundled command line (`npm start`).
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const agentcoreFile = fileURLToPath(new URL("../../apps/cli/bin/agentcore.js", import.meta.url));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-first-run-")));
const workspace = join(scratch, "workspace");
const state = ["--state-dir", join(scratch, "state")];

const say = (/** @type {string} */ text = "") => console.log(text);
const title = (/** @type {string} */ text) => say(`\n${styleText("bold", text)}`);
const command = (/** @type {string} */ text) => say(styleText("dim", `$ ${text}`));

/** Runs a program to its end; with `show`, its output goes to the terminal, otherwise it is returned. */
function run(/** @type {string} */ file, /** @type {string[]} */ args, { input = "", show = false } = {}) {
  const { status, stdout, error } = spawnSync(file, args, {
    cwd: workspace,
    input,
    encoding: "utf8",
    stdio: ["pipe", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
  });
  if (error) throw error;
  return { status, stdout: stdout ?? "" };
}

const agentcore = (/** @type {string[]} */ args, options = {}) =>
  run(process.execPath, [agentcoreFile, ...args], options);

function makeRepository() {
  cpSync(join(here, "workspace"), workspace, { recursive: true });
  const git = (/** @type {string[]} */ ...args) =>
    run("git", ["-c", "user.name=first-run", "-c", "user.email=first-run@localhost", ...args]);
  git("init", "-q");
  git("add", "-A");
  git("commit", "-qm", "A failing test");
}

function showPatch(/** @type {string} */ path) {
  const tones = /** @type {const} */ ({ "+": "green", "-": "red", "@": "cyan" });
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    const tone = tones[/** @type {keyof typeof tones} */ (line[0])];
    say(tone === undefined ? line : styleText(tone, line));
  }
}

function showNextSteps() {
  const { workers } = JSON.parse(agentcore(["doctor", "--json", ...state]).stdout);
  const agents = workers.filter((/** @type {{ name: string }} */ { name }) => name !== "shell");
  for (const { name, status, cure } of agents) {
    if (status === "ready") {
      say(`  npm start -- "Explain this project" --worker ${name} --workspace DIR --max-cost 0.50`);
    } else {
      say(styleText("dim", `  ${name}: ${status.replaceAll("_", " ")}. ${cure ?? ""}`));
    }
  }
  say('  npm start -- "echo hello" --worker shell --workspace DIR     needs no agent');
  say("  npm run -s agentcore -- doctor      what is here, and what to do about what is not");
  say("  npm run -s agentcore -- help run    every option of a run");
}

title("1. A repository with a failing test");
makeRepository();
say(workspace);
command("node --test");
const before = run(process.execPath, ["--test"]);
say(
  before.stdout
    .split("\n")
    .filter((line) => /^(not ok|✖|# (pass|fail)|ℹ (pass|fail))/.test(line))
    .join("\n"),
);

title("2. One run of the shell worker, under a permit, in a container");
command("agentcore run - --worker shell --capabilities edit,run_tests --verify 'node --test' < fix.sh");
const { status } = agentcore(
  ["run", "-", "--worker", "shell", "--capabilities", "edit,run_tests", "--verify", "node --test", ...state],
  { input: readFileSync(join(here, "fix.sh"), "utf8"), show: true },
);

const job = JSON.parse(agentcore(["jobs", "show", "--last", "--json", ...state]).stdout);
const [attempt] = job.attempts;

title("3. What it changed");
showPatch(attempt.artifacts.find((/** @type {{ kind: string }} */ { kind }) => kind === "patch").path);

title("4. The permit that it ran under");
say(JSON.stringify(attempt.permit.grants, null, 2));

title("5. The receipt: nothing is left running");
say(JSON.stringify(attempt.containment, null, 2));

title("6. Your turn");
showNextSteps();
process.exitCode = status ?? 1;
