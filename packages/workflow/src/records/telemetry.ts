/**
 * Writes telemetry of a run for other programs: every event as a line of one file, and the present state in another, which
 * is replaced at most once a second. A resumed run continues both. Neither file delays the run.
 */
import type { Clock, Log, ProbeClass, Timer } from "@agentcore/contract";
import type { Telemetry, Workflow } from "../definition.ts";
import { JsonLinesFile } from "./json-lines-file.ts";
import { pathInside } from "../places.ts";
import { writeJson, type StepReport } from "./record-files.ts";
import type { WorkflowEvent } from "../run-ports.ts";
import { telemetryLine } from "./telemetry-line.ts";

export interface RunTelemetry {
  take(event: WorkflowEvent): void;
  /** Resolves when all lines are in the files, as far as they can be written. */
  close(): Promise<void>;
}

export interface TelemetryPlace {
  readonly workflow: Workflow;
  readonly contextDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

const noTelemetry: RunTelemetry = { take: () => undefined, close: async () => undefined };

/** Throws `AC_WORKFLOW_PATH` if a file would be outside the context directory, also through a symbolic link. */
export async function telemetryPaths(
  { eventsFile, stateFile }: Telemetry,
  contextDir: string,
): Promise<{ readonly events: string; readonly state: string }> {
  return {
    events: await pathInside(contextDir, eventsFile),
    state: await pathInside(contextDir, stateFile),
  };
}

export async function openTelemetry(place: TelemetryPlace): Promise<RunTelemetry> {
  const { telemetry } = place.workflow;
  if (telemetry === null) return noTelemetry;
  const { events, state } = await telemetryPaths(telemetry, place.contextDir);
  const lines = new JsonLinesFile(events, place.log);
  const snapshot = new StateFile(state, place);
  return {
    take(event) {
      lines.append(telemetryLine(event, telemetry.includeWorkerOutput));
      snapshot.take(event);
    },
    async close() {
      await Promise.all([lines.flush(), snapshot.close()]);
    },
  };
}

const writeEveryMs = 1000;

interface StepNow {
  readonly report: StepReport | null;
  readonly lastEventAt: number;
  /** The last event of the worker itself; null before its first. */
  readonly lastWorkerEventAt: number | null;
  /** The finding of the probe's last look. */
  readonly probe: ProbeClass | null;
}

const nothingYet: StepNow = { report: null, lastEventAt: 0, lastWorkerEventAt: null, probe: null };

class StateFile {
  readonly #path: string;
  readonly #place: TelemetryPlace;
  readonly #steps = new Map<string, StepNow>();
  #run: Readonly<Record<string, unknown>> = {};
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(path: string, place: TelemetryPlace) {
    this.#path = path;
    this.#place = place;
  }

  take(event: WorkflowEvent): void {
    this.#fold(event);
    this.#timer ??= this.#place.clock.setTimer(writeEveryMs, () => {
      this.#timer = null;
      this.#write();
    });
  }

  #fold(event: WorkflowEvent): void {
    const { at } = event;
    switch (event.type) {
      case "run_started":
        this.#run = { run: event.run, name: event.name, state: "RUNNING" };
        return;
      case "run_waiting":
      case "notification_failed":
        return;
      case "run_ended":
        this.#run = { ...this.#run, state: event.result.outcome };
        return;
      case "step_changed": {
        const { id } = event.step;
        // The instances of a matrix take the place of their step, once they are known.
        if (id.endsWith("]")) this.#steps.delete(id.slice(0, id.lastIndexOf("[")));
        this.#steps.set(id, { ...this.#step(id), report: event.step, lastEventAt: at });
        return;
      }
      case "job_event": {
        const before = this.#step(event.step);
        const worker = event.event.type === "worker_event" ? event.event.event : null;
        const seen =
          worker?.type === "probe"
            ? { probe: worker.found }
            : worker === null
              ? {}
              : { lastWorkerEventAt: at };
        this.#steps.set(event.step, { ...before, ...seen, lastEventAt: at });
      }
    }
  }

  #step(id: string): StepNow {
    return this.#steps.get(id) ?? nothingYet;
  }

  #write(): void {
    if (this.#isBroken) return;
    const steps = Object.fromEntries([...this.#steps].map(([id, step]) => [id, stepJson(step)]));
    const now = { ...this.#run, updated_at: this.#place.clock.now(), steps };
    this.#writing = this.#writing
      .then(() => writeJson(this.#path, now))
      .catch((error: unknown) => {
        this.#isBroken = true;
        this.#place.log.warn(
          { error, path: this.#path },
          "the state file cannot be written; the run goes on",
        );
      });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#write();
    await this.#writing;
  }
}

/** Omits the reason, which may quote a worker. */
function stepJson({ report, lastEventAt, lastWorkerEventAt, probe }: StepNow): object {
  const {
    status = "PENDING",
    attempts = 0,
    iterations = 0,
    errorClass = null,
    startedAt = null,
  } = report ?? {};
  return {
    status,
    attempts,
    iterations,
    error_class: errorClass,
    started_at: startedAt,
    ended_at: report?.endedAt ?? null,
    cost_usd: report?.costUsd ?? null,
    last_event_at: lastEventAt,
    last_worker_event_at: lastWorkerEventAt,
    probe,
  };
}
