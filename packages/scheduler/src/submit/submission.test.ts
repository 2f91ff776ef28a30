import { describe, expect, it } from "vitest";
import { AgentCoreError } from "@agentcore/contract";
import { countingIds } from "../testing/rig.ts";
import { defaultPolicies } from "./policies.ts";
import { toSubmission, type SubmissionOptions } from "./submission.ts";

const task = { worker: "shell", workspace: "/w", instructions: "true" };
const ports = (more: Partial<SubmissionOptions> = {}): SubmissionOptions => ({
  ids: countingIds("id"),
  policies: defaultPolicies,
  now: 1000,
  ...more,
});

function codeOf(input: unknown, more: Partial<SubmissionOptions> = {}): string {
  try {
    toSubmission(input, ports(more));
    return "taken";
  } catch (error) {
    return error instanceof AgentCoreError ? error.code : String(error);
  }
}

const cyclic: Record<string, unknown> = { task };
cyclic["context"] = { labels: cyclic };

function nested(depth: number): unknown {
  return Array.from({ length: depth }).reduce((inner) => ({ inner }), {});
}

describe("a submission", () => {
  it("gets an id, and says whether the caller chose it", () => {
    expect(toSubmission({ task }, ports())).toMatchObject({ job: { id: "id-000001" }, rememberAlias: false });
    expect(toSubmission({ id: "mine", task }, ports())).toMatchObject({
      job: { id: "mine" },
      rememberAlias: true,
    });
  });

  it("may run at once, or at the moment it names", () => {
    expect(toSubmission({ task }, ports())).toMatchObject({ runAt: 1000, delayMs: 0, readyFrom: 1000 });
    expect(toSubmission({ task, notBefore: 500 }, ports())).toMatchObject({ runAt: 1000, delayMs: 0 });
    expect(toSubmission({ task, notBefore: 5000 }, ports())).toMatchObject({
      runAt: 5000,
      delayMs: null,
      readyFrom: 5000,
      submittedAt: 1000,
    });
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "job"],
    ["a list", [{ task }]],
    ["no task", {}],
    ["an empty instruction", { task: { ...task, instructions: "  " } }],
    ["an unknown field", { task, urgent: true }],
    ["a wrong priority", { task, priority: { value: 1001 } }],
    ["no attempts", { task, limits: { maxAttempts: 0 } }],
    ["a cycle", cyclic],
    ["a deep object", { task, context: { labels: nested(100_000) } }],
    ["an id of the wrong kind", { id: 7, task }],
    ["a label that would be lost", { task, context: { labels: JSON.parse('{"__proto__":"1"}') } }],
    ["a variable that would be lost", { task: { ...task, env: JSON.parse('{"__proto__":"1"}') } }],
  ])("is refused with AC_JOB_INVALID for %s", (_what, input) => {
    expect(codeOf(input)).toBe("AC_JOB_INVALID");
  });

  it("names the field that is wrong", () => {
    expect(() => toSubmission({ task: { ...task, worker: "" } }, ports())).toThrow(/^task\.worker: /);
  });

  it("is refused above a mebibyte, counted in bytes", () => {
    const instructions = "é".repeat(500 * 1024);
    expect(codeOf({ task: { ...task, instructions } })).toBe("taken");
    expect(codeOf({ task: { ...task, instructions: `${instructions}${instructions}` } })).toBe(
      "AC_JOB_TOO_LARGE",
    );
  });

  it("is refused for a worker that there is not", () => {
    expect(codeOf({ task }, { workers: ["codex"] })).toBe("AC_WORKER_UNKNOWN");
    expect(codeOf({ task }, { workers: ["codex", "shell"] })).toBe("taken");
  });

  it("is refused where the rank policy answers no number", () => {
    expect(codeOf({ task }, { policies: { ...defaultPolicies, rank: () => NaN } })).toBe("AC_JOB_INVALID");
  });
});
