import { unknownUsage, type StopCause, type WorkerError, type WorkerReport } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { verdict, type VerdictInput, type WorkerExit } from "./verdict.ts";

const exited = (code: number): WorkerExit => ({ kind: "exited", code });
const signaled: WorkerExit = { kind: "signaled", signal: "SIGKILL" };

function report(overrides: Partial<WorkerReport> = {}): WorkerReport {
  return {
    terminal: "success",
    error: null,
    deniedTools: [],
    summary: "All done.",
    session: null,
    model: null,
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    malformedLines: 0,
    ...overrides,
  };
}

/** A run in which everything says success, with what a case makes different. */
function input(overrides: Partial<VerdictInput> = {}): VerdictInput {
  return {
    stop: null,
    exit: exited(0),
    report: report(),
    readerFailure: null,
    internalFailure: null,
    workspaceChanged: true,
    outputsWritten: 0,
    outputsMissing: [],
    verify: { kind: "not_run" },
    survivors: 0,
    limitsReached: [],
    stderrTail: "",
    ...overrides,
  };
}

function stop(kind: StopCause["kind"], code: StopCause["code"]): StopCause {
  return { kind, code, message: `because of ${kind}`, evidence: {} };
}

const providerError: WorkerError = {
  class: "rate_limited",
  message: "slow down",
  status: 429,
  retryAfterMs: 7000,
};
const ownError: WorkerError = {
  ...providerError,
  class: "invalid_request",
  status: null,
  retryAfterMs: null,
};
const denied = ["Write"];

type Case = [
  what: string,
  overrides: Partial<VerdictInput>,
  outcome: string,
  errorClass: string | null,
  code: string | null,
];

describe("the verdict", () => {
  it.each<Case>([
    // A limit of the run explains its end, but no provider's answer and no success.
    [
      "a signal, at a limit",
      { exit: signaled, limitsReached: ["reached memory"] },
      "failed",
      "task_failed",
      "AC_RUN_LIMIT",
    ],
    [
      "none, exit 1, at a limit",
      { report: report({ terminal: "none" }), exit: exited(1), limitsReached: ["reached processes"] },
      "failed",
      "task_failed",
      "AC_RUN_LIMIT",
    ],
    [
      "a provider's error, at a limit",
      { report: report({ error: providerError }), exit: exited(1), limitsReached: ["reached processes"] },
      "failed",
      "rate_limited",
      "AC_PROVIDER_STATUS",
    ],
    ["success, at a limit", { limitsReached: ["reached processes"] }, "succeeded", null, null],
    // What the worker claims, by its terminal event and its exit.
    ["success, exit 0", {}, "succeeded", null, null],
    ["success, exit 1", { exit: exited(1) }, "failed", "worker_crashed", "AC_WORKER_EXIT"],
    ["success, a signal", { exit: signaled }, "failed", "worker_crashed", "AC_WORKER_SIGNAL"],
    ["error, exit 0", { report: report({ terminal: "error" }) }, "failed", "task_failed", "AC_WORKER_ERROR"],
    [
      "error, exit 1",
      { report: report({ terminal: "error" }), exit: exited(1) },
      "failed",
      "task_failed",
      "AC_WORKER_ERROR",
    ],
    [
      "none, exit 0",
      { report: report({ terminal: "none" }) },
      "failed",
      "worker_protocol",
      "AC_WORKER_NO_RESULT",
    ],
    [
      "none, exit 1",
      { report: report({ terminal: "none" }), exit: exited(1) },
      "failed",
      "worker_crashed",
      "AC_WORKER_EXIT",
    ],
    [
      "none, a signal",
      { report: report({ terminal: "none" }), exit: signaled },
      "failed",
      "worker_crashed",
      "AC_WORKER_SIGNAL",
    ],
    [
      "none and garbage, exit 0",
      { report: report({ terminal: "none", malformedLines: 3 }) },
      "failed",
      "worker_protocol",
      "AC_WORKER_OUTPUT",
    ],
    [
      "none and garbage, exit 1",
      { report: report({ terminal: "none", malformedLines: 1 }), exit: exited(1) },
      "failed",
      "worker_protocol",
      "AC_WORKER_OUTPUT",
    ],
    ["success in spite of garbage", { report: report({ malformedLines: 3 }) }, "succeeded", null, null],
    ["no such event, exit 0", { report: report({ terminal: "not-applicable" }) }, "succeeded", null, null],
    [
      "no such event, exit 1",
      { report: report({ terminal: "not-applicable" }), exit: exited(1) },
      "failed",
      "task_failed",
      "AC_WORKER_EXIT",
    ],
    [
      "no such event, exit 127",
      { report: report({ terminal: "not-applicable" }), exit: exited(127) },
      "failed",
      "task_failed",
      "AC_WORKER_EXIT",
    ],
    [
      "no such event, a signal",
      { report: report({ terminal: "not-applicable" }), exit: signaled },
      "failed",
      "worker_crashed",
      "AC_WORKER_SIGNAL",
    ],
    // Errors that the worker reported.
    [
      "a provider's error",
      { report: report({ terminal: "error", error: providerError }), exit: exited(1) },
      "failed",
      "rate_limited",
      "AC_PROVIDER_STATUS",
    ],
    [
      "an error without a status",
      { report: report({ terminal: "error", error: ownError }), exit: exited(1) },
      "failed",
      "invalid_request",
      "AC_WORKER_ERROR",
    ],
    [
      "an error and no terminal event",
      { report: report({ terminal: "none", error: ownError }), exit: exited(1) },
      "failed",
      "invalid_request",
      "AC_WORKER_ERROR",
    ],
    [
      "an error beside a claim of success",
      { report: report({ error: ownError }) },
      "failed",
      "invalid_request",
      "AC_WORKER_ERROR",
    ],
    [
      "an error after which it was killed",
      { report: report({ terminal: "none", error: providerError }), exit: signaled },
      "failed",
      "rate_limited",
      "AC_PROVIDER_STATUS",
    ],
    [
      "the worker's own budget",
      {
        report: report({ terminal: "error", error: { ...ownError, class: "budget_exhausted" } }),
        exit: exited(1),
      },
      "budget_exhausted",
      "budget_exhausted",
      "AC_COST_CEILING",
    ],
    [
      "a refusal reported as an error",
      { report: report({ terminal: "error", error: { ...ownError, class: "permission_denied" } }) },
      "failed",
      "permission_denied",
      "AC_TOOL_DENIED",
    ],
    // Denied tools.
    [
      "denied, nothing changed",
      { report: report({ deniedTools: denied }), workspaceChanged: false },
      "failed",
      "permission_denied",
      "AC_TOOL_DENIED",
    ],
    [
      "denied, change unknown",
      { report: report({ deniedTools: denied }), workspaceChanged: null },
      "failed",
      "permission_denied",
      "AC_TOOL_DENIED",
    ],
    [
      "denied, work shown by a change",
      { report: report({ deniedTools: denied }), workspaceChanged: true },
      "succeeded",
      null,
      null,
    ],
    [
      "denied, work shown by the verify script",
      { report: report({ deniedTools: denied }), workspaceChanged: false, verify: { kind: "passed" } },
      "succeeded",
      null,
      null,
    ],
    [
      "denied, work shown by an output",
      { report: report({ deniedTools: denied }), workspaceChanged: false, outputsWritten: 1 },
      "succeeded",
      null,
      null,
    ],
    [
      "denied, and no terminal event",
      { report: report({ terminal: "none", deniedTools: denied }) },
      "failed",
      "permission_denied",
      "AC_TOOL_DENIED",
    ],
    [
      "denied, and the worker gave up",
      { report: report({ terminal: "error", deniedTools: denied }), exit: exited(1) },
      "failed",
      "permission_denied",
      "AC_TOOL_DENIED",
    ],
    [
      "denied, and killed",
      { report: report({ terminal: "none", deniedTools: denied }), exit: signaled },
      "failed",
      "worker_crashed",
      "AC_WORKER_SIGNAL",
    ],
    [
      "denied, and a provider's error",
      { report: report({ terminal: "error", deniedTools: denied, error: providerError }), exit: exited(1) },
      "failed",
      "rate_limited",
      "AC_PROVIDER_STATUS",
    ],
    ["nothing denied, nothing changed", { workspaceChanged: false }, "succeeded", null, null],
    // Whether the work is there.
    [
      "a missing output",
      { outputsMissing: ["report (a.md): it is not there"] },
      "failed",
      "task_failed",
      "AC_OUTPUT_MISSING",
    ],
    [
      "a failed verify script",
      { verify: { kind: "failed", reason: "exited with code 1" } },
      "failed",
      "task_failed",
      "AC_VERIFY_FAILED",
    ],
    [
      "a verify script that could not be started",
      {
        verify: {
          kind: "not_started",
          failure: { class: "internal", code: "AC_WORKER_SPAWN", message: "EAGAIN" },
        },
      },
      "failed",
      "internal",
      "AC_WORKER_SPAWN",
    ],
    [
      "a missing output before a failed verify script",
      { outputsMissing: ["x"], verify: { kind: "failed", reason: "" } },
      "failed",
      "task_failed",
      "AC_OUTPUT_MISSING",
    ],
    [
      "a failed worker before a missing output",
      { exit: exited(1), outputsMissing: ["x"] },
      "failed",
      "worker_crashed",
      "AC_WORKER_EXIT",
    ],
    // Causes from outside win over everything that the worker says.
    [
      "cancelled",
      { stop: stop("cancelled", "AC_CANCELLED"), exit: signaled },
      "cancelled",
      "cancelled",
      "AC_CANCELLED",
    ],
    [
      "cancelled, and the worker still claims success",
      { stop: stop("cancelled", "AC_CANCELLED") },
      "cancelled",
      "cancelled",
      "AC_CANCELLED",
    ],
    [
      "out of time",
      { stop: stop("deadline", "AC_TIMEOUT"), exit: signaled },
      "timed_out",
      "timeout",
      "AC_TIMEOUT",
    ],
    ["silent", { stop: stop("stalled", "AC_STALLED"), exit: signaled }, "stalled", "stalled", "AC_STALLED"],
    [
      "over its cost",
      { stop: stop("budget", "AC_COST_CEILING"), exit: signaled },
      "budget_exhausted",
      "budget_exhausted",
      "AC_COST_CEILING",
    ],
    [
      "over its tokens",
      { stop: stop("budget", "AC_TOKEN_CEILING"), exit: signaled },
      "budget_exhausted",
      "budget_exhausted",
      "AC_TOKEN_CEILING",
    ],
    [
      "the runtime ends",
      { stop: stop("runtime_lost", "AC_RUNTIME_LOST"), exit: signaled },
      "lost",
      "lost",
      "AC_RUNTIME_LOST",
    ],
    [
      "isolated",
      { stop: stop("isolated", "AC_WORKER_ISOLATED"), exit: signaled },
      "cancelled",
      "cancelled",
      "AC_WORKER_ISOLATED",
    ],
    [
      "cancelled before the start",
      {
        stop: stop("cancelled", "AC_CANCELLED"),
        report: null,
        exit: { kind: "not_started", failure: { class: "internal", code: "AC_INTERNAL", message: "" } },
      },
      "cancelled",
      "cancelled",
      "AC_CANCELLED",
    ],
    [
      "cancelled, with survivors",
      { stop: stop("cancelled", "AC_CANCELLED"), survivors: 2 },
      "cancelled",
      "cancelled",
      "AC_UNCONTAINED",
    ],
    // Faults of ours and of adapters.
    ["survivors after a success", { survivors: 1 }, "failed", "internal", "AC_UNCONTAINED"],
    [
      "not started",
      {
        report: null,
        exit: {
          kind: "not_started",
          failure: { class: "worker_missing", code: "AC_WORKER_MISSING", message: "install it" },
        },
      },
      "failed",
      "worker_missing",
      "AC_WORKER_MISSING",
    ],
    [
      "a reader that threw",
      { report: null, readerFailure: "oops", exit: signaled },
      "failed",
      "worker_protocol",
      "AC_ADAPTER_INVALID",
    ],
    ["an internal failure", { internalFailure: "oops", exit: signaled }, "failed", "internal", "AC_INTERNAL"],
  ])("for %s", (_what, overrides, outcome, errorClass, code) => {
    const decided = verdict(input(overrides));
    expect({ outcome: decided.outcome, errorClass: decided.errorClass, code: decided.code }).toEqual({
      outcome,
      errorClass,
      code,
    });
    expect(decided.summary).not.toBe("");
  });

  it("passes on how long the provider asked to wait", () => {
    const decided = verdict(input({ report: report({ terminal: "error", error: providerError }) }));
    expect(decided.retryAfterMs).toBe(7000);
    expect(decided.summary).toBe("slow down (status 429)");
  });

  it("names the refused tools in the summary of a success", () => {
    const decided = verdict(input({ report: report({ deniedTools: ["Bash", "Bash", "WebFetch"] }) }));
    expect(decided.summary).toBe("All done.\n(refused on the way: Bash, WebFetch)");
  });

  it("quotes the end of stderr where the worker gives no reason of its own", () => {
    const silent = report({ terminal: "none", summary: "" });
    const decided = verdict(input({ report: silent, exit: exited(2), stderrTail: "unknown flag --x\n" }));
    expect(decided.summary).toBe("exited with code 2 and no result: unknown flag --x");
  });

  it("explains the two exit codes by which a shell says that it could not run a command", () => {
    const shell = report({ terminal: "not-applicable", summary: "" });
    expect(verdict(input({ report: shell, exit: exited(127) })).summary).toContain("a command was not found");
    expect(verdict(input({ report: shell, exit: exited(126) })).summary).toContain("could not be executed");
  });
});
