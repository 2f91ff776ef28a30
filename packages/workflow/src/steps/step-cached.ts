/**
 * Takes the result of a step from the cache instead of running it, and stores it after a run. The key covers everything that
 * the step declares; where something else may have counted, the result is not stored.
 */
import { AgentCoreError, errorText, ignore, isMissing } from "@agentcore/contract";
import { lstat, mkdir, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { DamagedEntry } from "../cache/cached-tree.ts";
import type { SoughtResult } from "../cache/key-parts.ts";
import { damagedMiss, type CacheMiss, type StepCache, type StoredResult } from "../cache/step-cache.ts";
import type { Step } from "../definition.ts";
import { placeholdersIn } from "../expression.ts";
import { openPlace } from "../own-place.ts";
import { artifactDir, isWithinAny, pathInside, stepDir } from "../places.ts";
import { factsOf } from "../records/run-record.ts";
import type { ObservedChanges } from "./change-rules.ts";
import { noKey, outputPaths, soughtOf } from "./cache-key.ts";
import { stepWorkspace, type StartedPiece, type StepContext } from "./step-context.ts";
import { StepTexts } from "./step-texts.ts";
import type { AttemptEnd } from "./step-work.ts";

/** A step that runs although it may be cached, from its first iteration to its end. */
export interface CacheNote {
  readonly sought: SoughtResult;
  /** What its attempts changed, as far as that is known. */
  readonly changed: string[];
}

/** The end of the step, if the cache has its result; null: it runs. */
export async function cachedEnd(context: StepContext, started: StartedPiece): Promise<AttemptEnd | null> {
  const { instance, iteration } = started;
  const cache = cacheFor(context, instance.step);
  if (cache === null || iteration > 1) return null;
  context.cacheNotes.delete(instance.id);
  const sought = await soughtFor(context, started);
  if ("missed" in sought) return noteMiss(context, started, sought);
  const stored = await cache.find(sought);
  const restored = "missed" in stored ? stored : await restore(context, started, stored, sought.key);
  if ("missed" in restored) {
    context.cacheNotes.set(instance.id, { sought, changed: [] });
    return noteMiss(context, started, restored);
  }
  return {
    outcome: "succeeded",
    reason: "its result is from the cache",
    errorClass: null,
    violations: [],
    cached: true,
    ...restored,
  };
}

/** Call before the job, so that the reason survives the process. */
async function noteMiss(
  context: StepContext,
  { instance }: StartedPiece,
  { missed }: CacheMiss,
): Promise<null> {
  const { id } = instance;
  const cacheMiss = context.masker.text(missed);
  if (factsOf(context.record(), id).cacheMiss !== cacheMiss)
    await context.note({ type: "noted", at: context.ports.clock.now(), step: id, cacheMiss });
  return null;
}

export function noteChanges(
  context: StepContext,
  { instance }: StartedPiece,
  { files }: ObservedChanges,
): void {
  context.cacheNotes.get(instance.id)?.changed.push(...files);
}

/** Call when the step has succeeded and its outputs are collected. */
export async function storeResult(
  context: StepContext,
  started: StartedPiece,
  { artifacts = [], values = {} }: Pick<AttemptEnd, "artifacts" | "values">,
): Promise<void> {
  const { instance, iteration, attemptInAll } = started;
  const { id, step } = instance;
  const note = context.cacheNotes.get(id);
  const cache = cacheFor(context, step);
  context.cacheNotes.delete(id);
  if (note === undefined || cache === null) return;
  // An attempt that failed or was interrupted may have left something that the next one used.
  if (attemptInAll !== iteration || factsOf(context.record(), id).interruptions > 0) return;
  const undeclared = undeclaredChanges(context, started, note);
  const why =
    undeclared.length > 0
      ? `it changed files that are no outputs: ${undeclared.slice(0, shownMax).join(", ")}`
      : (await isUnchanged(context, started, note))
        ? null
        : "files of its key changed while it ran";
  if (why !== null) {
    context.ports.log.warn({ step: id, why: context.masker.text(why) }, notKept);
    return;
  }
  const texts = new StepTexts(context.record(), instance);
  const outputs = step.outputs
    .filter(({ name }) => artifacts.includes(name))
    .map(({ name, path }) => ({
      name,
      place: join(artifactDir(context.record().created.contextDir, id, name), basename(texts.fill(path))),
    }));
  await cache.store(note.sought, { step: id, outputs, values, secrets: secretsOf(context, step) });
}

/** Of the step; a value that is missing by now can be in no new file. */
function secretsOf({ settings }: StepContext, { secrets }: Step): readonly string[] {
  return secrets.flatMap((name) => settings.secretValue(name) ?? []);
}

const notKept = "the result of the step is not kept in the cache";
const shownMax = 5;

function cacheFor({ ports, record }: StepContext, step: Step): StepCache | null {
  return step.cache === null || record().created.noCache === true ? null : ports.cache;
}

/** Paths outside the step's outputs, those of other steps, and its inputs. */
function undeclaredChanges(context: StepContext, started: StartedPiece, { changed }: CacheNote): string[] {
  if (changed.length === 0) return [];
  const { workspace: root, contextDir } = context.record().created;
  const { instance } = started;
  const own = stepWorkspace(context, instance);
  const others = context.workflow.steps.flatMap(({ workspace, outputs }) =>
    outputs
      .filter(({ path }) => placeholdersIn(path).length === 0)
      .map(({ path }) => relative(own, join(root, workspace, path))),
  );
  const declared = [
    ...outputPaths(context, instance),
    ...others,
    ...instance.step.inputs.map(({ as }) => as),
    relative(own, contextDir),
  ];
  return changed.filter((path) => !isWithinAny(declared, path));
}

async function isUnchanged(context: StepContext, started: StartedPiece, note: CacheNote): Promise<boolean> {
  const now = await soughtFor(context, started);
  return "key" in now && now.key === note.sought.key;
}

/** A miss, after a warning: the step has no key. */
async function soughtFor(
  context: StepContext,
  { instance }: StartedPiece,
): Promise<SoughtResult | CacheMiss> {
  try {
    return await soughtOf(context, instance);
  } catch (error) {
    const shown = { step: instance.id, why: context.masker.text(errorText(error)) };
    context.ports.log.warn(shown, "the step runs without the cache");
    return noKey(error);
  }
}

/** Puts artifacts and outputs in place. A miss, after a warning: that is not possible, and nothing was changed. */
async function restore(
  context: StepContext,
  started: StartedPiece,
  stored: StoredResult,
  key: string,
): Promise<Pick<AttemptEnd, "artifacts" | "values"> | CacheMiss> {
  const { instance } = started;
  const own = openPlace(stepDir(context.record().created.contextDir, instance.id));
  const staging = join(own.at, "_restored");
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging);
    const moves = await stage(context, started, stored, staging, own.at);
    for (const { from, to } of moves) {
      await mkdir(dirname(to), { recursive: true });
      await rm(to, { recursive: true, force: true });
      await rename(from, to);
    }
    return { artifacts: stored.outputs, values: stored.values };
  } catch (error) {
    context.ports.log.warn(
      { step: instance.id, why: context.masker.text(errorText(error)) },
      "the result of the step in the cache cannot be used; the step runs",
    );
    const isDamaged = error instanceof DamagedEntry || isMissing(error);
    if (isDamaged) await context.ports.cache?.drop(key);
    return isDamaged ? damagedMiss : { missed: `its result cannot be put back: ${errorText(error)}` };
  } finally {
    await rm(staging, { recursive: true, force: true }).catch((error: unknown) =>
      ignore(error, "it is removed before it is used again"),
    );
    own.close();
  }
}

/** Makes all of the result beside its places, and so reads and checks it before anything is replaced. */
async function stage(
  context: StepContext,
  { instance }: StartedPiece,
  stored: StoredResult,
  staging: string,
  ownPlace: string,
): Promise<readonly { readonly from: string; readonly to: string }[]> {
  const texts = new StepTexts(context.record(), instance);
  const workspace = await realpath(stepWorkspace(context, instance));
  const moves: { from: string; to: string }[] = [];
  for (const [index, output] of instance.step.outputs.entries()) {
    const path = texts.fill(output.path);
    const target = await pathInside(workspace, path);
    if (!stored.outputs.includes(output.name)) {
      if ((await lstat(target).catch(() => null)) === null) continue;
      throw new AgentCoreError(
        "AC_WORKFLOW_PATH",
        `${path} is there, and was not when the result was stored`,
      );
    }
    const artifact = join(staging, `${index}-artifact`);
    await mkdir(artifact);
    await stored.restore(output.name, join(artifact, basename(path)));
    const file = join(staging, `${index}-output`);
    await stored.restore(output.name, file);
    moves.push({ from: artifact, to: join(ownPlace, output.name) }, { from: file, to: target });
  }
  return moves;
}
