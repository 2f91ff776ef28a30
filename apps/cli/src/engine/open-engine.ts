/** Opens what `run` needs: the configuration's limits, the state directory, the one adapter that the job names. */
import { jobSchema, type JobSubmission } from "@agentcore/contract";
import { systemClock, systemIds } from "@agentcore/core";
import { compose } from "../compose.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Io } from "../io.ts";
import { createLog } from "../log.ts";
import { resolveStateDir } from "../state-dir.ts";
import { loadAdapter } from "../adapters.ts";
import type { JobRun, JobRunOptions } from "./job-run.ts";
import { runDirectly } from "./run-directly.ts";

export interface Engine {
  run(job: JobSubmission, options: JobRunOptions): JobRun;
  close(): Promise<void>;
}

export async function openEngine(
  worker: string,
  { loaded, io, stateDir }: { readonly loaded: LoadedConfig; readonly io: Io; readonly stateDir?: string },
): Promise<Engine> {
  const log = createLog("warn");
  const composition = await compose({
    config: loaded.config,
    state: resolveStateDir(stateDir, loaded, io.cwd, io.env),
    adapters: [await loadAdapter(worker, loaded)],
    env: io.env,
    log,
  });
  return {
    run: (submission, options) =>
      runDirectly(
        jobSchema.parse({ id: systemIds.next(), ...submission }),
        composition.runtime,
        systemClock,
        options,
      ),
    close: async () => {
      await composition.close();
      await log.flush();
    },
  };
}
