/**
 * The classes of failures: a closed set to which every adapter maps its worker's failures. The class decides the default
 * retry, whether a breaker counts the failure, and the provider's pause.
 */
import { z } from "zod";

export const errorClasses = [
  "rate_limited",
  "quota_exhausted",
  "provider_unavailable",
  "network",
  "auth",
  "invalid_request",
  "worker_missing",
  "worker_crashed",
  "worker_protocol",
  "timeout",
  "stalled",
  "budget_exhausted",
  "permission_denied",
  "task_failed",
  "cancelled",
  "lost",
  "internal",
] as const;
export const errorClassSchema = z.enum(errorClasses);
export type ErrorClass = z.infer<typeof errorClassSchema>;

/** Who caused the failure; breakers count only `provider` and `worker`. */
export type FaultDomain = "provider" | "worker" | "account" | "task" | "caller" | "system";

export interface ErrorClassTraits {
  /** Retried by default while attempts remain. */
  readonly retryable: boolean;
  readonly fault: FaultDomain;
  /** Which breaker the failure counts against: the provider's, the worker's, or none. */
  readonly trips: "provider" | "worker" | "none";
  readonly meaning: string;
}

export const errorClassTraits: Readonly<Record<ErrorClass, ErrorClassTraits>> = {
  rate_limited: {
    retryable: true,
    fault: "provider",
    trips: "none",
    meaning: "The provider asked for fewer requests; its target is paused for all runs.",
  },
  quota_exhausted: {
    retryable: false,
    fault: "account",
    trips: "none",
    meaning: "The account has no credit or its usage window is used up.",
  },
  provider_unavailable: {
    retryable: true,
    fault: "provider",
    trips: "provider",
    meaning: "The provider replied with a server error or invalid data.",
  },
  network: {
    retryable: true,
    fault: "provider",
    trips: "provider",
    meaning: "The provider could not be reached, or the connection broke.",
  },
  auth: {
    retryable: false,
    fault: "account",
    trips: "none",
    meaning: "The credential is missing, wrong or not allowed.",
  },
  invalid_request: {
    retryable: false,
    fault: "caller",
    trips: "none",
    meaning: "The provider or the worker refused the request as invalid (model, session, flags).",
  },
  worker_missing: {
    retryable: false,
    fault: "system",
    trips: "none",
    meaning: "The worker's program is not installed, or too old.",
  },
  worker_crashed: {
    retryable: true,
    fault: "worker",
    trips: "worker",
    meaning: "The worker was killed by a signal or exited without its terminal event.",
  },
  worker_protocol: {
    retryable: true,
    fault: "worker",
    trips: "worker",
    meaning: "The adapter did not understand the worker's output.",
  },
  timeout: {
    retryable: true,
    fault: "task",
    trips: "none",
    meaning: "The attempt reached its time limit.",
  },
  stalled: {
    retryable: true,
    fault: "worker",
    trips: "worker",
    meaning:
      "The run showed no sign of life for longer than allowed: of the worker, a tool call, or the provider.",
  },
  budget_exhausted: {
    retryable: false,
    fault: "caller",
    trips: "none",
    meaning: "The cost or token ceiling was reached.",
  },
  permission_denied: {
    retryable: false,
    fault: "caller",
    trips: "none",
    meaning: "The worker needed a tool that its capabilities do not allow.",
  },
  task_failed: {
    retryable: true,
    fault: "task",
    trips: "none",
    meaning: "The worker ran, but the task failed (exit code, verify script, missing output).",
  },
  cancelled: { retryable: false, fault: "caller", trips: "none", meaning: "The run was cancelled." },
  lost: {
    retryable: true,
    fault: "system",
    trips: "none",
    meaning: "The runtime or the machine died during the attempt; its outcome is unknown.",
  },
  internal: { retryable: true, fault: "system", trips: "none", meaning: "An internal error of AgentCore." },
};
