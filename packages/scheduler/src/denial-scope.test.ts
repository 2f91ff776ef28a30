import { describe, expect, it } from "vitest";
import type { Evidence } from "@agentcore/contract";
import { newRecord } from "./job-transition.ts";
import { testJob, testSubmission } from "./testing/fixtures.ts";
import { covers, scopeOfDenial, type DenialScope } from "./denial-scope.ts";

const task = { worker: "codex", model: "large", workspace: "/w", instructions: "x" };
const record = newRecord(testSubmission(testJob({ task, context: { tenant: "acme" } })));
const unkeyed = { ...record, concurrencyKey: null };

const worker: DenialScope = { kind: "worker", worker: "codex" };
const model: DenialScope = { kind: "model", worker: "codex", model: "large" };
const rows: [string, Evidence, DenialScope][] = [
  ["AC_GLOBAL_VALVE", { appliesTo: "global" }, { kind: "global" }],
  ["AC_FAILURE_CONCENTRATION", { appliesTo: "class:batch" }, { kind: "class", class: "batch" }],
  ["AC_WORKER_ISOLATED", { appliesTo: "worker:codex" }, worker],
  ["AC_WORKSPACE_LOCKED", { appliesTo: "workspace" }, { kind: "concurrency_key", concurrencyKey: "/w" }],
  ["AC_BREAKER_OPEN", { appliesTo: "provider:openai" }, worker],
  ["AC_PROVIDER_PAUSED", { appliesTo: "provider:openai/large" }, model],
  ["AC_CONCURRENCY", { appliesTo: "tenant:acme" }, { kind: "tenant", tenant: "acme" }],
  ["AC_BUDGET_COST", { scope: "global", appliesTo: "job" }, { kind: "job" }],
  ["AC_CONCURRENCY", {}, { kind: "job" }],
  ["AC_CONCURRENCY", { appliesTo: 7 }, { kind: "job" }],
  ["AC_CONCURRENCY", { appliesTo: "galaxy" }, { kind: "job" }],
  ["AC_DRAINING", {}, { kind: "global" }],
  ["AC_RUNTIME_LOST", {}, { kind: "global" }],
];

describe("whom a denial concerns", () => {
  it.each(rows)("%s %j", (code, evidence, scope) => {
    expect(scopeOfDenial({ code: code as "AC_INTERNAL", message: "", evidence }, record)).toEqual(scope);
  });

  it("is one job for a workspace that nothing else shares", () => {
    const denial = {
      code: "AC_WORKSPACE_LOCKED",
      message: "",
      evidence: { appliesTo: "workspace" },
    } as const;
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
