/**
 * Creates AgentCore's `WorkerRunner`: it starts any adapter's worker contained, under a permit, and returns one result.
 * This is the package's composition file: all real ports are bound here.
 */
import { createLaunchLine } from "@agentcore/containment";
import type { ProbeOutput, RunRequest, WorkerRun, WorkerRunner } from "@agentcore/contract";
import type { Probes } from "./probe-script.ts";
import { defaultRunnerLimits, type RunnerLimits, type RunnerOptions } from "../runner-options.ts";
import { prepareRun, type Run } from "./prepare.ts";
import { runAttempt } from "./run-attempt.ts";

export interface ProcessRunnerOptions extends Omit<RunnerOptions, "limits"> {
  readonly limits?: Partial<RunnerLimits>;
}

/** Maximum of attempts that make their directories at a time: a burst would block the event loop. */
const preparationsMax = 4;

export function createProcessRunner(options: ProcessRunnerOptions): WorkerRunner {
  const parts: RunnerOptions = { ...options, limits: { ...defaultRunnerLimits, ...options.limits } };
  const line = createLaunchLine(preparationsMax);
  const prepare = (request: RunRequest): Promise<Run> =>
    line.inTurn(() => prepareRun(parts, request), request.permit.signal);
  return {
    containmentLevel: parts.containment.level,
    start(request: RunRequest): WorkerRun {
      let probes: Probes | null = null;
      let endAsReported: (reason: string) => void = () => undefined;
      const result = runAttempt(parts, request, {
        prepare,
        onProbes(started) {
          probes = started;
        },
        onReportable(end) {
          endAsReported = end;
        },
      });
      const probe = async (script: string, timeoutMs: number): Promise<ProbeOutput | null> =>
        probes === null ? null : probes.look(script, timeoutMs);
      return { result, probe, endAsReported: (reason) => endAsReported(reason) };
    },
  };
}
