/**
 * The first entries of a run that runs one step only. What its dependencies left is taken from their records in the context
 * directory; every other step is left out.
 */
import { AgentCoreError, ignore, readPlacedFile } from "@agentcore/contract";
import { join } from "node:path";
import * as z from "zod";
import type { Step } from "../definition.ts";
import { parseExpression, placeholdersIn, referencesOf } from "../expression.ts";
import { noSuchStep } from "../no-such-step.ts";
import { artifactDir, isThere, stepDir } from "../places.ts";
import { instancesByStep, type StepInstance } from "../plan/step-instance.ts";
import type { RunCreated, RunEntry, RunEventEntry } from "../records/entry-types.ts";

const stepRecord = z.object({
  status: z.string(),
  is_tolerated: z.boolean().default(false),
  artifacts: z.array(z.string()).default([]),
  values: z.record(z.string(), z.string()).default({}),
});
type StoredStep = z.output<typeof stepRecord>;
const runRecord = z.object({ file: z.string() });

/** Records are short; a worker can write into the context directory. */
const recordBytesMax = 4 * 1024 * 1024;
const passing: ReadonlySet<string> = new Set(["SUCCEEDED", "INCOMPLETE", "SKIPPED"]);

/** Throws `AC_WORKFLOW_STEP` if there is no such step, `AC_WORKFLOW_ONLY` if what it needs of others is missing. */
export async function entriesForOnly(
  only: string,
  { contextDir, file, at }: RunCreated,
  instances: readonly StepInstance[],
): Promise<readonly RunEntry[]> {
  const step = instances.find((instance) => instance.step.id === only)?.step;
  if (step === undefined) {
    const known = instances.map((instance) => instance.step.id);
    throw noSuchStep("the workflow", only, known);
  }
  const isOfFile = (await readJson(join(contextDir, "_workflow.json"), runRecord))?.file === file;
  const needed = stepsUsedBy(step);
  const byStep = instancesByStep(instances);
  const entries = new Map<string, RunEventEntry>();
  for (const { id, step: other, expand } of instances) {
    if (other.id === only) continue;
    if (expand !== undefined && needed.has(other.id)) throw fromList(only, id);
    const path = join(stepDir(contextDir, id), "_meta.json");
    const stored = isOfFile && needed.has(other.id) ? await readJson(path, stepRecord) : null;
    if (stored !== null && (passing.has(stored.status) || stored.is_tolerated))
      entries.set(id, taken(id, stored, at));
    else if (needed.has(other.id)) throw missing(only, id, contextDir);
    else entries.set(id, leftOut(id, only, at));
  }
  for (const { from, artifact } of step.inputs) {
    for (const { id } of byStep.get(from) ?? []) {
      const isMade = entries.get(id)?.artifacts?.includes(artifact) === true;
      if (isMade && !(await isThere(artifactDir(contextDir, id, artifact))))
        throw missing(only, id, contextDir);
    }
  }
  return [...entries.values()];
}

function taken(id: string, { status, artifacts, values }: StoredStep, at: number): RunEventEntry {
  const isSkipped = status === "SKIPPED";
  const reason = isSkipped ? "skipped in an earlier run" : "taken from an earlier run";
  const event = isSkipped
    ? ({ type: "skipped", reason, passes: true } as const)
    : ({ type: "taken", reason } as const);
  return { type: "event", at, event: { type: "step", step: id, event }, artifacts, values };
}

function leftOut(id: string, only: string, at: number): RunEventEntry {
  const event = { type: "skipped", reason: `left out: only "${only}" runs`, passes: true } as const;
  return { type: "event", at, event: { type: "step", step: id, event } };
}

function missing(only: string, id: string, contextDir: string): AgentCoreError {
  const message = `step "${only}" uses what step "${id}" leaves, and ${contextDir} has no result of it from this workflow; run the whole workflow first, or step "${id}" with --only`;
  return new AgentCoreError("AC_WORKFLOW_ONLY", message, { evidence: { step: only, missing: id } });
}

/** The records do not say which combinations there were. */
function fromList(only: string, id: string): AgentCoreError {
  const message = `step "${only}" uses what step "${id}" leaves, whose matrix comes from a list; run the whole workflow, or both from step "${id}" on with: agentcore workflow retry RUN --from ${id}`;
  return new AgentCoreError("AC_WORKFLOW_ONLY", message, { evidence: { step: only, missing: id } });
}

/** Ids of the steps that its inputs and texts are about. */
export function stepsUsedBy(step: Step): ReadonlySet<string> {
  const { action, loop, condition, verify, env } = step;
  const works = [...(action.kind === "worker" ? [action.work] : []), ...(loop === null ? [] : [loop.check])];
  const given = action.kind === "workflow" ? [...action.with.values()] : [];
  const texts = [
    ...works.map(({ instructions }) => instructions),
    ...given.filter((value) => typeof value === "string"),
    ...env.values(),
    ...step.matrixLists.values(),
    ...(loop?.checkEnv.values() ?? []),
    ...step.outputs.map(({ path }) => path),
    ...(step.cache?.key ?? []),
    ...(verify === null ? [] : [verify]),
  ];
  const expressions = [...texts.flatMap(placeholdersIn), ...(condition === null ? [] : [condition])];
  const named = expressions.flatMap((text) => {
    const parsed = parseExpression(text);
    return parsed.ok ? referencesOf(parsed.expression) : [];
  });
  const ids = named.flatMap(([root, id]) => (root === "steps" && id !== undefined ? [id] : []));
  return new Set([...ids, ...step.inputs.map(({ from }) => from)]);
}

/** Null if there is no such file, or not such content. */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readPlacedFile(path, { bytesMax: recordBytesMax })));
  } catch (error) {
    ignore(error, "there is no record, or it is damaged: the caller says what is missing");
    return null;
  }
}
