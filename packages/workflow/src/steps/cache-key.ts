/** The key of a step in the cache: everything that the step declares, and the files that it names. */
import { errorText } from "@agentcore/contract";
import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import { digestOfJson, soughtResult, type KeyPart, type SoughtResult } from "../cache/key-parts.ts";
import type { CacheMiss } from "../cache/step-cache.ts";
import { digestsOfDirectory, digestsOfFiles } from "../cache/tree-digest.ts";
import type { Step, WorkSpec } from "../definition.ts";
import { isWithin } from "../places.ts";
import { wholePlaceholder } from "../placeholder.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { inputsOf, stepWorkspace, type StepContext } from "./step-context.ts";
import { StepTexts } from "./step-texts.ts";

export type KeyContext = Pick<StepContext, "record" | "runId" | "instances">;

/** The key is the same for another run only if that would do the same. Throws if there is no key, with the reason. */
export async function soughtOf(context: KeyContext, instance: StepInstance): Promise<SoughtResult> {
  const { created } = context.record();
  const texts = new StepTexts(context.record(), instance);
  const entries = instance.step.cache?.key ?? [];
  const parts = [
    partOf("step", "", definitionOf(instance)),
    ...Object.entries(created.inputs).map(([name, value]) => partOf("input", name, value)),
    ...Object.entries(created.env ?? {}).map(([name, value]) => partOf("variable", name, value)),
    ...entries.filter(isKeyValue).map((text) => partOf("value", text, texts.fill(text))),
    ...(await artifactParts(context, instance)),
    ...(await fileParts(context, instance)),
    partOf("place", "the workspace", created.workspace),
    partOf("place", "the context directory", created.contextDir),
    partOf("place", "the operating system or processor", [process.platform, process.arch]),
    partOf("used", "", usedTexts(context, instance)),
  ];
  return soughtResult([created.workspace, created.name, instance.id], parts);
}

const partOf = (kind: KeyPart["kind"], name: string, value: unknown): KeyPart => ({
  kind,
  name,
  digest: digestOfJson(value ?? null),
});

/** For an error of `soughtOf`. */
export const noKey = (error: unknown): CacheMiss => ({ missed: `it has no key: ${errorText(error)}` });

export function outputPaths({ record }: KeyContext, instance: StepInstance): readonly string[] {
  const texts = new StepTexts(record(), instance);
  return instance.step.outputs.map(({ path }) => texts.fill(path));
}

/** Whether an entry of `cache.key` is a value: one placeholder. Any other is a glob. */
export const isKeyValue = (text: string): boolean => wholePlaceholder(text) !== null;

async function artifactParts(context: KeyContext, instance: StepInstance): Promise<readonly KeyPart[]> {
  const parts: KeyPart[] = [];
  for (const { step, artifact, as, from, isMade } of inputsOf(context, instance)) {
    const files = isMade ? await digestsOfDirectory(from) : null;
    parts.push(partOf("artifact", `${artifact} of step ${step}`, [as, files]));
  }
  return parts;
}

async function fileParts(context: KeyContext, instance: StepInstance): Promise<readonly KeyPart[]> {
  const globs = globsOf(context, instance);
  if (globs.length === 0) return [];
  const root = await realpath(stepWorkspace(context, instance));
  const { contextDir } = context.record().created;
  const without = [
    ...outputPaths(context, instance),
    ...(isWithin(root, contextDir) ? [relative(root, contextDir)] : []),
  ];
  const files = await digestsOfFiles({ root, globs, without });
  return files.map(({ path, digest }) => ({ kind: "file", name: path, digest }));
}

function globsOf({ record }: KeyContext, instance: StepInstance): readonly string[] {
  const texts = new StepTexts(record(), instance);
  const entries = instance.step.cache?.key ?? [];
  return entries.filter((text) => !isKeyValue(text)).map((text) => texts.fill(text));
}

/** Everything that decides what the step does, apart from files and values: as the file has it. */
function definitionOf({ id, step, matrix }: StepInstance): unknown {
  const { loop, outputs, values, workspace, cache, env, verify, action } = step;
  return {
    version: 2,
    workspace,
    id,
    matrix,
    work: action.kind === "worker" ? [action.work, env, verify] : null,
    loop,
    // Names only: a result must not depend on a key that is renewed, and values are never stored.
    secrets: step.secrets,
    outputs,
    values,
    key: cache?.key ?? [],
  };
}

/** The texts of the step with the values in them. */
function usedTexts(context: KeyContext, instance: StepInstance): unknown {
  const { step } = instance;
  const { loop } = step;
  const textsOf = (work: WorkSpec, env: Step["env"], verify: string | null): unknown => {
    const texts = new StepTexts(context.record(), instance);
    const instructions = texts.instructions(work.worker, work.instructions);
    return [instructions, verify === null ? null : texts.script(verify), texts.environment(env)];
  };
  return {
    work: step.action.kind === "worker" ? textsOf(step.action.work, step.env, step.verify) : null,
    check: loop === null ? null : textsOf(loop.check, loop.checkEnv, null),
    outputs: outputPaths(context, instance),
    globs: globsOf(context, instance),
  };
}
