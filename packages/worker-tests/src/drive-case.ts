/**
 * Drives one case of the matrix for one worker, through the real adapter and the real runner, and says what was seen:
 * the result, the events, the requests that reached the model server, and the processes counted from outside.
 * It judges nothing; `deviations.ts` compares what is returned here with the expectation.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cancellation, type StopCause, type WorkerEvent, type WorkerResult } from "@agentcore/contract";
import type { Run } from "@agentcore/model-server";
import type { StopPlan, WorkerCase, WorkerName } from "./cases.ts";
import { processesOf, sleepers, type SeenProcess } from "./process-scan.ts";
import { prepareCase, startRun, type Rig } from "./start-run.ts";
import type { WorkerSetup } from "./workers.ts";

export interface CaseRecord {
  readonly result: WorkerResult;
  readonly events: readonly WorkerEvent[];
  /** Requests to the model that the script answered, the title call not counted. */
  readonly requests: number;
  readonly seconds: number;
  /** From the stop to the result; undefined where the case stops nothing. */
  readonly stopToResultMs: number | undefined;
  /** Processes of the run seen when it was stopped, or when the model was asked for the last time. */
  readonly seenBefore: readonly SeenProcess[];
  /** Processes of the run seen after its result. */
  readonly seenAfter: readonly SeenProcess[];
  /** Text of each file at the top of the workspace. */
  readonly files: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Tools that the worker's permissions refused, from the events. */
  readonly denied: readonly string[];
}

/** How long the driver waits for the moment at which it stops a run. */
const stopMomentMs = 150_000;

/** How long a worker that never asks its model counts as starting. */
const startMs = 15_000;

export async function driveCase(rig: Rig, worker: WorkerSetup, testCase: WorkerCase): Promise<CaseRecord> {
  const place = await prepareCase(rig, `${worker.name}-${testCase.name}`, testCase.workspace);
  const { id, workspace } = place;
  const model = rig.server.run({ key: id, script: testCase.script(workspace), maxRequests: 60 });
  const events: WorkerEvent[] = [];
  const stopping = new Cancellation<StopCause>();
  const slot = await rig.starts.take();
  const startedAt = performance.now();
  const ended = startRun(rig, worker, place, {
    capabilities: testCase.capabilities,
    task: testCase.task,
    modelUrl: testCase.endpoint === "refusing" ? rig.refusingUrl : rig.server.url,
    signal: stopping,
    onEvent: (event) => void events.push(event),
  }).then((result) => ({ result, atMs: performance.now() }));
  void Promise.race([model.asked(1), ended, sleep(startMs, undefined, { ref: false })]).then(() => {
    slot[Symbol.dispose]();
  });
  const moment = await momentBeforeEnd(testCase, { worker: worker.name, id, model, ended });
  const stoppedAt = testCase.stop === undefined || moment.over ? undefined : performance.now();
  if (testCase.stop !== undefined) stopping.cancel({ reason: stopCause(testCase.stop.kind) });
  const { result, atMs } = await ended;
  return {
    result,
    events,
    requests: model.requests.filter((request) => request.answeredBy !== "title").length,
    seconds: (atMs - startedAt) / 1000,
    stopToResultMs: stoppedAt === undefined ? undefined : atMs - stoppedAt,
    seenBefore: moment.seen,
    seenAfter: await processesOf(id),
    files: await readFiles(workspace),
    warnings: events.filter((event) => event.type === "warning").map((event) => event.text),
    denied: events.filter((event) => event.type === "denied").map((event) => event.tool),
  };
}

async function readFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = entries.map(async ({ name }) => [name, await readFile(join(folder, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}

interface Watched {
  readonly worker: WorkerName;
  readonly id: string;
  readonly model: Run;
  readonly ended: Promise<unknown>;
}

interface Moment {
  readonly seen: readonly SeenProcess[];
  /** The run ended by itself before the moment came. */
  readonly over: boolean;
}

/** Waits for the moment at which the case looks at the run's processes, and says which were there. */
async function momentBeforeEnd(testCase: WorkerCase, watched: Watched): Promise<Moment> {
  const { stop, lookAtRequest, expected } = testCase;
  if (stop === undefined && lookAtRequest === undefined) return { seen: [], over: true };
  let over = false;
  const end = watched.ended.then(() => (over = true));
  const giveUp = Promise.race([end, sleep(stopMomentMs, undefined, { ref: false })]);
  if (stop?.when !== "sleeping") {
    await Promise.race([watched.model.asked(stop?.count ?? lookAtRequest ?? 1), giveUp]);
  }
  // A process that a tool left behind may still be about to become `sleep` when the model hears of the tool's end.
  const sleeping =
    stop === undefined
      ? (expected[watched.worker].sleepersSeen ?? 0)
      : stop.when === "sleeping"
        ? stop.count
        : 0;
  const seen = await untilSleeping(sleeping, watched.id, giveUp);
  if (stop?.when === "asked") await Promise.race([sleep(stop.afterMs), end]);
  return { seen, over };
}

async function untilSleeping(
  count: number,
  id: string,
  deadline: Promise<unknown>,
): Promise<readonly SeenProcess[]> {
  let late = false;
  void deadline.then(() => (late = true));
  for (;;) {
    const seen = await processesOf(id);
    if (sleepers(seen).length >= count || late) return seen;
    await sleep(50);
  }
}

const stopCodes = {
  cancelled: "AC_CANCELLED",
  stalled: "AC_STALLED",
} as const;

function stopCause(kind: StopPlan["kind"]): StopCause {
  return { kind, code: stopCodes[kind], message: `the test ended the run as ${kind}`, evidence: {} };
}
