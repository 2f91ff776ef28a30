/**
 * The metrics of the daemon, for Prometheus. Levels are read when they are asked for; permits, runs and cancels are counted from
 * the events of jobs. Every name begins with `agentcore_`; the names and labels are a public interface.
 */
import {
  pressureLevels,
  type BreakerLevel,
  type BudgetDocument,
  type Clock,
  type PressureLevel,
  type RefusedKeys,
  type RunEvent,
} from "@agentcore/contract";
import type { QueueStats } from "@agentcore/scheduler";
import type { FiringCount, SourceCount } from "@agentcore/triggers";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ApiStats } from "./serve-api.ts";

/** The levels of now. Null: not known. */
export interface MetricsSample {
  readonly version: string;
  readonly queue: QueueStats;
  readonly budgets: readonly Omit<BudgetDocument, "type">[];
  readonly breakers: readonly BreakerLevel[];
  readonly pressure: PressureLevel | null;
  readonly runtimeUp: boolean;
  readonly runtimeRestarts: number;
  /** Of the running runtime process, since its start. */
  readonly refusedKeys: RefusedKeys;
  /** Firings by trigger, state and, for skipped ones, reason. */
  readonly firings: readonly FiringCount[];
  /** What sources took and refused since the start. */
  readonly sources: readonly SourceCount[];
  /** Triggers by state. */
  readonly triggers: Readonly<Record<"active" | "paused" | "disabled", number>>;
  readonly workflowRuns: number;
  readonly api: ApiStats | null;
}

export interface Metrics {
  /** Text in the exposition format. */
  text(): Promise<string>;
  /** Counts an event of a job. */
  note(event: RunEvent): void;
}

/** In seconds: from a command to a night. */
const runSeconds = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200];
/** In seconds: TERM has 5 s, KILL and proof 10 s. */
const cancelSeconds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60];

export function createMetrics(options: {
  readonly sample: () => Promise<MetricsSample>;
  readonly clock: Clock;
}): Metrics {
  const registry = new Registry();
  const levels = new Levels(registry);
  const events = new EventCounts(registry, options.clock);
  return {
    text: async () => {
      levels.set(await options.sample());
      return registry.metrics();
    },
    note: (event) => events.note(event),
  };
}

class Levels {
  readonly #gauges: ReturnType<typeof gaugesOf>;

  constructor(registry: Registry) {
    this.#gauges = gaugesOf(registry);
  }

  set(sample: MetricsSample): void {
    const gauges = this.#gauges;
    for (const gauge of Object.values(gauges)) gauge.reset();
    gauges.build.set({ version: sample.version }, 1);
    const { oldestWaitMs, ...states } = sample.queue;
    for (const [state, count] of Object.entries(states)) gauges.jobs.set({ state }, count);
    gauges.oldestWait.set(oldestWaitMs / 1000);
    for (const { scope, kind, window, limit, held, spent } of sample.budgets) {
      const labels = { scope, kind, window: window ?? "total" };
      gauges.budgetLimit.set(labels, limit);
      gauges.budgetHeld.set(labels, held);
      gauges.budgetSpent.set(labels, spent);
    }
    for (const { target, state } of sample.breakers) gauges.breaker.set({ target, state }, 1);
    if (sample.pressure !== null) gauges.backpressure.set(pressureLevels.indexOf(sample.pressure));
    gauges.runtimeUp.set(Number(sample.runtimeUp));
    gauges.runtimeRestarts.set(sample.runtimeRestarts);
    for (const [kind, count] of Object.entries(sample.refusedKeys)) gauges.refusedKeys.set({ kind }, count);
    for (const { trigger, kind, reason, count } of sample.firings)
      gauges.firings.set({ trigger, state: kind, reason: reason ?? "" }, count);
    for (const { source, kind, count } of sample.sources)
      gauges.sourceEvents.set({ source: source ?? "", kind }, count);
    for (const [state, count] of Object.entries(sample.triggers)) gauges.triggers.set({ state }, count);
    gauges.workflowRuns.set(sample.workflowRuns);
    gauges.streamClients.set(sample.api?.clients ?? 0);
    gauges.streamDropped.set(sample.api?.droppedClients ?? 0);
    for (const [code, count] of Object.entries(sample.api?.refused ?? {}))
      gauges.refused.set({ code }, count);
  }
}

function gaugesOf(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge({ name: `agentcore_${name}`, help, labelNames, registers: [registry] });
  const budgetLabels = ["scope", "kind", "window"] as const;
  return {
    build: gauge("build_info", "The version that runs; always 1.", ["version"]),
    jobs: gauge("jobs", "Jobs by state. Dead ones are those not replayed.", ["state"]),
    oldestWait: gauge("queue_oldest_wait_seconds", "How long the job that waits longest has been due."),
    budgetLimit: gauge(
      "budget_limit",
      "Limit of a budget, in US dollars or tokens by its kind.",
      budgetLabels,
    ),
    budgetHeld: gauge("budget_held", "Held by running attempts, in US dollars or tokens.", budgetLabels),
    budgetSpent: gauge("budget_spent", "Spent in the current window, in US dollars or tokens.", budgetLabels),
    breaker: gauge("breaker_state", "Is 1 for the state that a circuit breaker is in.", ["target", "state"]),
    backpressure: gauge("backpressure_level", "How short the machine is of a resource; 0: of none."),
    runtimeUp: gauge("runtime_up", "Is 1 while the runtime process works."),
    runtimeRestarts: gauge("runtime_restarts", "Restarts of the runtime process since the start."),
    refusedKeys: gauge(
      "spend_gate_refused_keys",
      "Requests that the spend gate refused for their key since the runtime process started, by kind.",
      ["kind"],
    ),
    firings: gauge("firings", "Kept firings by trigger, state, and reason of those skipped.", [
      "trigger",
      "state",
      "reason",
    ]),
    sourceEvents: gauge(
      "source_events",
      "What sources took, refused or failed at since the start, by source and kind.",
      ["source", "kind"],
    ),
    triggers: gauge("triggers", "Triggers by state.", ["state"]),
    workflowRuns: gauge("workflow_runs_running", "Workflow runs that this process works on."),
    streamClients: gauge("api_stream_clients", "Clients that follow events."),
    streamDropped: gauge("api_stream_dropped", "Clients dropped since the start because they did not read."),
    refused: gauge("api_refused", "Requests refused since the start, by code.", ["code"]),
  };
}

class EventCounts {
  readonly #permits: Counter<"decision" | "code">;
  readonly #runs: Counter<"outcome" | "worker">;
  readonly #runSeconds: Histogram<"outcome">;
  readonly #cancelSeconds: Histogram;
  readonly #costUsd: Counter<"worker">;
  readonly #tokens: Counter<"worker">;
  readonly #survivors: Counter;
  readonly #clock: Clock;
  /** By job: what its running attempt is. Removed at its end. */
  readonly #attempts = new Map<string, { worker: string; stoppingAt: number | null }>();

  constructor(registry: Registry, clock: Clock) {
    const common = { registers: [registry] };
    this.#clock = clock;
    this.#permits = new Counter({
      ...common,
      name: "agentcore_permits_total",
      help: "Decisions about permits, with the code of the refusal.",
      labelNames: ["decision", "code"],
    });
    this.#runs = new Counter({
      ...common,
      name: "agentcore_attempts_total",
      help: "Attempts that ended, by outcome and worker.",
      labelNames: ["outcome", "worker"],
    });
    this.#runSeconds = new Histogram({
      ...common,
      name: "agentcore_attempt_seconds",
      help: "Duration of attempts, by outcome.",
      labelNames: ["outcome"],
      buckets: runSeconds,
    });
    this.#cancelSeconds = new Histogram({
      ...common,
      name: "agentcore_stop_seconds",
      help: "From the request to stop an attempt to the proof that nothing of it runs.",
      buckets: cancelSeconds,
    });
    this.#costUsd = new Counter({
      ...common,
      name: "agentcore_spend_usd_total",
      help: "What ended attempts cost, in US dollars, as far as it is known.",
      labelNames: ["worker"],
    });
    this.#tokens = new Counter({
      ...common,
      name: "agentcore_spend_tokens_total",
      help: "Input and output tokens of ended attempts, as far as they are known.",
      labelNames: ["worker"],
    });
    this.#survivors = new Counter({
      ...common,
      name: "agentcore_survivors_total",
      help: "Processes that outlived the end of their attempt.",
    });
  }

  note(event: RunEvent): void {
    switch (event.type) {
      case "permit_granted":
        this.#permits.inc({ decision: "granted", code: "" });
        return;
      case "permit_deferred":
        this.#permits.inc({ decision: "deferred", code: event.code });
        return;
      case "permit_rejected":
        this.#permits.inc({ decision: "rejected", code: event.code });
        return;
      case "attempt_started":
        this.#attempts.set(event.jobId, { worker: event.worker, stoppingAt: null });
        return;
      case "attempt_stopping": {
        const attempt = this.#attempts.get(event.jobId);
        if (attempt !== undefined) attempt.stoppingAt ??= this.#clock.monotonicMs();
        return;
      }
      case "attempt_ended":
        this.#ended(event);
        return;
      case "job_ended":
        this.#attempts.delete(event.jobId);
        return;
      default:
    }
  }

  #ended({ jobId, result }: Extract<RunEvent, { type: "attempt_ended" }>): void {
    const { outcome, durationMs, costUsd, usage, containment } = result;
    const { worker = "", stoppingAt = null } = this.#attempts.get(jobId) ?? {};
    this.#attempts.delete(jobId);
    this.#runs.inc({ outcome, worker });
    this.#runSeconds.observe({ outcome }, durationMs / 1000);
    if (stoppingAt !== null) this.#cancelSeconds.observe((this.#clock.monotonicMs() - stoppingAt) / 1000);
    if (costUsd !== null) this.#costUsd.inc({ worker }, costUsd);
    this.#tokens.inc({ worker }, (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0));
    this.#survivors.inc(containment?.survivors ?? 0);
  }
}
