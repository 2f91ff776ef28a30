/** The answer of a trigger's gate. */
import type { Draft } from "./draft.ts";
import type { MachineInput } from "./machine.ts";
import { begin } from "./settle.ts";
import { holdOf, occupancyOf, readyAt } from "./waiting.ts";

/** Of what the gate says, this much is kept. */
const textMax = 500;

export function onEvaluated(
  draft: Draft,
  { firing: id, evaluation: { answer, text } }: Extract<MachineInput, { type: "evaluated" }>,
): void {
  const firing = draft.state.open.get(id);
  if (firing?.state.kind !== "evaluating") return;
  const { attempt } = firing.state;
  if (answer !== "run") {
    const said = text.slice(0, textMax);
    draft.skip(firing, "evaluate", answer === "skip" ? said : `the evaluation failed: ${said}`);
    return;
  }
  // What came up meanwhile counts as before a run: after a pause, a shutdown or a used budget the gate is asked again.
  const waiting = { ...firing, state: { kind: "waiting", notBefore: draft.facts.now, attempt } } as const;
  draft.put(waiting);
  const isFree = holdOf(draft.state, occupancyOf(draft.state), waiting) === null;
  if (isFree && readyAt(draft.state, waiting) <= draft.facts.now) begin(draft, waiting);
}
