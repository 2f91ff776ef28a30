/**
 * Says of the steps with `cache` whether the cache has their results, before a run. A key that depends on what other steps leave
 * is not known yet. Changes nothing, not even when an entry was last used.
 */
import { realpath } from "node:fs/promises";
import { forecastMiss } from "../cache/step-cache.ts";
import type { Step } from "../definition.ts";
import { pathInside, realOf } from "../places.ts";
import { RunInstances } from "../plan/run-instances.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { newRecord } from "../records/run-record.ts";
import { isKeyValue, noKey, soughtOf } from "../steps/cache-key.ts";
import { plannedInstances, type DryRun, type DryRunOptions, type PlannedStep } from "./dry-run.ts";
import { stepsUsedBy } from "./only-step.ts";

export interface CacheForecast {
  /** `miss`: the step runs, and its result may be stored. `unknown`: only the run can tell. */
  readonly state: "hit" | "miss" | "unknown";
  /** Why it is not known or not there, such as `file a.txt changed`; empty for a hit. */
  readonly reason: string;
}

export interface CacheForecastOptions extends DryRunOptions {
  /** Absolute path of a directory. */
  readonly workspace: string;
  /** Of the cache. */
  readonly directory: string;
}

/** By the id of the planned step: those with `cache` that may run. Steps of sub-workflows have the path of their ids. */
export async function cacheForecasts(
  plan: DryRun,
  options: CacheForecastOptions,
): Promise<ReadonlyMap<string, CacheForecast>> {
  const { workflow, directory } = options;
  const workspace = await realpath(options.workspace);
  const contextDir = await realOf(await pathInside(workspace, workflow.contextDir));
  const { created, instances } = plannedInstances(options);
  const record = newRecord(
    instances.map((instance) => instance.plan),
    { ...created, workspace, contextDir },
  );
  const context = {
    runId: "",
    record: () => record,
    instances: new RunInstances(instances, () => record.state),
  };
  const mayChange = changersOf(plan);
  const byId = new Map(plan.steps.map((planned) => [planned.id, planned]));
  const found = new Map<string, CacheForecast>(plan.steps.flatMap(({ id, inner }) => within(inner, id)));
  for (const instance of instances) {
    const { id, step } = instance;
    const planned = byId.get(id);
    if (step.cache === null || planned === undefined || planned.skipped !== null) continue;
    const reason = whyUnknown(instance, mayChange);
    found.set(id, reason === null ? await lookUp(id) : { state: "unknown", reason });
  }
  return found;

  async function lookUp(id: string): Promise<CacheForecast> {
    const instance = context.instances.get(id);
    if (instance === undefined) return { state: "unknown", reason: "" };
    try {
      const reason = await forecastMiss(directory, await soughtOf(context, instance));
      return reason === null ? { state: "hit", reason: "" } : { state: "miss", reason };
    } catch (error) {
      return { state: "miss", reason: noKey(error).missed };
    }
  }
}

/** A step that runs no worker. */
const changesNothing = ({ step, skipped }: PlannedStep): boolean =>
  skipped !== null || step.action.kind === "approval";

/** Returns the first step before a step that runs a worker; undefined if there is none. */
function changersOf({ steps }: DryRun): (step: Step) => string | undefined {
  const byId = new Map(steps.map((planned) => [planned.step.id, planned]));
  const first = ({ dependsOn }: Step): string | undefined => {
    for (const id of dependsOn) {
      const planned = byId.get(id);
      if (planned === undefined) continue;
      const found = changesNothing(planned) ? first(planned.step) : id;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return first;
}

function whyUnknown(
  { step, plan }: StepInstance,
  mayChange: (step: Step) => string | undefined,
): string | null {
  const [used] = stepsUsedBy(step);
  if (used !== undefined) return `it uses what step "${used}" leaves`;
  if (plan.expand !== undefined) return "its matrix comes from a list";
  if (plan.reacts === true) return "whether it runs depends on how other steps end";
  const hasFiles = step.cache?.key.some((text) => !isKeyValue(text)) === true;
  const before = hasFiles ? mayChange(step) : undefined;
  return before !== undefined ? `step "${before}" may change the files of its key` : null;
}

function within(inner: readonly PlannedStep[], path: string): [string, CacheForecast][] {
  const reason = "the inputs of its sub-workflow are not known yet";
  return inner.flatMap((one): [string, CacheForecast][] => {
    const id = `${path}/${one.id}`;
    const own: [string, CacheForecast][] =
      one.step.cache === null ? [] : [[id, { state: "unknown", reason }]];
    return [...own, ...within(one.inner, id)];
  });
}
