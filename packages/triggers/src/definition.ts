/** What a daemon file says, checked and with every default filled in. Times are in ms, moments in ms since the epoch. */
import type { Capability } from "@agentcore/contract";

export interface DaemonDefinition {
  readonly name: string;
  readonly description: string | null;
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute paths. */
  readonly workspace: string;
  readonly stateDir: string;
  /** URL of a shared store, with its password; null: the file does not name one. */
  readonly store: string | null;
  readonly logDir: string | null;
  readonly agentsFile: string | null;
  /** Runs of workflows at once, over all triggers. */
  readonly maxConcurrentWorkflows: number;
  /** Null: no ceiling. */
  readonly budget: WindowBudget | null;
  readonly server: ServerSettings;
  readonly sources: ReadonlyMap<string, EventSource>;
  readonly triggers: ReadonlyMap<string, TriggerDefinition>;
}

export type BudgetWindow = "hour" | "day" | "month";

/** What may be spent in each window. Null: no ceiling of that kind. */
export interface WindowBudget {
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly per: BudgetWindow;
}

export interface ServerSettings {
  /** Absolute path. */
  readonly socket: string;
  /** Null: no TCP port is opened for the API. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Names by which clients may call it, beside the address and those of loopback. */
    readonly names: readonly string[];
  } | null;
  /** A token with the scope `operate`, from the file; null: only tokens that were created. */
  readonly token: string | null;
}

export type EventSource =
  | IntervalSource
  | CronSource
  | FileWatchSource
  | WebhookSource
  | CommandSource
  | QueueSource;

export interface IntervalSource {
  readonly type: "interval";
  readonly everyMs: number;
}

export interface CronSource {
  readonly type: "cron";
  /** Five fields; 0 and 7 are Sunday. */
  readonly schedule: string;
  /** IANA name. */
  readonly timezone: string;
  /** What runs after a downtime: no missed slot, the newest one, or all of them. */
  readonly missed: "skip" | "once" | "all";
  /** Missed slots older than this are skipped. */
  readonly catchupWindowMs: number;
}

export interface FileWatchSource {
  readonly type: "fswatch";
  /** Globs, relative to the workspace. */
  readonly paths: readonly string[];
  readonly ignore: readonly string[];
  readonly events: readonly FileChange[];
}

export type FileChange = "create" | "modify" | "delete";

export interface WebhookSource {
  readonly type: "webhook";
  readonly path: string;
  readonly port: number;
  readonly host: string;
  readonly method: string;
  readonly secret: string | null;
}

export interface CommandSource {
  readonly type: "command";
  readonly command: string;
  readonly intervalMs: number;
  readonly triggerOn: "change" | "always";
}

export interface QueueSource {
  readonly type: "queue";
  readonly topic: string;
}

export interface TriggerDefinition {
  readonly id: string;
  /** Id of the source. */
  readonly on: string;
  /** Absolute path of the workflow file. */
  readonly workflow: string;
  readonly enabled: boolean;
  /** All must hold. */
  readonly filter: readonly FilterRule[];
  readonly debounceMs: number;
  readonly cooldownMs: number;
  /** Firings that may wait; above it the oldest is dropped. */
  readonly maxQueue: number;
  readonly onFailure: "ignore" | "retry" | "pause_trigger";
  readonly maxRetries: number;
  readonly evaluate: GateStep | null;
  readonly analyze: AnalyzeStep | null;
  readonly context: ContextSettings;
  /** Template of the idempotency key; null: none. */
  readonly key: string | null;
  readonly dedup: "coalesce" | "latest-wins" | "reject";
  readonly budget: WindowBudget | null;
  readonly overlap: Overlap;
  /** A firing waits a random time up to this. */
  readonly jitterMs: number;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly maxRuns: number | null;
  readonly maxChainDepth: number;
}

/** What an event does while a run of the same trigger is going. */
export type Overlap = "skip" | "buffer_one" | "buffer_all" | "cancel_other" | "allow_all";

export type FilterScalar = string | number | boolean | null;

/** `path`: names of the payload's fields, from the outermost. */
export type FilterRule = { readonly path: readonly string[] } & (
  | { readonly equals: FilterScalar }
  | { readonly pattern: string }
  | { readonly oneOf: readonly FilterScalar[] }
);

/** Who is asked: `worker` or `agent`, the other one is null. */
export interface GateStep {
  readonly worker: string | null;
  /** A profile of the agents file. */
  readonly agent: string | null;
  readonly instructions: string;
  /** Null: those of the profile. */
  readonly capabilities: readonly Capability[] | null;
  readonly timeoutMs: number;
}

export interface AnalyzeStep extends GateStep {
  readonly outputs: readonly { readonly name: string; readonly path: string }[];
}

export interface ContextSettings {
  /** Variables for the run. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether `.daemon-context/last-result.json` is written. */
  readonly lastResult: boolean;
  /** Whether `.daemon-context/event.json` is written. */
  readonly eventPayload: boolean;
}
