/**
 * The matrix of cases × real workers. What a case does and what must come of it is in `cases.ts`; `deviations.ts` compares.
 * Cases run several at a time, the slow ones first, each in a folder and with a model key of its own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { implementationNames, openContainment } from "@agentcore/containment";
import {
  startModelServer,
  startRefusingPort,
  type ModelServer,
  type RefusingPort,
} from "@agentcore/model-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cases, workerNames } from "./cases.ts";
import { deviations } from "./deviations.ts";
import { driveCase, type CaseRecord } from "./drive-case.ts";
import type { Rig } from "./start-run.ts";
import { driveResume, firstWords } from "./drive-resume.ts";
import { installationPaths } from "./installation.ts";
import { cacheFolder } from "./places.ts";
import { startSlots } from "./start-slots.ts";
import { workerSetups } from "./workers.ts";

/** Which containment to use, where not the best one of this machine. */
const wanted = implementationNames.find((name) => name === process.env["WORKER_TESTS_CONTAINMENT"]);

let server: ModelServer;
let refusing: RefusingPort;
let rig: Rig;

beforeAll(async () => {
  server = await startModelServer();
  refusing = await startRefusingPort();
  rig = {
    server,
    refusingUrl: refusing.url,
    folder: await mkdtemp(join(tmpdir(), "agentcore-workers-")),
    containment: await openContainment(wanted === undefined ? {} : { implementation: wanted }),
    starts: startSlots(2),
    programs: installationPaths(cacheFolder).programs,
  };
});

afterAll(async () => {
  await server.close();
  await refusing.close();
  await rm(rig.folder, { recursive: true, force: true });
});

const slowestFirst = workerNames
  .flatMap((worker) => cases.map((testCase) => ({ worker, testCase, expected: testCase.expected[worker] })))
  .sort((a, b) => b.expected.maxSeconds - a.expected.maxSeconds);

for (const { worker, testCase, expected } of slowestFirst) {
  it.concurrent(`${worker}: ${testCase.name}`, async ({ task }) => {
    const record = await driveCase(rig, workerSetups[worker], testCase);
    const lastEvents = record.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 400));
    const found = deviations(record, expected);
    Object.assign(task.meta, {
      note: note(record),
      story: { deviations: found, result: record.result, lastEvents },
    });
    expect(found).toEqual([]);
  });
}

for (const worker of workerNames) {
  it.concurrent(`${worker}: a session resumed`, async ({ task }) => {
    const { first, second, conversation } = await driveResume(rig, workerSetups[worker]);
    Object.assign(task.meta, { note: `${first.outcome}, then ${second.outcome}`, story: { first, second } });
    expect([first.outcome, second.outcome]).toEqual(["succeeded", "succeeded"]);
    expect(first.session).toBeTypeOf("string");
    expect(conversation).toContain(firstWords);
  });
}

function note({ result, requests, seconds, stopToResultMs, seenAfter }: CaseRecord): string {
  const stopped = stopToResultMs === undefined ? "" : `, ${Math.round(stopToResultMs)} ms after the stop`;
  const outcome = result.errorClass === null ? result.outcome : `${result.outcome}/${result.errorClass}`;
  return `${outcome}, ${seconds.toFixed(1)} s${stopped}, ${requests} requests, ${seenAfter.length} survivors`;
}
