/**
 * Somebody outside who hands in jobs and keeps a log of what was promised. An answer that never came, or "unavailable",
 * is followed by the same submit again, with the same id, until there is an answer.
 */
import { AgentCoreError } from "@agentcore/contract";
import type { JobEnd, JobHandle } from "@agentcore/scheduler";
import type { PlannedJob } from "./plan.ts";
import type { World } from "./world.ts";

export interface Acknowledged {
  /** The id that was submitted. */
  readonly id: string;
  /** The job that it was told it is. */
  readonly jobId: string;
}

const patienceMs = 2000;

export class Submitter {
  readonly acknowledged: Acknowledged[] = [];
  /** Ids that were refused because their key was held. */
  readonly refused: string[] = [];
  /** Ends that handles told, by job. */
  readonly answers = new Map<string, JobEnd[]>();
  readonly #world: World;
  #open = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether every job handed in has been answered. */
  get isDone(): boolean {
    return this.#open === 0;
  }

  submit(planned: PlannedJob): void {
    this.#open += 1;
    this.#try(planned);
  }

  cancel(id: string): void {
    const scheduler = this.#world.anyScheduler();
    scheduler?.cancel(id).catch(() => {
      // Whoever asked is told that the store does not answer, and lets it be.
    });
  }

  #try(planned: PlannedJob): void {
    let answered = false;
    const again = (delayMs: number): void => {
      if (answered) return;
      answered = true;
      this.#world.clock.setTimer(delayMs, () => this.#try(planned));
    };
    this.#world.clock.setTimer(patienceMs, () => again(0));
    const scheduler = this.#world.anyScheduler();
    if (scheduler === null) return;
    scheduler.submit(planned.job).then(
      (handle) => {
        if (answered) return;
        answered = true;
        this.#onAcknowledged(planned.job.id, handle);
      },
      (error: unknown) => {
        if (error instanceof AgentCoreError && error.code === "AC_KEY_HELD" && !answered) {
          answered = true;
          this.#open -= 1;
          this.refused.push(planned.job.id);
        } else {
          again(100);
        }
      },
    );
  }

  #onAcknowledged(id: string, handle: JobHandle): void {
    this.#open -= 1;
    this.acknowledged.push({ id, jobId: handle.id });
    handle.result().then(
      (end) => {
        const answers = this.answers.get(handle.id) ?? [];
        this.answers.set(handle.id, [...answers, end]);
      },
      () => {
        // The scheduler was closed or killed first: whoever waits asks another one.
      },
    );
  }
}
