/**
 * Builds the command line and environment of one run of Claude Code: prompt on stdin, JSON lines on stdout, permissions
 * from the task's capabilities, bounded retries, and no network traffic except the model's.
 */
import type { Grants, PlanContext, WorkerPlan, WorkerTask } from "@agentcore/contract";
import { networkEnvironment, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { checkClaudeArgs } from "./args.ts";
import { endpoint, findCredentials, gateVariables } from "./credentials.ts";
import { claudePermissions } from "./permissions.ts";
import { claudeSettingsSchema, type ClaudeSettings } from "./settings.ts";

export function planClaude(task: WorkerTask, context: PlanContext): WorkerPlan {
  const settings = readAdapterSettings(task.worker, claudeSettingsSchema, context.settings);
  checkClaudeArgs(task.args ?? []);
  const credentials = findCredentials(task, context, settings);
  const { spendGate } = context;
  const home = spendGate !== undefined || Object.keys(credentials).length > 0 ? "own" : "user";
  const model = context.grants.model ?? task.model ?? settings.model;
  return {
    command: context.program,
    args: commandLine(task, context, settings, model),
    env: {
      ...networkEnvironment(context.hostEnv, spendGate),
      ...(home === "user" ? pickEnv(context.hostEnv, ["CLAUDE_CONFIG_DIR"]) : {}),
      ...(spendGate === undefined
        ? { ...endpoint(context, settings), ...credentials }
        : gateVariables(spendGate, credentials, context)),
      ...behavior(settings),
      ...commandTime(task.maxCommandTimeMs),
    },
    stdin: task.instructions,
    home,
    model,
  };
}

function commandLine(
  task: WorkerTask,
  context: PlanContext,
  settings: ClaudeSettings,
  model: string | undefined,
): string[] {
  const { grants } = context;
  const permissions = claudePermissions(grants.capabilities, settings.extra_tools);
  return [
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    // Without partial messages, no line has the length of a response until the run has ended, which is too late for a
    // ceiling.
    ...((settings.partial_messages ?? isLimited(grants)) ? ["--include-partial-messages"] : []),
    "--setting-sources",
    settings.setting_sources.join(","),
    "--strict-mcp-config",
    // Variadic, so another flag must follow.
    ...(settings.project_memory ? ["--add-dir", "."] : []),
    "--permission-mode",
    permissions.mode,
    "--tools",
    permissions.tools.join(","),
    ...flag("--allowedTools", permissions.allowRules.length > 0 ? permissions.allowRules.join(",") : null),
    ...flag("--model", model),
    ...flag("--effort", task.variant),
    ...flag("--max-turns", lower(task.maxSteps, settings.max_turns)),
    ...flag("--max-budget-usd", budget(context)),
    ...flag("--resume", task.session),
    ...(task.args ?? []),
  ];
}

function isLimited({ maxCostUsd, maxTokens }: Grants): boolean {
  return maxCostUsd !== null || maxTokens !== null;
}

function flag(name: string, value: string | number | null | undefined): string[] {
  return value === null || value === undefined ? [] : [name, String(value)];
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/**
 * A second limit in addition to the runtime's ceiling; Claude Code exceeds it by one request. With the spend gate there is none:
 * its prices count, not those of Claude Code.
 */
function budget({ grants: { maxCostUsd }, spendGate }: PlanContext): number | null {
  return spendGate !== undefined || maxCostUsd === null || maxCostUsd <= 0 ? null : maxCostUsd;
}

/** A command that takes longer is ended; without the last variable, it would only move to the background. */
function commandTime(maxMs: number | undefined): Record<string, string> {
  if (maxMs === undefined) return {};
  return {
    BASH_DEFAULT_TIMEOUT_MS: String(maxMs),
    BASH_MAX_TIMEOUT_MS: String(maxMs),
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
  };
}

function behavior(settings: ClaudeSettings): Record<string, string> {
  return {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    CLAUDE_CODE_MAX_RETRIES: String(settings.max_retries),
    API_TIMEOUT_MS: String(settings.request_timeout),
    // The workspace's settings files are not read, but its CLAUDE.md should be: `--add-dir` adds it.
    ...(settings.project_memory ? { CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1" } : {}),
  };
}
