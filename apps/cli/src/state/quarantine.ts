/**
 * Keeps workspaces closed in which a run could not be emptied, until its processes are gone, in every process that finds
 * them. The registry of runs is the record: it outlives every process, and the proof that a run is gone lifts the
 * quarantine. `compose` opens one for each runtime.
 */
import { lookAtLeftRuns, type OpenedContainment, type SweptRun } from "@agentcore/containment";
import type { Clock, Escalation, Job, Log, Timer } from "@agentcore/contract";
import type { InProcessRuntime } from "@agentcore/core";

export interface QuarantineOptions {
  readonly containment: Pick<OpenedContainment, "left">;
  readonly runtime: Pick<InProcessRuntime, "quarantine" | "liftQuarantine" | "onEscalation">;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a workspace stays refused at most after its last process is gone. */
const lookEveryMs = 5000;

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #shut = new Set<string>();
  readonly #unsubscribe: () => void;
  #timer: Timer | undefined;

  /** Quarantines what is left from before. Throws `AC_STORE_UNAVAILABLE` if the registry cannot be read. */
  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#look();
    this.#unsubscribe = options.runtime.onEscalation((escalation) => this.#onEscalation(escalation));
  }

  close(): void {
    this.#unsubscribe();
    this.#timer?.cancel();
  }

  /** The runtime has quarantined the workspace of one of its runs. */
  #onEscalation({ code, target }: Escalation): void {
    const [kind = "", ...path] = target.split(":");
    if (code !== "AC_UNCONTAINED" || kind !== "workspace") return;
    this.#shut.add(path.join(":"));
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#timer?.cancel();
    if (this.#shut.size === 0) return;
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => {
      try {
        this.#look();
      } catch (error) {
        this.#options.log.warn({ error }, "could not check what earlier runs left; trying again");
        this.#lookAgain();
      }
    });
  }

  #look(): void {
    const { containment, runtime, log } = this.#options;
    const left = Map.groupBy(containment.left(), ({ cwd }) => cwd);
    for (const [workspace, runs] of left) {
      if (workspace === null || this.#shut.has(workspace)) continue;
      const message = `${workspace} is quarantined: ${runs.map(describeLeft).join("; ")}`;
      log.error({ workspace }, message);
      runtime.quarantine(workspace, { message, evidence: { workspace, runs: runs.map(describeLeft) } });
      this.#shut.add(workspace);
    }
    for (const workspace of this.#shut) {
      if (left.has(workspace)) continue;
      runtime.liftQuarantine(workspace);
      this.#shut.delete(workspace);
      log.info({ workspace }, "no process is left in the workspace; it can be used again");
    }
    this.#lookAgain();
  }
}

/**
 * Processes that earlier runs left, in words; with a job, those beside which it does not start: of an attempt of it that may be
 * alive, and those in its workspace. `registry`: the directory of the records of runs.
 */
export function leftProcesses(registry: string, job?: Job): readonly string[] {
  return lookAtLeftRuns(registry)
    .filter(
      ({ label, cwd }) =>
        job === undefined || label?.startsWith(`${job.id}#`) === true || cwd === job.task.workspace,
    )
    .map(describeLeft);
}

/** `job J (attempt 1) left sleep (pid 17)`. A run's label is its job's id, `#`, and the attempt. */
export function describeLeft({ label, marker, survivors }: SweptRun): string {
  const at = label?.lastIndexOf("#") ?? -1;
  const who =
    label === null || at < 0 ? `run ${marker}` : `job ${label.slice(0, at)} (attempt ${label.slice(at + 1)})`;
  const names = survivors.map(({ name, pid }) => `${name} (pid ${pid})`);
  return `${who} left ${names.length === 0 ? "processes that cannot be identified from here" : names.join(", ")}`;
}
