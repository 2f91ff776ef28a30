import type { StopCause } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { firstStopCause } from "./stop-cause.ts";

const deadline: StopCause = {
  kind: "deadline",
  code: "AC_TIMEOUT",
  message: "late",
  evidence: { limitMs: 5 },
};

describe("the watch on a permit's signal", () => {
  it("knows the cause as it was given, and tells everybody once, early or late", () => {
    const controller = new AbortController();
    const stop = firstStopCause(controller.signal);
    const told: unknown[] = [];
    stop.onCause((cause) => told.push(cause));
    const takeBack = stop.onCause(() => told.push("taken back"));
    takeBack();
    expect(stop.cause()).toBeNull();
    controller.abort(deadline);
    stop.onCause((cause) => told.push(cause));
    expect(told).toEqual([deadline, deadline]);
    expect(stop.cause()).toBe(deadline);
  });

  it("knows a cause that was there before it", () => {
    expect(firstStopCause(AbortSignal.abort(deadline)).cause()).toBe(deadline);
  });

  it("does not count what comes after it is settled", () => {
    const controller = new AbortController();
    const stop = firstStopCause(controller.signal);
    stop.settle();
    controller.abort(deadline);
    expect(stop.cause()).toBeNull();
  });

  it.each([
    [undefined],
    ["because"],
    [new Error("the screen went away")],
    [{ kind: "deadline", code: "NO_CODE", message: "" }],
  ])("takes an abort with %j as somebody cancelling", (reason) => {
    expect(firstStopCause(AbortSignal.abort(reason)).cause()).toMatchObject({
      kind: "cancelled",
      code: "AC_CANCELLED",
    });
  });
});
