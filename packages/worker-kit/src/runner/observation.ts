/** Observes the workspace for one run. Its git commands run in the run's own containment. */
import { ignore } from "@agentcore/contract";
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { errorText } from "@agentcore/contract";
import { gitEnvironment } from "../git/hardening.ts";
import type { GitStep, GitStepEnd } from "../observe/git-observer.ts";
import { observeWorkspace } from "../observe/observe-workspace.ts";
import { notCompared, type WorkspaceChange } from "../observe/workspace-change.ts";
import { findProgram } from "../program/find-program.ts";
import { collectText, runContainedStep } from "../program/contained-step.ts";
import type { Run } from "./prepare.ts";

export interface Observation {
  /** When the state before the run is known. Never rejects. */
  readonly looked: Promise<void>;
  /** The workspace's real path when the run began: its name may lead elsewhere by the end. */
  readonly workspace: string;
  /** Compares with the state before. `timeoutMs`: for git; 0: do not look, the run is to end now. Never rejects. */
  change(timeoutMs: number): Promise<WorkspaceChange>;
  /** What has become of the workspace itself, in words, where it is not the directory any more in which the run began. */
  replaced(): string | null;
}

/** Names of changed files kept in memory: 16 MiB. */
const namesBytesMax = 16 * 1024 * 1024;

/** The first look begins at once, and is given up when the run is cancelled. */
export function beginObservation(run: Run): Observation {
  const { parts, request, attempt } = run;
  const workspace = realpathSync(request.task.workspace);
  const began = identityOf(workspace);
  let timeoutMs = parts.limits.gitTimeoutMs;
  const observer = observeWorkspace({
    workspace,
    attemptDir: attempt.path,
    patchBytesMax: parts.limits.patchBytesMax,
    snapshotEntriesMax: parts.limits.snapshotEntriesMax,
    unobserved: [...(request.task.unobserved ?? []), ...pathsBelow(workspace, parts.ownDirectories ?? [])],
    gitAvailable: findProgram("git", run.env["PATH"]) !== null,
    run: (step) => runGitStep(run, workspace, step, timeoutMs),
  });
  let failure: unknown;
  const looked = observer.before().catch((error: unknown) => {
    failure = error;
  });
  return {
    looked,
    workspace,
    replaced() {
      const now = identityOf(workspace);
      if (now === began) return null;
      return now === null
        ? `the workspace ${workspace} was not there any more when the run ended`
        : `the workspace ${workspace} is not the directory in which the run began`;
    },
    async change(limitMs) {
      await looked;
      if (limitMs === 0) return notCompared("the run was to end at once");
      timeoutMs = limitMs;
      try {
        if (failure !== undefined) throw failure;
        return await observer.after();
      } catch (error) {
        return notCompared(errorText(error));
      }
    },
  };
}

/** Device and inode; null where there is no directory that can be looked at. */
function identityOf(directory: string): string | null {
  try {
    const { dev, ino } = statSync(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    ignore(error, "gone, or out of reach");
    return null;
  }
}

/** Those of the directories that lie below the root, relative to it. */
function pathsBelow(root: string, directories: readonly string[]): string[] {
  return directories
    .map((directory) => relative(root, directory))
    .filter((path) => path !== "" && path !== ".." && !path.startsWith("../") && !isAbsolute(path));
}

async function runGitStep(
  run: Run,
  workspace: string,
  step: GitStep,
  timeoutMs: number,
): Promise<GitStepEnd> {
  const stdout = collectText(namesBytesMax);
  const stderr = collectText(64 * 1024);
  const end = await runContainedStep(
    run.parts,
    {
      command: "/bin/sh",
      args: ["-c", step.script, "git", ...step.args],
      cwd: workspace,
      env: { ...gitEnvironment(run.parts.hostEnv), ...step.env },
      visible: step.visible,
      marker: `${run.marker}.${step.name}`,
      label: run.label,
      timeoutMs,
      stdout,
      stderr,
      limits: run.parts.limits,
    },
    run.request.permit.signal,
    step.name === "before" ? "cancel" : "force",
  );
  const exitCode = end.timedOut ? null : end.exit.code;
  const said = { stdout: stdout.text(), stderr: stderr.text(), overflowed: stdout.overflowed() };
  return { exitCode, timedOut: end.timedOut, ...said };
}
