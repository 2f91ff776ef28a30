import { expect, it } from "vitest";
import { firingState, isOpen, storyOf } from "./story.ts";

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const event = {
  type: "trigger_event",
  id: "e",
  sequence: 1,
  source: "orders",
  at: at(1),
  key: null,
  payload: {},
  chain: [],
  onlyTrigger: null,
  replayOf: null,
  code: null,
  reason: null,
  routed: true,
} as const;
const firing = {
  type: "firing",
  id: "f",
  sequence: 1,
  trigger: "t",
  event: "e",
  at: at(2),
  key: null,
  state: "waiting",
  attempt: 1,
  notBefore: null,
  run: null,
  startedAt: null,
  endedAt: null,
  outcome: null,
  code: null,
  reason: null,
  costUsd: null,
  tokens: null,
} as const;

const texts = (...args: Parameters<typeof storyOf>): readonly string[] =>
  storyOf(...args).map(({ text }) => text);
const began = ["The event came from orders.", "Trigger t took it."];

it("a firing that waits says until when and why", () => {
  const waiting = { ...firing, notBefore: at(9), code: "cooldown", reason: "the cooldown goes on" };
  expect(texts(waiting, event)).toEqual([...began, "It may run (cooldown: the cooldown goes on)."]);
});

it("a firing that was skipped says why, without terminal escapes", () => {
  const skipped = {
    ...firing,
    state: "skipped",
    attempt: null,
    endedAt: at(2),
    code: "paused",
    reason: "\u001b[31mred",
  } as const;
  expect(texts(skipped, event)).toEqual([...began, "It was skipped (paused: red)."]);
  expect(isOpen(skipped)).toBe(false);
});

it("a firing whose second run failed has every moment in order", () => {
  const ended = {
    ...firing,
    state: "ended",
    attempt: 2,
    startedAt: at(3),
    endedAt: at(5),
    outcome: "FAILED",
    reason: "step a failed",
  } as const;
  expect(texts(ended, { ...event, replayOf: "x" })).toEqual([
    "The event came from orders as a replay.",
    "Trigger t took it.",
    "Run 2 of this firing began.",
    "The run ended: failed (step a failed).",
  ]);
  expect(firingState(ended)).toBe("failed");
});

it("an event that is gone leaves the rest of the story", () => {
  expect(texts({ ...firing, state: "evaluating", startedAt: at(3) }, null)).toEqual([
    "Trigger t took it.",
    "Its gate looks at the event.",
  ]);
  expect(isOpen(firing)).toBe(true);
});
