/**
 * Builds a line of a run's events file. Unless the workflow file enables it, a line has no text that a worker printed,
 * wrote or received: only that it did, when, and how much. A probe's results are intended for sharing and are included,
 * except stderr. Pure.
 */
import type { RunEvent as JobEvent, WorkerEvent } from "@agentcore/contract";
import type { WorkflowEvent } from "../run-ports.ts";
import { durationMsOf } from "./record-files.ts";

export function telemetryLine(event: WorkflowEvent, includeWorkerOutput: boolean): object {
  const { at: ts, type, run } = event;
  const common = { ts, type, run };
  switch (event.type) {
    case "run_started":
      return { ...common, name: event.name, resumed: event.resumed, steps: event.steps };
    case "notification_failed":
      return { ...common, event: event.event, problem: event.problem };
    case "run_waiting":
      return { ...common, group: event.group, holder: event.holder };
    case "step_changed": {
      const { reason, output, values, approval, ...step } = event.step;
      return { ...common, step: includeWorkerOutput ? { ...step, reason, output, values, approval } : step };
    }
    case "job_event": {
      const { step, piece } = event;
      return { ...common, step, piece, event: includeWorkerOutput ? event.event : jobFacts(event.event) };
    }
    case "run_ended": {
      const { outcome, code, spent } = event.result;
      return { ...common, outcome, code, spent, durationMs: durationMsOf(event.result) };
    }
  }
}

function jobFacts(event: JobEvent): object {
  switch (event.type) {
    case "worker_event":
      return { ...event, event: workerFacts(event.event) };
    case "attempt_ended": {
      const { outcome, errorClass, code, exitCode, costUsd, usage, durationMs } = event.result;
      return { ...event, result: { outcome, errorClass, code, exitCode, costUsd, usage, durationMs } };
    }
    case "permit_granted":
      return { ...event, permit: { id: event.permit.id, worker: event.permit.worker } };
    default:
      return event;
  }
}

function workerFacts(event: WorkerEvent): object {
  switch (event.type) {
    case "text":
    case "stdout":
    case "stderr":
    case "raw":
    case "progress":
      return { type: event.type, chars: event.text.length };
    case "denied":
      return { type: event.type, tool: event.tool };
    case "tool_call":
      return { type: event.type, id: event.id, tool: event.tool };
    case "tool_result":
      return { type: event.type, id: event.id, ok: event.ok, exitCode: event.exitCode };
    case "probe": {
      const { stderr = "", ...probe } = event;
      return stderr === "" ? probe : { ...probe, stderrChars: stderr.length };
    }
    case "started":
    case "ended":
    case "calls":
    case "file_change":
    case "usage":
    case "warning":
      return event;
  }
}
