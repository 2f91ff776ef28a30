import { expect, it } from "vitest";
import { shellStep, shellWork, testStep, testWorkflow } from "../testing/test-workflow.ts";
import { keysWithoutEffect } from "./keys-without-effect.ts";

it("names what a file asks for in vain, in sub-workflows too", () => {
  const work = shellWork("true", { worker: "codex", settings: { max_steps: 5 } });
  const probe = {
    intervalMs: 1000,
    timeoutMs: 1000,
    command: "true",
    stallThreshold: 2,
    requireZeroExit: true,
    onProbeError: "ignore",
    probeErrorThreshold: 3,
    captureStderr: true,
  } as const;
  const reaction = { action: "fail", errorClass: null, fingerprintPrefix: [], asIncomplete: false } as const;
  const stall = {
    noOutputTimeoutMs: null,
    activitySource: "worker_event",
    probe,
    onStall: reaction,
    onTerminal: reaction,
  } as const;
  const inner = testWorkflow([shellStep("watched", "true", { stall })]);
  const sub = {
    kind: "workflow",
    workflow: inner,
    exports: [],
    with: new Map(),
    exportsMode: "merge",
    bubbleEvents: false,
    eventPrefix: null,
  } as const;
  const workflow = testWorkflow([
    shellStep("plain", "true"),
    testStep("agent", { kind: "worker", work }),
    testStep("sub", sub),
  ]);
  expect(keysWithoutEffect(workflow)).toEqual([
    { step: "agent", what: "max_steps" },
    { step: "watched", what: "stall.probe" },
  ]);
});
