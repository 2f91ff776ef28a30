/** The key of a step in the cache: everything that the step declares, and the files that it names. */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import { digestOfDirectory, digestOfFiles } from "../cache/tree-digest.ts";
import type { Step, WorkSpec } from "../definition.ts";
import { isWithin } from "../places.ts";
import { wholePlaceholder } from "../placeholder.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { inputsOf, stepWorkspace, type StepContext } from "./step-context.ts";
import { StepTexts } from "./step-texts.ts";

export type KeyContext = Pick<StepContext, "record" | "runId" | "instances">;

/** The same for another run only if that would do the same. Throws if there is no such key, with the reason. */
export async function cacheKeyOf(context: KeyContext, instance: StepInstance): Promise<string> {
  const parts = { definition: definitionOf(context, instance), files: await filesOf(context, instance) };
  const artifacts: unknown[] = [];
  for (const { step, artifact, as, from, isMade } of inputsOf(context, instance))
    artifacts.push([step, artifact, as, isMade ? await digestOfDirectory(from) : null]);
  return createHash("sha256")
    .update(jsonText({ ...parts, artifacts }))
    .digest("hex");
}

export function outputPaths({ record }: KeyContext, instance: StepInstance): readonly string[] {
  const texts = new StepTexts(record(), instance);
  return instance.step.outputs.map(({ path }) => texts.fill(path));
}

/** Whether an entry of `cache.key` is a value: one placeholder. Any other is a glob. */
export const isKeyValue = (text: string): boolean => wholePlaceholder(text) !== null;

async function filesOf(context: KeyContext, instance: StepInstance): Promise<unknown> {
  const texts = new StepTexts(context.record(), instance);
  const entries = instance.step.cache?.key ?? [];
  const values = entries.filter(isKeyValue).map((text) => texts.fill(text));
  const globs = entries.filter((text) => !isKeyValue(text)).map((text) => texts.fill(text));
  const root = await realpath(stepWorkspace(context, instance));
  const { contextDir } = context.record().created;
  const without = [
    ...outputPaths(context, instance),
    ...(isWithin(root, contextDir) ? [relative(root, contextDir)] : []),
  ];
  return [values, globs, globs.length === 0 ? null : await digestOfFiles({ root, globs, without })];
}

/** Everything that decides what the step does, apart from files. */
function definitionOf({ record }: KeyContext, instance: StepInstance): unknown {
  const { id, step, matrix } = instance;
  const { created } = record();
  const { loop, outputs, values, workspace } = step;
  const textsOf = (work: WorkSpec, env: Step["env"], verify: string | null): unknown => {
    const texts = new StepTexts(record(), instance);
    const instructions = texts.instructions(work.worker, work.instructions);
    const checked = verify === null ? null : texts.script(verify);
    return { ...work, instructions, verify: checked, env: texts.environment(env) };
  };
  return {
    version: 1,
    system: [process.platform, process.arch],
    places: [created.workspace, workspace, created.contextDir],
    id,
    matrix,
    inputs: created.inputs,
    work: step.action.kind === "worker" ? textsOf(step.action.work, step.env, step.verify) : null,
    loop: loop === null ? null : { ...loop, check: textsOf(loop.check, loop.checkEnv, null) },
    // Names only: a result must not depend on a key that is renewed, and values are never stored.
    secrets: step.secrets,
    outputs: outputs.map((output) => ({
      ...output,
      path: new StepTexts(record(), instance).fill(output.path),
    })),
    values,
  };
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map ? [...inner] : inner));
}
