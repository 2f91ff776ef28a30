import { expect, it } from "vitest";
import type { ResultLine } from "@agentcore/contract";
import { textOf } from "./line.ts";
import { formatBytes, summaryLines } from "./summary.ts";

const succeeded: ResultLine = {
  type: "result",
  jobId: "j1",
  outcome: "succeeded",
  errorClass: null,
  code: null,
  attempts: 1,
  summary: "The test passes now.",
  costUsd: 0.1234,
  costBasis: "reported",
  usage: { inputTokens: 1200, cachedInputTokens: null, outputTokens: 30 },
  observations: { commands: [{ command: "node --test", exitCode: 0 }], filesChanged: ["sum.js"] },
  artifacts: [{ name: "changes.patch", kind: "patch", path: "/s/changes.patch", bytes: 2048 }],
  session: "s1",
  containment: {
    level: "sealed",
    implementation: "unshare",
    processesSeen: 3,
    survivors: 0,
    signals: [],
    emptyAfterMs: 4,
    provedBy: "pid-namespace",
  },
  durationMs: 1400,
};

const texts = (result: ResultLine, refused = false): string[] => summaryLines(result, refused).map(textOf);

it("a success names files, commands, cost, artifacts and the proof that nothing is left", () => {
  expect(texts(succeeded)).toEqual([
    "",
    "✓ succeeded in 1.4s",
    "  summary    The test passes now.",
    "  files      sum.js",
    "  commands   node --test → 0",
    "  cost       $0.12 (reported); tokens: 1,200 in, 30 out",
    "  session    s1",
    "  patch      /s/changes.patch (2.0 KiB)",
    "  contained  nothing left running (verified by pid-namespace); sealed (unshare); no signal needed; empty after 4ms",
  ]);
});

it("a failure says why, with its code and what to do about it", () => {
  const lines = texts({
    ...succeeded,
    outcome: "failed",
    errorClass: "task_failed",
    code: "AC_VERIFY_FAILED",
    summary: "verify exited 1",
    attempts: 3,
  });
  expect(lines.slice(1, 4)).toEqual([
    "✗ failed in 1.4s with 3 attempts: AC_VERIFY_FAILED (task_failed)",
    "  why        verify exited 1",
    "  do         Correct the work or the verify script; the verify log among the artifacts has all that the script printed.",
  ]);
});

it("a refusal is called one, and says nothing about time or a container", () => {
  const lines = texts(
    {
      ...succeeded,
      outcome: "failed",
      errorClass: "budget_exhausted",
      code: "AC_BUDGET_COST",
      summary: "global: 0.10 of 5.00 left today",
      attempts: 0,
      costUsd: null,
      costBasis: "none",
      usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
      artifacts: [],
      session: null,
      observations: { commands: [], filesChanged: [] },
      containment: null,
    },
    true,
  );
  expect(lines[1]).toBe("✗ refused: AC_BUDGET_COST (budget_exhausted)");
  expect(lines.slice(4)).toEqual(["  cost       none reported"]);
});

it("a survivor is named in the receipt", () => {
  const containment = {
    ...succeeded.containment!,
    survivors: 1,
    signals: ["TERM", "KILL"],
    emptyAfterMs: null,
  };
  expect(texts({ ...succeeded, containment }).at(-1)).toBe(
    "  contained  1 process left running (verified by pid-namespace); sealed (unshare); signals TERM, KILL",
  );
});

it("a long list says how much of it is not shown", () => {
  const filesChanged = Array.from({ length: 30 }, (_, n) => `f${n}`);
  const lines = texts({ ...succeeded, observations: { commands: [], filesChanged } });
  expect(lines.filter((line) => /f\d+$/.test(line))).toHaveLength(12);
  expect(lines).toContain("             … and 18 more (--json lists all)");
});

it("what is not known to have changed is said, and not left out", () => {
  const changed = (filesChanged: string[] | null, incomplete: string) =>
    texts({ ...succeeded, observations: { commands: [], filesChanged, incomplete } });
  expect(changed(null, "git took too long")).toContain("  files      not known: git took too long");
  expect(changed([], "why")).toContain("  files      perhaps more: why");
  expect(changed(["a"], "why")).toEqual(
    expect.arrayContaining(["  files      a", "             perhaps more: why"]),
  );
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [50 * 1024 * 1024, "50 MiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
