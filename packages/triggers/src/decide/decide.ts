/** The machine: what an input changes, and then what may begin. Pure. */
import { applyClock } from "./clock-set-back.ts";
import { Draft } from "./draft.ts";
import type { Decision, DecisionFacts, MachineInput, MachineState } from "./machine.ts";
import { onEvaluated } from "./on-evaluated.ts";
import { onEvent } from "./on-event.ts";
import { onAnalyzed, onRunEnded } from "./on-run-ended.ts";
import { beginWhatMay, dropAboveQueue, skipWhatCannotRun } from "./settle.ts";

/** The same state, input and facts give the same decision. An input about a firing or trigger that is not there changes nothing. */
export function decide(state: MachineState, input: MachineInput, facts: DecisionFacts): Decision {
  const draft = new Draft(state, facts);
  apply(draft, input);
  applyClock(draft);
  skipWhatCannotRun(draft);
  beginWhatMay(draft);
  dropAboveQueue(draft);
  return draft.decision();
}

function apply(draft: Draft, input: MachineInput): void {
  switch (input.type) {
    case "event":
      onEvent(draft, input.event);
      return;
    case "time":
      return;
    case "evaluated":
      onEvaluated(draft, input);
      return;
    case "run_ended":
      onRunEnded(draft, input);
      return;
    case "analyzed":
      onAnalyzed(draft, input.firing);
      return;
    case "pause":
      onPause(draft, input.trigger, input.note);
      return;
    case "resume":
      onResume(draft, input.trigger);
      return;
    case "cancel":
      onCancel(draft, input.firing, input.reason);
      return;
    case "reload":
      draft.define(input.definition);
      return;
    case "drain":
      draft.drain();
  }
}

/** Firings that wait stay; events that come are skipped. */
function onPause(draft: Draft, id: string, note: string): void {
  if (!draft.state.triggers.has(id)) return;
  draft.changeTrigger(id, { pause: { at: draft.facts.now, by: "person", note } });
}

function onResume(draft: Draft, id: string): void {
  if (!draft.state.triggers.has(id)) return;
  draft.changeTrigger(id, { pause: null, failuresInARow: 0 });
}

function onCancel(draft: Draft, id: string, reason: string): void {
  const firing = draft.state.open.get(id);
  if (firing !== undefined) draft.stop(firing, "cancelled", reason);
}
