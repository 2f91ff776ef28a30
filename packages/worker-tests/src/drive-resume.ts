/**
 * Runs a worker twice, the second time in the session of the first, and says what the model was told the second time.
 * Each attempt has a HOME of its own, so this shows that the session's files are found again, too.
 */
import { Cancellation, type StopCause, type WorkerResult } from "@agentcore/contract";
import { prepareCase, startRun, type Rig } from "./start-run.ts";
import type { WorkerSetup } from "./workers.ts";

export interface ResumeRecord {
  readonly first: WorkerResult;
  readonly second: WorkerResult;
  /** The conversation that the model was sent for the second run, as JSON text. */
  readonly conversation: string;
}

/** What the model says in the first run. */
export const firstWords = "The word to remember is heron.";

export async function driveResume(rig: Rig, worker: WorkerSetup): Promise<ResumeRecord> {
  const place = await prepareCase(rig, `${worker.name}-resume`);
  const model = rig.server.run({ key: place.id, script: [{ text: firstWords }, { text: "It was heron." }] });
  const options = {
    capabilities: ["read", "edit", "run_commands"],
    modelUrl: rig.server.url,
    signal: new Cancellation<StopCause>(),
    onEvent: () => {},
  } as const;
  using _slot = await rig.starts.take();
  const first = await startRun(rig, worker, place, options);
  const session = first.session === null ? {} : { session: first.session };
  const second = await startRun(rig, worker, place, { ...options, ...session, attempt: 2 });
  const asked = model.requests.find((request) => request.answeredBy === 1);
  return { first, second, conversation: JSON.stringify(asked?.messages ?? []) };
}
