/** Makes the definition from a file that has no errors: fills in the defaults and makes paths absolute. Pure. */
import { join, resolve } from "node:path";
import type {
  AnalyzeStep,
  DaemonDefinition,
  EventSource,
  FilterRule,
  GateStep,
  ServerSettings,
  TriggerDefinition,
  WindowBudget,
} from "../definition.ts";
import type { FileEvent } from "./event-schema.ts";
import type { DaemonFile } from "./file-schema.ts";
import type { FileBudget, FileTrigger } from "./trigger-schema.ts";

const localHost = "127.0.0.1";
export const defaultWebhook = { port: 8080, host: localHost, method: "POST" } as const;
const hourMs = 3_600_000;

export interface Surroundings {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path that a relative workspace is relative to. */
  readonly cwd: string;
  /** Time zone of schedules that name none. */
  readonly timeZone: string;
}

export function buildDefinition(value: DaemonFile, { file, cwd, timeZone }: Surroundings): DaemonDefinition {
  const workspace = resolve(cwd, value.workspace);
  const stateDir = resolve(workspace, value.state_dir ?? ".daemon-state");
  const inWorkspace = (path: string | undefined): string | null =>
    path === undefined ? null : resolve(workspace, path);
  return {
    name: value.name,
    description: value.description ?? null,
    file,
    workspace,
    stateDir,
    store: value.store ?? null,
    logDir: inWorkspace(value.log_dir),
    agentsFile: inWorkspace(value.agents_file),
    maxConcurrentWorkflows: value.max_concurrent_workflows ?? 5,
    budget: budgetOf(value.budget),
    server: serverOf(value.server, inWorkspace(value.server?.socket) ?? join(stateDir, "daemon.sock")),
    sources: new Map(Object.entries(value.events).map(([id, event]) => [id, sourceOf(event, timeZone)])),
    triggers: new Map(
      Object.entries(value.triggers).map(([id, trigger]) => [id, triggerOf(id, trigger, workspace)]),
    ),
  };
}

function serverOf(server: DaemonFile["server"], socket: string): ServerSettings {
  const http = server?.http;
  return {
    socket,
    http:
      http === undefined ? null : { host: http.host ?? localHost, port: http.port, names: http.names ?? [] },
    token: server?.token ?? null,
  };
}

function sourceOf(event: FileEvent, timeZone: string): EventSource {
  switch (event.type) {
    case "interval":
      return { type: "interval", everyMs: event.every };
    case "cron":
      return {
        type: "cron",
        schedule: event.schedule,
        timezone: event.timezone ?? timeZone,
        missed: event.missed ?? "once",
        catchupWindowMs: event.catchup_window ?? hourMs,
      };
    case "fswatch":
      return {
        type: "fswatch",
        paths: event.paths,
        ignore: event.ignore ?? [],
        events: [...new Set(event.events ?? (["create", "modify", "delete"] as const))],
      };
    case "webhook":
      return {
        type: "webhook",
        path: event.path,
        port: event.port ?? defaultWebhook.port,
        host: event.host ?? defaultWebhook.host,
        method: event.method ?? defaultWebhook.method,
        secret: event.secret ?? null,
      };
    case "command":
      return {
        type: "command",
        command: event.command,
        intervalMs: event.interval,
        triggerOn: event.trigger_on ?? "change",
      };
    case "queue":
      return { type: "queue", topic: event.topic };
  }
}

function triggerOf(id: string, trigger: FileTrigger, workspace: string): TriggerDefinition {
  const { evaluate, analyze, context = {} } = trigger;
  return {
    id,
    on: trigger.on,
    workflow: resolve(workspace, trigger.workflow),
    enabled: trigger.enabled ?? true,
    filter: Object.entries(trigger.filter ?? {}).map(([path, rule]) => ruleOf(path.split("."), rule)),
    debounceMs: trigger.debounce ?? 0,
    cooldownMs: trigger.cooldown ?? 0,
    maxQueue: trigger.max_queue ?? 10,
    onFailure: trigger.on_workflow_failure ?? "ignore",
    maxRetries: trigger.max_retries ?? 3,
    evaluate: evaluate === undefined ? null : stepOf(evaluate, 30_000),
    analyze: analyze === undefined ? null : analyzeOf(analyze),
    context: {
      env: Object.fromEntries(Object.entries(context.env ?? {}).map(([name, text]) => [name, String(text)])),
      lastResult: context.last_result ?? false,
      eventPayload: context.event_payload ?? false,
    },
    key: trigger.key ?? null,
    dedup: trigger.dedup ?? "coalesce",
    budget: budgetOf(trigger.budget),
    overlap: trigger.overlap ?? "buffer_all",
    jitterMs: trigger.jitter ?? 0,
    startAt: trigger.start_at ?? null,
    endAt: trigger.end_at ?? null,
    maxRuns: trigger.max_runs ?? null,
    maxChainDepth: trigger.max_chain_depth ?? 3,
  };
}

type Condition = NonNullable<FileTrigger["filter"]>[string];

function ruleOf(path: readonly string[], rule: Condition): FilterRule {
  if (typeof rule !== "object" || rule === null) return { path, equals: rule };
  return rule.pattern === undefined ? { path, oneOf: rule.in ?? [] } : { path, pattern: rule.pattern };
}

function stepOf(step: NonNullable<FileTrigger["evaluate"]>, timeoutMs: number): GateStep {
  return {
    worker: step.worker ?? null,
    agent: step.agent ?? null,
    instructions: step.instructions,
    capabilities: step.capabilities ?? null,
    timeoutMs: step.timeout ?? timeoutMs,
  };
}

const analyzeOf = (step: NonNullable<FileTrigger["analyze"]>): AnalyzeStep => ({
  ...stepOf(step, 120_000),
  outputs: step.outputs ?? [],
});

function budgetOf(budget: FileBudget | undefined): WindowBudget | null {
  if (budget === undefined) return null;
  return { costUsd: budget.cost_usd ?? null, tokens: budget.tokens ?? null, per: budget.per };
}
