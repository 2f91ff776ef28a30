/** Keys that the format has and this version accepts without doing anything about them: said aloud, never passed over. Pure. */
import type { Workflow } from "../definition.ts";

export interface KeyWithoutEffect {
  readonly step: string;
  readonly what: string;
}

export function keysWithoutEffect(workflow: Workflow): readonly KeyWithoutEffect[] {
  return workflow.steps.flatMap(({ id, stall, action, loop }): readonly KeyWithoutEffect[] => {
    const works = [
      ...(action.kind === "worker" ? [action.work] : []),
      ...(loop === null ? [] : [loop.check]),
    ];
    const settings = works.flatMap((work) => Object.keys(work.settings));
    return [
      ...(stall === null || stall.probe === null ? [] : [{ step: id, what: "stall.probe" }]),
      ...settings.map((what) => ({ step: id, what })),
      ...(action.kind === "workflow" ? keysWithoutEffect(action.workflow) : []),
    ];
  });
}
