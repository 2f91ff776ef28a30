/** What expressions may use of a run: the states of its steps, and what they left. */
import type { RunView } from "../plan/plan-step.ts";
import { statusOf } from "../plan/step-state.ts";
import { factsOf, type RunRecord } from "./run-record.ts";

export function outputsIn(record: RunRecord): RunView {
  return {
    status: (id) => {
      const state = record.state.steps.get(id);
      return state === undefined ? undefined : statusOf(state);
    },
    artifact: (id, name) => (factsOf(record, id).artifacts.includes(name) ? `${id}/${name}` : null),
    expanded: (id) => record.state.expansionOf(id),
    value: (id, name) => {
      const { values } = factsOf(record, id);
      return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
    },
  };
}
