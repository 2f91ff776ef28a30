/**
 * The `WorkerRunner` of AgentCore: starts any adapter's worker contained, under a permit, and returns one result. This is
 * the package's composition: everything ambient comes in here.
 */
import type { RunRequest, WorkerRun, WorkerRunner } from "@agentcore/contract";
import { defaultRunnerLimits, type RunnerLimits, type RunnerOptions } from "../runner-options.ts";
import { runAttempt, type RunControl } from "./run-attempt.ts";

export interface ProcessRunnerOptions extends Omit<RunnerOptions, "limits"> {
  readonly limits?: Partial<RunnerLimits>;
}

export function createProcessRunner(options: ProcessRunnerOptions): WorkerRunner {
  const parts: RunnerOptions = { ...options, limits: { ...defaultRunnerLimits, ...options.limits } };
  return {
    containmentLevel: parts.containment.level,
    start(request: RunRequest): WorkerRun {
      let control: RunControl | null = null;
      let asked = false;
      const result = runAttempt(parts, request, (channel) => {
        control = channel;
        if (asked) channel.hasten();
      });
      return {
        result,
        hasten() {
          asked = true;
          control?.hasten();
        },
        async probe(script, timeoutMs) {
          return control === null ? null : control.probe(script, timeoutMs);
        },
      };
    },
  };
}
