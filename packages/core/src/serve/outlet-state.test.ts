/** What an event outlet does in each state with each event. */
import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import { nextOutlet, type OutletEvent, type OutletFacts, type OutletState } from "./outlet-state.ts";

const facts: OutletFacts = { window: 2, held: 0, isFull: false, isOpen: true };
const state: OutletState = { kind: "running", sent: 5, acknowledged: 4, omitted: 0 };

/** With `acknowledged` 3, the client is a whole window behind. */
const situations = {
  idle: [state, facts],
  "behind, 3 held": [
    { ...state, acknowledged: 3 },
    { ...facts, held: 3 },
  ],
  "behind, full": [
    { ...state, acknowledged: 3 },
    { ...facts, held: 3, isFull: true },
  ],
  "stream full": [state, { ...facts, held: 3, isOpen: false }],
  omitting: [
    { ...state, acknowledged: 3, omitted: 7 },
    { ...facts, held: 3 },
  ],
  "omitting, none held": [{ ...state, acknowledged: 3, omitted: 7 }, facts],
  finishing: [
    { ...state, kind: "finishing", acknowledged: 3, omitted: 7 },
    { ...facts, held: 3 },
  ],
  finished: [{ ...state, kind: "finished" }, facts],
} satisfies Record<string, readonly [OutletState, OutletFacts]>;

const events: Readonly<Record<string, OutletEvent>> = {
  pushed: { type: "pushed", event: { type: "stdout", text: "more" } },
  "acknowledged 4": { type: "acknowledged", seq: 4 },
  "acknowledged 6": { type: "acknowledged", seq: 6 },
  flushed: { type: "flushed" },
  ended: { type: "ended" },
  timed_out: { type: "timed_out" },
};

function tell(before: OutletState, event: OutletEvent, given: OutletFacts): string {
  const { state: after, effects } = nextOutlet(before, event, given);
  if (isDeepStrictEqual(after, before) && effects.length === 0) return "same";
  const told = effects.map((effect) => ("count" in effect ? `${effect.type} ${effect.count}` : effect.type));
  const parts = [
    after.kind === before.kind ? "" : after.kind,
    after.omitted === before.omitted ? "" : `omitted ${after.omitted}`,
    after.sent === before.sent ? "" : `sent ${after.sent}`,
  ];
  return [...parts.filter((part) => part !== ""), ...told].join(", ");
}

const unchanged = Object.fromEntries(Object.keys(situations).map((name) => [name, "same"])) as Record<
  keyof typeof situations,
  string
>;

it.each<[string, Readonly<Record<keyof typeof situations, string>>]>([
  [
    "pushed",
    {
      idle: "sent 6, hold, send_held",
      "behind, 3 held": "hold",
      "behind, full": "omitted 1",
      "stream full": "hold",
      omitting: "omitted 8",
      "omitting, none held": "omitted 8",
      finishing: "omitted 8",
      finished: "same",
    },
  ],
  [
    "acknowledged 4",
    {
      idle: "same",
      "behind, 3 held": "sent 6, send_held",
      "behind, full": "sent 6, send_held",
      "stream full": "same",
      omitting: "sent 6, send_held",
      "omitting, none held": "omitted 0, sent 6, report_omitted 7",
      finishing: "sent 6, await_acknowledgement, send_held",
      finished: "same",
    },
  ],
  // It was never sent.
  ["acknowledged 6", unchanged],
  ["flushed", unchanged],
  [
    "ended",
    {
      idle: "finished, await_acknowledgement, finish",
      "behind, 3 held": "finishing, await_acknowledgement",
      "behind, full": "finishing, await_acknowledgement",
      "stream full": "finishing, await_acknowledgement",
      omitting: "finishing, await_acknowledgement",
      "omitting, none held": "finishing, await_acknowledgement",
      finishing: "same",
      finished: "same",
    },
  ],
  // The result is sent, after one event that says how many are missing.
  ["timed_out", { ...unchanged, finishing: "finished, omitted 0, sent 6, report_omitted 10, finish" }],
])("%s", (name, expected) => {
  const event = events[name]!;
  const told = Object.entries(situations).map(([where, [before, given]]) => [
    where,
    tell(before, event, given),
  ]);
  expect(Object.fromEntries(told)).toEqual(expected);
});

it("sends what the window and the stream take when the stream has room again", () => {
  const [before, given] = situations["stream full"];
  const sent = (more: Partial<OutletFacts>) => nextOutlet(before, events["flushed"]!, { ...given, ...more });
  expect(sent({ isOpen: true }).effects).toEqual([{ type: "send_held", seq: 6 }]);
  expect(sent({ isOpen: true, window: 1 }).effects).toEqual([]);
});

it("finishes as soon as nothing is left to send", () => {
  const finishing: OutletState = { ...state, kind: "finishing" };
  const acknowledged = nextOutlet(finishing, { type: "acknowledged", seq: 5 }, facts);
  expect(acknowledged.effects.map(({ type }) => type)).toEqual(["await_acknowledgement", "finish"]);
  expect(acknowledged.state.kind).toBe("finished");
});
