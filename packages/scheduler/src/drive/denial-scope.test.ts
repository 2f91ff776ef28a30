import { describe, expect, it } from "vitest";
import type { Evidence } from "@agentcore/contract";
import { newRecord } from "../job-transition.ts";
import { testJob, testSubmission } from "../testing/fixtures.ts";
import { covers, scopeOfDenial, type DenialScope } from "./denial-scope.ts";

const task = { worker: "codex", model: "large", workspace: "/w", instructions: "x" };
const record = newRecord(testSubmission(testJob({ task, context: { tenant: "acme" } })));
const unkeyed = { ...record, concurrencyKey: null };

const worker: DenialScope = { kind: "worker", worker: "codex" };
const rows: [string, Evidence, DenialScope][] = [
  ["AC_GLOBAL_VALVE", {}, { kind: "global" }],
  ["AC_DRAINING", {}, { kind: "global" }],
  ["AC_RESTART_INTENSITY", {}, { kind: "global" }],
  ["AC_BACKPRESSURE", { signal: "memory" }, { kind: "global" }],
  ["AC_FAILURE_CONCENTRATION", { stage: "shed" }, { kind: "class", class: "batch" }],
  ["AC_WORKER_ISOLATED", {}, worker],
  ["AC_WORKSPACE_LOCKED", {}, { kind: "concurrency_key", concurrencyKey: "/w" }],
  ["AC_BREAKER_OPEN", { target: "worker:codex" }, worker],
  ["AC_BREAKER_OPEN", { target: "provider:openai" }, worker],
  [
    "AC_BREAKER_OPEN",
    { target: "provider:openai/large" },
    { kind: "model", worker: "codex", model: "large" },
  ],
  [
    "AC_PROVIDER_PAUSED",
    { target: "provider:openai/large" },
    { kind: "model", worker: "codex", model: "large" },
  ],
  ["AC_CONCURRENCY", { scope: "global" }, { kind: "global" }],
  ["AC_CONCURRENCY", { scope: "worker:codex" }, worker],
  ["AC_CONCURRENCY", { scope: "tenant:acme" }, { kind: "tenant", tenant: "acme" }],
  ["AC_CONCURRENCY", { scope: "job:j" }, { kind: "job" }],
  ["AC_CONCURRENCY", {}, { kind: "job" }],
  ["AC_START_RATE", { scope: "worker:codex" }, worker],
  ["AC_BUDGET_COST", { scope: "global" }, { kind: "global" }],
  ["AC_INTERNAL", { scope: "global" }, { kind: "job" }],
];

describe("whom a denial concerns", () => {
  it.each(rows)("%s %j", (code, evidence, scope) => {
    expect(
      scopeOfDenial({ code: code as "AC_INTERNAL", message: "", evidence, retryAfterMs: 500 }, record),
    ).toEqual(scope);
  });

  it("is one job for a budget that is out for long, since others may fit", () => {
    const denial = {
      code: "AC_BUDGET_COST",
      message: "",
      evidence: { scope: "global" },
      retryAfterMs: 60_000,
    } as const;
    expect(scopeOfDenial(denial, record)).toEqual({ kind: "job" });
  });

  it("is one job for a workspace that nothing else shares", () => {
    const denial = { code: "AC_WORKSPACE_LOCKED", message: "", evidence: {}, retryAfterMs: 500 } as const;
    expect(scopeOfDenial(denial, unkeyed)).toEqual({ kind: "job" });
  });

  it("covers exactly the jobs that it names", () => {
    const other = newRecord(testSubmission(testJob({ priority: { class: "interactive" } })));
    const scopes: DenialScope[] = [
      worker,
      { kind: "model", worker: "codex", model: "large" },
      { kind: "tenant", tenant: "acme" },
      { kind: "class", class: "batch" },
      { kind: "concurrency_key", concurrencyKey: "/w" },
    ];
    expect(scopes.map((scope) => covers(scope, record))).toEqual(scopes.map(() => true));
    expect(scopes.map((scope) => covers(scope, other))).toEqual(scopes.map(() => false));
    expect(covers({ kind: "global" }, other)).toBe(true);
    expect(covers({ kind: "job" }, record)).toBe(false);
  });
});
