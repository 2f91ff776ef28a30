import type { ApiEvent } from "@agentcore/api";
import { acceptEvents, firingOf, triggerState } from "@agentcore/triggers/testing";
import { createMemoryTriggerStore } from "@agentcore/triggers";
import { expect, it } from "vitest";
import { DaemonEvents } from "./serve-daemon-api.ts";

it("those who follow hear of a trigger that was paused, and of one that fires once", async () => {
  const [event] = await acceptEvents(createMemoryTriggerStore(), {});
  const events = new DaemonEvents();
  const heard: ApiEvent[] = [];
  events.subscribe((one) => heard.push(one));
  const paused = { ...triggerState("nightly"), pause: { at: 0, by: "person", note: "release" } } as const;
  events.triggers({ firings: [], triggers: [paused] });
  events.triggers({
    firings: [firingOf(event!, { trigger: "nightly" })],
    triggers: [triggerState("nightly")],
  });
  expect(heard).toMatchObject([
    {
      topic: "triggers",
      trigger: "nightly",
      document: { type: "trigger_changed", trigger: "nightly", paused: true },
    },
    { topic: "triggers", trigger: "nightly", document: { type: "firing", trigger: "nightly" } },
  ]);
});
