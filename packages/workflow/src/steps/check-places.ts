/** Checks what a run needs of the file system, before anything is started or written. */
import { AgentCoreError, errorCode, errorText } from "@agentcore/contract";
import { lstat, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../own-place.ts";
import { artifactDir, isThere } from "../places.ts";
import type { RunRecord } from "../records/run-record.ts";
import { instancesByStep, type StepInstance } from "../plan/step-instance.ts";

/** Throws `AC_WORKSPACE_MISSING`. */
export async function requireWorkspace(workspace: string): Promise<void> {
  const found = await stat(workspace).catch(() => null);
  if (found?.isDirectory() === true) return;
  const message = `the workspace ${workspace} ${found === null ? "is gone" : "is no directory any more"}; put it back and resume the run`;
  throw new AgentCoreError("AC_WORKSPACE_MISSING", message, { evidence: { workspace } });
}

/** Creates the directory if it does not exist, and checks that files can be created in it. Throws `AC_WORKFLOW_CONTEXT`. */
export async function prepareContextDir(contextDir: string): Promise<void> {
  const probe = join(contextDir, "_writable");
  try {
    await replaceFile(probe, "");
    // Another run may have removed it.
    await rm(probe, { force: true });
  } catch (error) {
    const message = `cannot write to the context directory ${contextDir}: ${await reasonOf(contextDir, error)}`;
    throw new AgentCoreError("AC_WORKFLOW_CONTEXT", message, { cause: error, evidence: { contextDir } });
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EPERM", "operation not permitted"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "no space left on the device"],
  ["EDQUOT", "the disk quota is used up"],
  ["ENOTDIR", "a part of its path is a file"],
  ["ELOOP", "its symbolic links lead in a circle"],
  ["ENAMETOOLONG", "its name is too long"],
]);

async function reasonOf(contextDir: string, error: unknown): Promise<string> {
  const found = await lstat(contextDir).catch(() => null);
  if (found?.isSymbolicLink() === true && !(await isThere(contextDir)))
    return "it is a symbolic link that leads nowhere";
  if (found?.isFile() === true) return "it is a file";
  return reasons.get(errorCode(error) ?? "") ?? errorText(error);
}

/** Throws `AC_WORKFLOW_ARTIFACT` if steps that have yet to run take an artifact that was made and is gone. */
export async function requireArtifacts(
  { created, facts }: RunRecord,
  instances: readonly StepInstance[],
  isPending: (id: string) => boolean,
): Promise<void> {
  const byStep = instancesByStep(instances);
  for (const { id, step } of instances) {
    if (!isPending(id)) continue;
    for (const { from, artifact } of step.inputs) {
      for (const source of byStep.get(from) ?? []) {
        if (isPending(source.id)) continue;
        if (facts.get(source.id)?.artifacts.includes(artifact) !== true) continue;
        const place = artifactDir(created.contextDir, source.id, artifact);
        if (!(await isThere(place))) throw artifactGone(source.id, artifact, place);
      }
    }
  }
}

export function artifactGone(step: string, artifact: string, place: string): AgentCoreError {
  const message = `artifact "${artifact}" of step "${step}" is gone from ${place}; put it back, or begin again from that step`;
  return new AgentCoreError("AC_WORKFLOW_ARTIFACT", message, { evidence: { step, artifact, place } });
}
