/** Runs what triggers ask for: workflow runs, and the jobs of `evaluate` and `analyze`. */
import {
  AgentCoreError,
  backOffMs,
  errorText,
  isAgentCoreError,
  omitUndefined,
  sleep,
  systemClock,
  type JobSubmission,
  type Log,
  type WorkerResult,
} from "@agentcore/contract";
import type { JobEnd, JobHandle, Journal, Scheduler } from "@agentcore/scheduler";
import {
  formatChain,
  renderTemplate,
  templateToShell,
  type AnalyzeStep,
  type Evaluation,
  type GateStep,
  type Interrupted,
  type RunOutcome,
  type RunRequest,
  type TemplateValues,
  type TriggeredEnd,
  type TriggerRunner,
} from "@agentcore/triggers";
import { readRun, type RunOutcome as WorkflowOutcome, type RunResult } from "@agentcore/workflow";
import type { WorkflowRunHandle, Workflows } from "../library/workflows.ts";
import { gateWork } from "./gate-work.ts";
import { chainVariable, contextDirOf, writeContext } from "./run-context.ts";
import { stepsValue, valuesOf } from "./template-values.ts";

export interface WorkflowRunnerOptions {
  readonly workflows: Workflows;
  readonly scheduler: Pick<Scheduler, "submit">;
  readonly journal: Journal;
  readonly workspace: string;
  readonly agentsFile: string | null;
  readonly log: Log;
}

/** The job of an `evaluate` or `analyze`. */
interface GateJob {
  readonly id: string;
  readonly step: GateStep & Partial<Pick<AnalyzeStep, "outputs">>;
  readonly values: TemplateValues;
  readonly trigger: RunRequest["trigger"];
}

/** How often a gate is begun again because its daemon or runtime died. */
const lostMax = 9;

const interrupted = { outcome: "INTERRUPTED", message: null, costUsd: null, tokens: null } as const;

/** Between tries of a run that cannot go on just now. */
const again = { minMs: 250, maxMs: 5_000 };

const passingCodes: readonly string[] = ["AC_STORE_UNAVAILABLE", "AC_WORKFLOW_TAKEN", "AC_DRAINING"];
const isPassing = (error: unknown): boolean => isAgentCoreError(error) && passingCodes.includes(error.code);

/** A run that took too long has failed. */
const outcomes: Readonly<Record<WorkflowOutcome, RunOutcome>> = {
  SUCCEEDED: "SUCCEEDED",
  FAILED: "FAILED",
  TIMED_OUT: "FAILED",
  CANCELLED: "CANCELLED",
};

export class WorkflowRunner implements TriggerRunner {
  readonly #options: WorkflowRunnerOptions;
  readonly #running = new Map<string, WorkflowRunHandle>();
  /** By run. */
  readonly #analyses = new Map<string, JobHandle>();
  /** Cancels of runs that have not begun here. */
  readonly #cancelled = new Map<string, string>();
  readonly #stopping = new AbortController();

  constructor(options: WorkflowRunnerOptions) {
    this.#options = options;
  }

  /**
   * A run that cannot go on just now, because the store takes no write or because another process works on it, has not failed:
   * it is tried again until it has ended, or the daemon stops.
   */
  async run(request: RunRequest): Promise<TriggeredEnd> {
    const { run } = request;
    try {
      const end = await this.#tries({ run }, "a run", () => this.#runOnce(request));
      return end === "interrupted" ? interrupted : end;
    } catch (error) {
      return await this.#failed(run, error);
    } finally {
      this.#cancelled.delete(run);
    }
  }

  /** Until it is done, fails for a reason that does not pass, or the daemon stops. */
  async #tries<T>(
    about: Readonly<Record<string, string | undefined>>,
    what: string,
    once: () => Promise<T>,
  ): Promise<T | Interrupted> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await once();
      } catch (error) {
        if (this.#isStopping) return "interrupted";
        if (!isPassing(error)) throw error;
        if (failures === 1)
          this.#options.log.warn({ ...about, error }, `${what} cannot go on just now; it is tried again`);
        await sleep(systemClock, backOffMs(failures, again), this.#stopping.signal);
        if (this.#isStopping) return "interrupted";
      }
    }
  }

  async #runOnce(request: RunRequest): Promise<TriggeredEnd> {
    const { run: id } = request;
    try {
      const ended = await this.#storedEnd(id);
      if (ended !== null) return ended;
      const handle = await this.#begin(request);
      this.#running.set(id, handle);
      const reason = this.#cancelled.get(id);
      if (reason !== undefined) handle.cancel(reason);
      if (this.#isStopping) handle.interrupt();
      return endOf(await handle.result());
    } finally {
      this.#running.delete(id);
    }
  }

  cancel(run: string, reason: string): void {
    const analysis = this.#analyses.get(run);
    if (analysis !== undefined) {
      analysis.cancel({ reason }).catch((error: unknown) => {
        this.#options.log.warn({ run, error }, "the analysis of a run could not be cancelled");
      });
      return;
    }
    const handle = this.#running.get(run);
    if (handle === undefined) this.#cancelled.set(run, reason);
    else handle.cancel(reason);
  }

  async evaluate(
    step: GateStep,
    request: Omit<RunRequest, "run"> & { readonly firing: string },
  ): Promise<Evaluation | Interrupted> {
    const { firing, trigger, attempt } = request;
    const id = `${firing}.evaluate.${attempt}`;
    const values = valuesOf(request, this.#options.workspace);
    try {
      return await this.#tries({ firing, trigger: trigger?.id }, "an evaluation", async () => {
        const { worker, handle } = await this.#submitJob({ id, step, values, trigger });
        const end = await handle.result();
        return worker === "shell" ? verdictOfShell(end) : verdictOfAgent(end);
      });
    } catch (error) {
      return { answer: "error", text: errorText(error) };
    }
  }

  async analyze(
    step: AnalyzeStep,
    request: RunRequest & { readonly end: TriggeredEnd },
  ): Promise<"done" | Interrupted> {
    const { run, trigger } = request;
    const about = { run, trigger: trigger?.id };
    try {
      return await this.#tries(about, "the analysis of a run", () => this.#analyzeOnce(step, request));
    } catch (error) {
      this.#options.log.warn({ ...about, error }, "the analysis of a run failed");
      return "done";
    } finally {
      this.#analyses.delete(run);
    }
  }

  async #analyzeOnce(
    step: AnalyzeStep,
    request: RunRequest & { readonly end: TriggeredEnd },
  ): Promise<"done"> {
    const { workflows, workspace, log } = this.#options;
    const { run, trigger, end } = request;
    const shown = await workflows.show(run);
    const values = {
      ...valuesOf(request, workspace),
      workflow_status: end.outcome,
      steps: stepsValue(shown.steps ?? []),
      context_dir: contextDirOf(workspace),
    };
    const { handle } = await this.#submitJob({ id: `${run}.analyze`, step, values, trigger });
    this.#analyses.set(run, handle);
    const { state, jobId, reason } = await handle.result();
    if (state !== "succeeded")
      log.warn(
        { run, trigger: trigger?.id, job: jobId, reason: reason?.message },
        "the analysis of a run failed",
      );
    return "done";
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Interrupts what runs; the next daemon resumes it. */
  interrupt(): void {
    this.#stopping.abort();
    for (const handle of this.#running.values()) handle.interrupt("the daemon is shutting down");
  }

  /** Null if the run does not exist, or has not ended. */
  async #storedEnd(id: string): Promise<TriggeredEnd | null> {
    const stored = await readRun(this.#options.journal, id);
    const outcome = stored?.header["outcome"];
    if (typeof outcome !== "string") return null;
    const { message, costUsd, tokens } = stored?.header ?? {};
    return {
      outcome: outcomes[outcome as WorkflowOutcome] ?? "FAILED",
      message: typeof message === "string" ? message : null,
      costUsd: typeof costUsd === "number" ? costUsd : null,
      tokens: typeof tokens === "number" ? tokens : null,
    };
  }

  async #begin(request: RunRequest): Promise<WorkflowRunHandle> {
    const { workflows, journal, workspace, agentsFile } = this.#options;
    const { run: id, trigger } = request;
    if ((await readRun(journal, id)) !== undefined) return workflows.resume(id);
    if (trigger === null)
      throw new AgentCoreError("AC_TRIGGER_NOT_FOUND", "its trigger is no longer in the file");
    await writeContext(workspace, trigger, request);
    return workflows.run(trigger.workflow, {
      id,
      workspace,
      env: { ...trigger.context.env, ...variablesOf(request, trigger.id, workspace) },
      ...omitUndefined({ agents: agentsFile === null ? undefined : [agentsFile] }),
    });
  }

  /** A run whose file has changed cannot go on: it is ended, so that its trigger can. */
  async #failed(id: string, error: unknown): Promise<TriggeredEnd> {
    const { workflows, log } = this.#options;
    log.warn({ run: id, error }, "a run of a trigger could not go on");
    if (isAgentCoreError(error) && error.code === "AC_WORKFLOW_CHANGED")
      await workflows.cancel(id, error.message).catch((problem: unknown) => {
        log.warn({ run: id, error: problem }, "the run could not be ended");
      });
    return { outcome: "FAILED", message: errorText(error), costUsd: null, tokens: null };
  }

  async #submitJob({ id, step, values, trigger }: GateJob) {
    const { scheduler, workspace } = this.#options;
    const { outputs = [] } = step;
    const { worker, model, args, capabilities, preface } = await gateWork(step, this.#options);
    // As one text: where a script is quoted is decided from its beginning on.
    const template = preface + step.instructions;
    const { text, env } =
      worker === "shell"
        ? templateToShell(template, values)
        : { text: renderTemplate(template, values), env: {} };
    const job: JobSubmission = {
      id,
      task: {
        worker,
        workspace,
        instructions: text,
        capabilities: [...capabilities],
        env: { ...env },
        ...(args.length === 0 ? {} : { args: [...args] }),
        ...(model === null ? {} : { model }),
        ...(outputs.length === 0 ? {} : { outputs: [...outputs] }),
      },
      limits: { timeoutMs: step.timeoutMs, maxAttempts: lostMax + 1 },
      retry: { retryOn: ["lost"], baseDelayMs: 0 },
      context: { labels: { trigger: trigger?.id ?? "" } },
    };
    return { worker, handle: await scheduler.submit(job) };
  }
}

function endOf({ outcome, reason, costUsd, spent }: RunResult): TriggeredEnd {
  const end = { message: reason, costUsd, tokens: spent.tokens };
  return { ...end, outcome: outcome === "INTERRUPTED" ? outcome : outcomes[outcome] };
}

function variablesOf(request: RunRequest, id: string, workspace: string): Record<string, string> {
  const { event, chain, executionCount } = request;
  return {
    AGENTCORE_TRIGGER_ID: id,
    AGENTCORE_EVENT_ID: event.id,
    AGENTCORE_EXECUTION_COUNT: String(executionCount),
    AGENTCORE_DAEMON_CONTEXT: contextDirOf(workspace),
    [chainVariable]: formatChain(chain),
  };
}

function verdictOfShell({ state, result, reason }: JobEnd): Evaluation {
  if (state === "succeeded") return { answer: "run", text: "exit code 0" };
  const exitCode = result?.exitCode ?? null;
  if (exitCode === 1) return { answer: "skip", text: "exit code 1" };
  return { answer: "error", text: reason?.message ?? `exit code ${exitCode}` };
}

/** The last line that is not empty decides; anything but `run` is a skip. */
function verdictOfAgent({ state, result, reason }: JobEnd): Evaluation {
  if (state !== "succeeded") return { answer: "error", text: reason?.message ?? "the worker failed" };
  const line = lastLine(result);
  return line.toLowerCase() === "run" ? { answer: "run", text: line } : { answer: "skip", text: line };
}

function lastLine(result: WorkerResult | null): string {
  const lines = (result?.summary ?? "").split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "")?.slice(0, 200) ?? "";
}
