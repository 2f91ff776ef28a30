/** What became of an event at a trigger, as moments in their order. Pure. */
import type { Printed, FiringDocument, TriggerEventDocument } from "@agentcore/contract";
import { plainText, momentMs } from "../../format.ts";

type Firing = Printed<FiringDocument>;
type TriggerEvent = Printed<TriggerEventDocument>;

/** How it ended once it has, its state before. */
export const firingState = ({ state, outcome }: Pick<Firing, "state" | "outcome">): string =>
  outcome === null ? state : outcome.toLowerCase();

export const isOpen = ({ state }: Pick<Firing, "state">): boolean => state !== "ended" && state !== "skipped";

export interface Moment {
  /** In ms since the epoch. */
  readonly at: number;
  readonly text: string;
}

export function storyOf(firing: Firing, event: TriggerEvent | null): readonly Moment[] {
  const { trigger, attempt, reason, code, state } = firing;
  const because = [code, reason === null ? null : plainText(reason)]
    .filter((part) => part !== null)
    .join(": ");
  const moments: (readonly [at: string | null, text: string])[] = [
    [
      event?.at ?? null,
      event === null
        ? ""
        : `The event came from ${event.source}${event.replayOf === null ? "" : " as a replay"}.`,
    ],
    [firing.at, `Trigger ${trigger} took it.`],
    [
      firing.startedAt,
      state === "evaluating" ? "Its gate looks at the event." : `Run ${attempt ?? 1} of this firing began.`,
    ],
    [
      firing.endedAt,
      state === "skipped"
        ? `It was skipped${because === "" ? "" : ` (${because})`}.`
        : `The run ended: ${firingState(firing)}${because === "" ? "" : ` (${because})`}.`,
    ],
    [state === "waiting" ? firing.notBefore : null, `It may run${because === "" ? "" : ` (${because})`}.`],
  ];
  return moments
    .flatMap(([at, text]) => (at === null ? [] : [{ at: momentMs(at), text }]))
    .toSorted((a, b) => a.at - b.at);
}
