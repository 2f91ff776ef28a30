/** Ports of a process that dies between two acts of a run, for tests of what a resume makes of it. */
import { listRuns } from "../records/read-runs.ts";
import type { StartOptions } from "../run/run-workflow.ts";
import type { RunPorts, RunResult } from "../run-ports.ts";
import type { Workflow } from "../definition.ts";
import type { RunRig } from "./run-rig.ts";

type Settings = Partial<Omit<StartOptions, "workflow">>;

/** Appends to the journal and submits of jobs are acts. */
type MortalPorts = Pick<RunPorts, "scheduler" | "journal">;

/** Ports of a process that ends at its n-th act, from 0, right before or after it. After that, nothing it does has effect. */
export function mortal(rig: RunRig, death: number, when: "before" | "after") {
  let acts = 0;
  let isDead = false;
  const { promise: dying, resolve: died } = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  const act = async <T>(work: () => Promise<T>): Promise<T> => {
    const isLast = acts++ === death;
    if (isDead) return never;
    if (!isLast) return work();
    isDead = true;
    if (when === "after") await work();
    died();
    return never;
  };
  const { scheduler, journal } = rig;
  const ports: MortalPorts = {
    scheduler: {
      submit: (job) => act(() => scheduler.submit(job)),
      appendAndSubmit: (_, write, jobs) => act(() => scheduler.appendAndSubmit(journal, write, jobs)),
      attach: (id) => scheduler.attach(id),
    },
    journal: { ...journal, append: (stream, append) => act(() => journal.append(stream, append)) },
  };
  return { ports, dying, acts: () => acts };
}

/**
 * Runs the workflow on a rig whose process dies at each of its acts in turn, and resumes it. `look` gets the end of each, on the
 * rig that it happened on. Returns the number of acts.
 */
export async function dieEverywhere(
  makeRig: () => Promise<RunRig>,
  workflow: Workflow,
  look: (death: number, result: RunResult, rig: RunRig) => void | Promise<void>,
  { first: own = {}, second = {} }: { readonly first?: Settings; readonly second?: Settings } = {},
): Promise<number> {
  let acts = Number.POSITIVE_INFINITY;
  for (let death = 0; death < 2 * acts; death++) {
    const rig = await makeRig();
    try {
      const process = mortal(rig, Math.floor(death / 2), death % 2 === 0 ? "before" : "after");
      const first = rig.start(workflow, { ...process.ports, ...own }).then((handle) => handle.result());
      first.catch(() => {});
      const died = await Promise.race([process.dying.then(() => true), first.then(() => false)]);
      if (!died) acts = Math.floor(death / 2);
      await rig.restart();
      const [run] = await listRuns(rig.journal);
      const again = run === undefined ? rig.run(workflow, second) : rig.resume(run.id, workflow, second);
      const result = await again.then((one) => ("result" in one ? one.result() : one));
      await look(death, result, rig);
    } finally {
      await rig.close();
    }
  }
  return acts;
}
