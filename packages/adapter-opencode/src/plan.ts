/**
 * Builds the command line and environment of one run of OpenCode: prompt on stdin, JSON lines on stdout, the configuration
 * in one variable, permissions from the task's capabilities, and no network traffic except the model's.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AgentCoreError, type PlanContext, type WorkerPlan, type WorkerTask } from "@agentcore/contract";
import { capabilitySet, networkEnvironment, readAdapterSettings } from "@agentcore/worker-kit";
import { checkOpenCodeArgs, variantArgs } from "./args.ts";
import { openCodePermission } from "./permissions.ts";
import { planProvider } from "./provider.ts";
import { openCodeSettingsSchema } from "./settings.ts";
import { workspaceCode } from "./workspace-code.ts";

export function planOpenCode(task: WorkerTask, context: PlanContext): WorkerPlan {
  const settings = readAdapterSettings(task.worker, openCodeSettingsSchema, context.settings);
  checkOpenCodeArgs(task.args ?? []);
  const { runCommands } = capabilitySet(context.grants.capabilities);
  if (!runCommands && !settings.trust_workspace) refuseWorkspaceCode(task);
  const provider = planProvider(task, context, settings);
  const home = provider.selfContained ? "own" : "user";
  const config = {
    autoupdate: false,
    share: "disabled",
    ...provider.config,
    // Near the end of its steps OpenCode asks the model to finish; the reader enforces it.
    ...(task.maxSteps === undefined ? {} : { agent: { build: { steps: task.maxSteps } } }),
    permission: openCodePermission(context.grants.capabilities),
    instructions: settings.project_memory ? memoryFiles(task.workspace) : [],
  };
  return {
    command: context.program,
    args: [
      "run",
      "--format",
      "json",
      "--pure",
      // Errors on stderr: the only report of a request that failed and is retried.
      "--print-logs",
      "--log-level",
      "ERROR",
      // With a title, OpenCode does not ask the model for one, in a call whose tokens it would not report.
      "--title",
      "agentcore",
      ...(task.session === undefined ? [] : ["--session", task.session]),
      ...variantArgs(task.variant, task.args ?? []),
      ...(task.args ?? []),
    ],
    env: {
      ...networkEnvironment(context.hostEnv, context.spendGate),
      ...provider.env,
      ...behavior,
      ...commandTime(task.maxCommandTimeMs),
      // Commands may need the package registry; the files below prevent OpenCode itself from using it.
      ...(home === "user" && !runCommands ? { npm_config_offline: "true" } : {}),
      OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
    },
    stdin: task.instructions,
    home,
    model: provider.model,
    ...(home === "own" ? { files: installedPlugin(context.attemptDir) } : {}),
  };
}

const behavior: Readonly<Record<string, string>> = {
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_MODELS_FETCH: "1",
  OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
  // An opencode.json of the workspace could grant what the task was not granted.
  OPENCODE_DISABLE_PROJECT_CONFIG: "1",
};

/** For commands without a time limit from the model; OpenCode has no maximum for those with one. */
function commandTime(maxMs: number | undefined): Record<string, string> {
  return maxMs === undefined ? {} : { OPENCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS: String(maxMs) };
}

/**
 * In every run, OpenCode installs a package from the registry into its configuration directory in the background, unless a
 * lock file there says that it is installed. In the run's own HOME it is never needed.
 */
function installedPlugin(attemptDir: string): Record<string, string> {
  const directory = join(attemptDir, "home", ".config", "opencode");
  const lock = { packages: { "": { dependencies: { "@opencode-ai/plugin": "*" } } } };
  return {
    [join(directory, "package-lock.json")]: JSON.stringify(lock),
    [join(directory, "node_modules", ".keep")]: "",
  };
}

/** The file that OpenCode would use if it read the project's configuration. */
function memoryFiles(workspace: string): string[] {
  const files = ["AGENTS.md", "CLAUDE.md"].map((name) => join(workspace, name));
  // OpenCode would read a brace as a placeholder of its configuration.
  return files.filter((path) => !path.includes("{") && existsSync(path)).slice(0, 1);
}

function refuseWorkspaceCode(task: WorkerTask): void {
  const path = workspaceCode(task.workspace);
  if (path === null) return;
  throw new AgentCoreError(
    "AC_CAPABILITY_UNSUPPORTED",
    `${task.worker} cannot be kept from running code in this workspace: OpenCode runs code of ${path}; grant run_commands, take it away, or set workers.${task.worker}.settings.trust_workspace`,
    { evidence: { worker: task.worker, path } },
  );
}
