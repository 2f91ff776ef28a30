import { probeSpecSchema } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { Stall } from "../definition.ts";
import { testProbe, testReaction, testStall } from "../testing/test-workflow.ts";
import { stallRequest } from "./stall-request.ts";

const timeoutMs = 600_000;
const probe = testProbe({ command: "./look.sh" });
const ignore = testReaction({ action: "ignore" });

describe("the silence that a job asks to be stopped for", () => {
  it.each<[string, Stall | null, number | undefined]>([
    ["without a guard is the runtime's own", null, undefined],
    ["with a guard that only probes is the runtime's own", testStall({ probe }), undefined],
    ["is no_output_timeout", testStall({ noOutputTimeoutMs: 9000 }), 9000],
    [
      "is as long as the job where only the probe counts",
      testStall({ activitySource: "probe_only", noOutputTimeoutMs: 9000, probe }),
      timeoutMs,
    ],
    [
      "is as long as the job where a stall is ignored",
      testStall({ noOutputTimeoutMs: 9000, onStall: ignore }),
      timeoutMs,
    ],
    [
      "is no_output_timeout where only a terminal state is ignored",
      testStall({ noOutputTimeoutMs: 9000, onTerminal: ignore }),
      9000,
    ],
  ])("%s", (_what, stall, silenceTimeoutMs) => {
    expect(stallRequest(stall, timeoutMs).silenceTimeoutMs).toBe(silenceTimeoutMs);
  });
});

describe("the probe that a job asks for", () => {
  it("has every key of the file's", () => {
    const stall = testStall({
      probe: {
        intervalMs: 5000,
        timeoutMs: 2000,
        command: "./look.sh",
        stallThreshold: 7,
        requireZeroExit: true,
        onProbeError: "terminal",
        probeErrorThreshold: 4,
        captureStderr: true,
      },
    });
    const spec = stallRequest(stall, timeoutMs).probe;
    expect(spec).toEqual({
      intervalMs: 5000,
      timeoutMs: 2000,
      command: "./look.sh",
      stallThreshold: 7,
      requireZeroExit: true,
      onError: "terminal",
      errorThreshold: 4,
      keepStderr: true,
      stopsOn: ["stalled", "terminal"],
      countsAsActivity: false,
    });
    expect(probeSpecSchema.parse(spec)).toEqual(spec);
  });

  it.each<[Partial<Stall>, string[]]>([
    [{ onStall: ignore }, ["terminal"]],
    [{ onTerminal: ignore }, ["stalled"]],
    [{ onStall: ignore, onTerminal: ignore }, []],
  ])("only looks where the finding is ignored: %j", (change, stopsOn) => {
    expect(stallRequest(testStall({ probe, ...change }), timeoutMs).probe?.stopsOn).toEqual(stopsOn);
  });

  it.each([
    ["worker_event", false],
    ["any_event", true],
    ["probe_only", false],
  ] as const)("ends a silence with %s: %s", (activitySource, counts) => {
    expect(stallRequest(testStall({ probe, activitySource }), timeoutMs).probe?.countsAsActivity).toBe(
      counts,
    );
  });
});
