import { type ErrorClass, errorClasses } from "@agentcore/contract";
import { expect, it } from "vitest";
import { fakeResult } from "../testing/fake-worker.ts";
import { blameOf, healthOf } from "./run-health.ts";

/** For the end with each class: the worker's breaker, the provider's breaker, whether the provider is paused, the blame. */
const table: Readonly<
  Record<ErrorClass, [worker: string, provider: string, pauses: boolean, blame: string]>
> = {
  rate_limited: ["neutral", "neutral", true, "none"],
  quota_exhausted: ["neutral", "neutral", false, "none"],
  provider_unavailable: ["neutral", "failure", false, "worker"],
  network: ["neutral", "failure", false, "worker"],
  auth: ["neutral", "neutral", false, "none"],
  invalid_request: ["neutral", "neutral", false, "none"],
  worker_missing: ["neutral", "neutral", false, "none"],
  worker_crashed: ["failure", "neutral", false, "worker"],
  worker_protocol: ["failure", "neutral", false, "worker"],
  timeout: ["neutral", "neutral", false, "task"],
  stalled: ["failure", "neutral", false, "worker"],
  budget_exhausted: ["neutral", "neutral", false, "none"],
  permission_denied: ["success", "success", false, "none"],
  task_failed: ["success", "success", false, "task"],
  cancelled: ["neutral", "neutral", false, "none"],
  lost: ["neutral", "neutral", false, "none"],
  internal: ["neutral", "neutral", false, "none"],
};

it.each(errorClasses.map((errorClass) => [errorClass, ...table[errorClass]] as const))(
  "a run that failed with %s: worker %s, provider %s, pause %s, blame %s",
  (errorClass, worker, provider, pauses, blame) => {
    const result = fakeResult({ outcome: "failed", errorClass });
    expect(healthOf(result)).toEqual({ worker, provider, refusal: pauses ? { retryAfterMs: null } : null });
    expect(blameOf(result)).toBe(blame);
  },
);

it.each(["AC_PROBE_STALLED", "AC_PROBE_TERMINAL"])("what a probe found (%s) is the task's affair", (code) => {
  const result = fakeResult({ outcome: "stalled", errorClass: "stalled", code });
  expect(healthOf(result)).toEqual({ worker: "neutral", provider: "neutral", refusal: null });
  expect(blameOf(result)).toBe("task");
});

it("a success speaks for both", () => {
  expect(healthOf(fakeResult())).toEqual({ worker: "success", provider: "success", refusal: null });
  expect(blameOf(fakeResult())).toBe("none");
});

it.each([
  ["rate_limited", true],
  ["provider_unavailable", true],
  ["quota_exhausted", true],
  ["auth", false],
  ["worker_crashed", false],
] as const)("a wait asked for with %s pauses the provider: %s", (errorClass, pauses) => {
  const { refusal } = healthOf(fakeResult({ outcome: "failed", errorClass, retryAfterMs: 5000 }));
  expect(refusal).toEqual(pauses ? { retryAfterMs: 5000 } : null);
});
