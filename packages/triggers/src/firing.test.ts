import { expect, it } from "vitest";
import { isOpen, type Firing, type FiringState } from "./firing.ts";

const firing = (state: FiringState): Firing => ({
  id: "firing",
  trigger: "nightly",
  event: "event",
  at: 0,
  key: null,
  state,
});

it.each<[boolean, FiringState]>([
  [true, { kind: "waiting", notBefore: 0, attempt: 1 }],
  [true, { kind: "evaluating", startedAt: 0, attempt: 1 }],
  [true, { kind: "running", run: "run", startedAt: 0, attempt: 1, cancel: null }],
  [false, { kind: "skipped", reason: { code: "filter", text: "" }, endedAt: 0 }],
])("a firing is open (%s) until its run ends or it is skipped: %j", (expected, state) => {
  expect(isOpen(firing(state))).toBe(expected);
});
