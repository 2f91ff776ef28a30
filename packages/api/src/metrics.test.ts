/** The metrics: what they count, and that their text is one that Prometheus reads. */
import type { RunEvent } from "@agentcore/contract";
import { createVirtualClock, testResult } from "@agentcore/scheduler/testing";
import { expect, it } from "vitest";
import { createMetrics, type MetricsSample } from "./metrics.ts";

const sample: MetricsSample = {
  version: "0.1.0",
  queue: { ready: 3, delayed: 1, running: 2, succeeded: 9, dead: 4, cancelled: 0, oldestWaitMs: 1500 },
  budgets: [{ scope: "global", kind: "cost_usd", window: "day", limit: 5, held: 1, spent: 2, left: 2 }],
  breakers: [{ target: "worker:codex", state: "open", probeAt: 0 }],
  pressure: "defer",
  runtimeUp: true,
  runtimeRestarts: 2,
  refusedKeys: { missing: 0, unknown: 4, ended: 1, earlier_attempt: 0, stopping: 0 },
  firings: [{ trigger: 'night"ly', kind: "skipped", reason: "overlap", count: 7 }],
  sources: [{ source: null, kind: "unknown_path", count: 3 }],
  triggers: { active: 1, paused: 2, disabled: 0 },
  workflowRuns: 1,
  api: { clients: 5, droppedClients: 6, refused: { AC_API_UNAUTHORIZED: 8 } },
};

it("counts permits, attempts, stops, spending and survivors, and shows the levels of now", async () => {
  const clock = createVirtualClock();
  let breakers = sample.breakers;
  const metrics = createMetrics({ sample: async () => ({ ...sample, breakers }), clock });
  const base = { jobId: "j", at: 0, attempt: 1 };
  const decision = { code: "AC_CONCURRENCY", message: "", evidence: {} };
  const containment = {
    level: "sealed" as const,
    implementation: "bubblewrap",
    processesSeen: 3,
    survivors: 1,
    signals: [],
    emptyAfterMs: 1,
    provedBy: "cgroup",
  };
  const note = (event: object): void => metrics.note({ ...base, ...event } as RunEvent);
  note({ type: "permit_deferred", retryAfterMs: 1, ...decision });
  note({ type: "permit_deferred", retryAfterMs: 1, ...decision });
  note({ type: "permit_granted" });
  note({ type: "attempt_started", worker: "codex" });
  note({ type: "attempt_stopping", ...decision });
  await clock.advance(1500);
  const usage = { ...testResult().usage, inputTokens: 100, outputTokens: 20 };
  const result = testResult({ outcome: "cancelled", costUsd: 0.5, durationMs: 61_000, usage, containment });
  note({ type: "attempt_ended", result });
  const lines = (await metrics.text()).split("\n");
  for (const line of [
    'agentcore_permits_total{decision="deferred",code="AC_CONCURRENCY"} 2',
    'agentcore_permits_total{decision="granted",code=""} 1',
    'agentcore_attempts_total{outcome="cancelled",worker="codex"} 1',
    'agentcore_attempt_seconds_bucket{le="300",outcome="cancelled"} 1',
    "agentcore_stop_seconds_sum 1.5",
    'agentcore_spend_usd_total{worker="codex"} 0.5',
    'agentcore_spend_tokens_total{worker="codex"} 120',
    "agentcore_survivors_total 1",
    'agentcore_jobs{state="dead"} 4',
    "agentcore_queue_oldest_wait_seconds 1.5",
    'agentcore_budget_spent{scope="global",kind="cost_usd",window="day"} 2',
    'agentcore_breaker_state{target="worker:codex",state="open"} 1',
    "agentcore_backpressure_level 2",
    'agentcore_spend_gate_refused_keys{kind="unknown"} 4',
    'agentcore_spend_gate_refused_keys{kind="missing"} 0',
    'agentcore_firings{trigger="night\\"ly",state="skipped",reason="overlap"} 7',
    'agentcore_source_events{source="",kind="unknown_path"} 3',
    'agentcore_api_refused{code="AC_API_UNAUTHORIZED"} 8',
  ])
    expect(lines).toContain(line);
  // A breaker that is gone is no longer shown.
  breakers = [];
  expect(await metrics.text()).not.toContain("agentcore_breaker_state{");
});

it("have a help text and a type for every name", async () => {
  const metrics = createMetrics({ sample: async () => sample, clock: createVirtualClock() });
  const text = await metrics.text();
  const names = [...text.matchAll(/^# TYPE (\w+) (?:gauge|counter|histogram)$/gm)].map((match) => match[1]);
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z].*\\.$`, "m"));
});
