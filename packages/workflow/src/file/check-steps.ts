/** Checks of single steps: exactly one worker, compatible keys, and paths inside the workspace. */
import { didYouMean, listOf, type Path, type Raw, rawOf, type Report, textOf } from "@agentcore/yaml-file";
import { isAbsolute, normalize } from "node:path";
import { folderName } from "../folder-name.ts";
import { ways } from "./defaults.ts";
import type { RawSteps } from "./raw.ts";

/** Most steps of a workflow, including the combinations of matrices. */
const instancesMax = 10_000;

const shellNames = ["shell", "CUSTOM", "SHELL"];

export interface KnownAgents {
  readonly names: readonly string[];
  /** Worker of an agent, as the adapter spells it. */
  worker(agent: string): string | undefined;
  hasCapabilities(agent: string): boolean;
}

export function checkSteps(
  file: Raw,
  steps: RawSteps,
  agents: KnownAgents,
  { mistake: report, warning }: { readonly mistake: Report; readonly warning: Report },
): void {
  checkPath(file["context_dir"], ["context_dir"], report);
  if (
    textOf(file["context_dir"])
      ?.split("/")
      .some((part) => part.toLowerCase() === ".git") === true
  )
    report(["context_dir"], "is inside git's directory; name another, for example ./context");
  const sentinel = rawOf(file["sentinel"]);
  const stallDefaults = rawOf(sentinel["defaults"]);
  checkTelemetry(rawOf(sentinel["telemetry"]), report);
  let instances = 0;
  for (const [id, step] of steps.byId) {
    const path = steps.pathOf(id);
    // The schema has refused it; what it lacks as a mapping would be a second mistake at the same place.
    if (steps.isShapeless(id)) continue;
    checkWay(path, step, agents, report);
    checkLoop(step, path, agents, report);
    checkBelongings(step, path, report);
    // Files of the format that this one grew from may say so, and run as they did there.
    if (step["on_failure"] === "retry" && step["max_retries"] === undefined && step["retry"] === undefined)
      warning(
        [...path, "on_failure"],
        '"retry" has no effect without max_retries; write for example max_retries: 2',
      );
    if (step["cache"] !== undefined && id === file["branch_transition_step"])
      report(
        [...path, "cache"],
        "this step changes the branch, which the cache cannot do; leave it out",
        "key",
      );
    checkStall(step["stall"], [...path, "stall"], stallDefaults, report);
    const checkPathTo = [...path, "completion_check", "stall"];
    checkStall(rawOf(step["completion_check"])["stall"], checkPathTo, stallDefaults, report);
    checkPath(step["workspace"], [...path, "workspace"], report);
    checkMatrix(rawOf(step["matrix"]), [...path, "matrix"], report);
    const combinations = combinationsOf(rawOf(step["matrix"]));
    instances += combinations;
    if (instances > instancesMax && instances - combinations <= instancesMax) {
      const cure = combinations === 1 ? "move some into a sub-workflow" : `this one has ${combinations}`;
      const message = `the workflow has more than ${instancesMax} steps here, the combinations of matrices counted; ${cure}`;
      report(combinations === 1 ? path : [...path, "matrix"], message, "key");
    }
    for (const [index, output] of listOf(step["outputs"]).entries()) {
      checkPath(rawOf(output)["path"], [...path, "outputs", index, "path"], report);
    }
  }
}

/** Counts without creating them: ten keys with ten values each have more combinations than memory can hold. */
export function combinationsOf(matrix: Raw): number {
  return Object.values(matrix).reduce<number>(
    (count, values) => count * Math.max(1, listOf(values).length),
    1,
  );
}

/** Each combination has its own folder, so no two values of a key may give the same folder name. */
function checkMatrix(matrix: Raw, path: Path, report: Report): void {
  for (const [key, values] of Object.entries(matrix)) {
    const byName = new Map<string, string>();
    for (const [index, value] of listOf(values).entries()) {
      const text = String(value);
      const other = byName.get(folderName(text));
      if (other === text) report([...path, key, index], `"${text}" is listed twice`);
      else if (other !== undefined) {
        const message = `"${text}" and "${other}" make the same folder name; write another value`;
        report([...path, key, index], message);
      }
      byName.set(folderName(text), text);
    }
  }
}

/** A step names its worker in exactly one way; the related keys are checked only if that is clear. */
function checkWay(path: Path, step: Raw, agents: KnownAgents, report: Report): void {
  const id = path.at(-1);
  const [chosen, second] = ways.filter((way) => step[way] !== undefined);
  if (chosen === undefined)
    report(path, `step "${id}" needs one of worker, agent, workflow or approval`, "key");
  else if (second !== undefined)
    report([...path, second], `step "${id}" may have only one of ${chosen}, ${second}`, "key");
  else if (chosen === "workflow") checkSubWorkflowStep(step, path, report);
  else if (chosen === "approval") checkApproval(step, path, report);
  else checkWork(step, path, agents, report);
}

/** Checks that there is a worker and that it has instructions. Shared by steps and completion checks. */
function checkWork(work: Raw, path: Path, agents: KnownAgents, report: Report): void {
  const agent = textOf(work["agent"]);
  if (agent !== undefined && !agents.names.includes(agent)) {
    const hint =
      agents.names.length === 0
        ? "; there is no agents.yaml beside the workflow, and none was named"
        : didYouMean(agent, agents.names);
    report([...path, "agent"], `no agent profile has the id "${agent}"${hint}`);
  }
  if (work["worker"] === undefined && agent === undefined) return;
  if (work["instructions"] === undefined) report(path, "needs instructions", "key");
  const given =
    work["capabilities"] !== undefined ||
    (agent !== undefined && (agents.hasCapabilities(agent) || !agents.names.includes(agent)));
  if (!given) report(path, "needs capabilities: some of read, edit, run_tests, run_commands", "key");
}

const approvalKeys = ["approval", "description", "depends_on", "if", "on_failure", "matrix"];

/** Nothing works on it, so most keys mean nothing. */
function checkApproval(step: Raw, path: Path, report: Report): void {
  if (path[0] === "finally")
    report([...path, "approval"], "cannot be used in finally, which must not wait for anybody", "key");
  for (const [key, value] of Object.entries(step)) {
    if (value === undefined || approvalKeys.includes(key)) continue;
    const cure = key === "timeout" ? "; set it inside approval" : "";
    report([...path, key], `"${key}" cannot be used with approval${cure}`, "key");
  }
  if (step["on_failure"] === "retry")
    report([...path, "on_failure"], "an approval is not repeated; write abort or continue");
}

function checkSubWorkflowStep(step: Raw, path: Path, report: Report): void {
  for (const key of [
    "instructions",
    "capabilities",
    "model",
    "variant",
    "defaultArgs",
    "max_steps",
    "max_command_time",
    "verify",
    "isolation",
    "merge",
    "cache",
    "env",
    "secrets",
  ]) {
    if (step[key] !== undefined)
      report(
        [...path, key],
        `"${key}" cannot be used with workflow; set it in the sub-workflow's own steps`,
        "key",
      );
  }
}

function checkLoop(step: Raw, path: Path, agents: KnownAgents, report: Report): void {
  const loops = typeof step["max_iterations"] === "number" && step["max_iterations"] > 1;
  if (step["completion_check"] === undefined) {
    if (loops)
      report(
        [...path, "max_iterations"],
        "needs a completion_check, which decides when the loop is done",
        "key",
      );
    if (step["convergence"] !== undefined)
      report([...path, "convergence"], "needs a completion_check", "key");
    return;
  }
  const check = rawOf(step["completion_check"]);
  const checkPathTo = [...path, "completion_check"];
  if (check["worker"] === undefined && check["agent"] === undefined)
    report(checkPathTo, "needs worker or agent", "key");
  if (check["worker"] !== undefined && check["agent"] !== undefined)
    report([...checkPathTo, "agent"], "may have only one of worker, agent", "key");
  checkWork(check, checkPathTo, agents, report);
  checkPath(check["decision_file"], [...checkPathTo, "decision_file"], report);
  const worker = textOf(check["worker"]) ?? agents.worker(textOf(check["agent"]) ?? "");
  if (worker !== undefined && !shellNames.includes(worker) && check["decision_file"] === undefined) {
    report(checkPathTo, "needs a decision_file: only the shell worker decides by its exit code", "key");
  }
}

function checkBelongings(step: Raw, path: Path, report: Report): void {
  checkCache(step, path, report);
  if (step["retry"] !== undefined && step["max_retries"] !== undefined)
    report([...path, "max_retries"], "retry says it with max; leave out one of the two", "key");
  if (step["retry"] !== undefined && step["on_failure"] === "retry")
    report([...path, "on_failure"], 'with retry write "abort" or "continue": what follows its last attempt');
  if (step["merge"] !== undefined && step["isolation"] !== "worktree")
    report([...path, "merge"], 'goes with "isolation: worktree" only', "key");
  for (const key of [
    "with",
    "exports",
    "exports_mode",
    "bubble_subworkflow_events",
    "subworkflow_event_prefix",
  ]) {
    if (step[key] !== undefined && step["workflow"] === undefined)
      report([...path, key], "can only be used with workflow", "key");
  }
  if (typeof step["max_retries"] === "number" && step["max_retries"] > 0 && step["on_failure"] === "abort") {
    report(
      [...path, "on_failure"],
      'with max_retries write "retry" or "continue"; "abort" never retries',
      "value",
    );
  }
}

/** Only what a step declares can be taken from the cache. */
function checkCache(step: Raw, path: Path, report: Report): void {
  if (step["cache"] === undefined) return;
  if (step["isolation"] === "worktree")
    report(
      [...path, "cache"],
      "goes with isolation: none only; a worktree's changes are not kept in the cache",
      "key",
    );
  for (const [index, entry] of listOf(rawOf(step["cache"])["key"]).entries()) {
    const text = textOf(entry) ?? "";
    if (!text.startsWith("${{")) checkPath(text, [...path, "cache", "key", index], report);
  }
}

/** Checks the complete `stall`, with what the sentinel block adds to the step's own keys. */
function checkStall(own: unknown, path: Path, defaults: Raw, report: Report): void {
  const { activity_source: source, probe = defaults["probe"] } = rawOf(own);
  if (source === "probe_only" && probe === undefined)
    report([...path, "activity_source"], "probe_only needs a probe");
}

function checkTelemetry(telemetry: Raw, report: Report): void {
  for (const key of ["events_file", "state_file"])
    checkPath(telemetry[key], ["sentinel", "telemetry", key], report, "the context directory");
}

function checkPath(value: unknown, path: Path, report: Report, root = "the workspace"): void {
  const text = textOf(value);
  if (text === undefined) return;
  if (isAbsolute(text)) report(path, `"${text}" must be relative to ${root}`);
  else if (normalize(text).split("/")[0] === "..") report(path, `"${text}" leaves ${root}`);
}
