/**
 * The matrix of cases × real workers. What a case does and what must come of it is in `cases.ts`; `deviations.ts` compares.
 * Cases run several at a time, the slow ones first, each in a folder and with a model key of its own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  startModelServer,
  startRefusingPort,
  type ModelServer,
  type RefusingPort,
} from "@agentcore/model-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases, workerNames } from "./cases.ts";
import { deviations } from "./deviations.ts";
import { driveCase, type CaseRecord, type Rig } from "./drive-case.ts";
import { workerSetup } from "./workers.ts";

let server: ModelServer;
let refusing: RefusingPort;
let rig: Rig;

beforeAll(async () => {
  server = await startModelServer();
  refusing = await startRefusingPort();
  rig = { server, refusingUrl: refusing.url, folder: await mkdtemp(join(tmpdir(), "agentcore-workers-")) };
});

afterAll(async () => {
  await server.close();
  await refusing.close();
  await rm(rig.folder, { recursive: true, force: true });
});

const slowestFirst = workerNames
  .flatMap((worker) => cases.map((testCase) => ({ worker, testCase, expected: testCase.expected[worker] })))
  .sort((a, b) => b.expected.maxSeconds - a.expected.maxSeconds);

describe.concurrent("real worker", () => {
  test.for(slowestFirst)("$worker: $testCase.name", async ({ worker, testCase, expected }, { task }) => {
    const record = await driveCase(rig, workerSetup(worker), testCase);
    const lastEvents = record.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 400));
    Object.assign(task.meta, { note: note(record), story: { result: record.result, lastEvents } });
    expect(deviations(record, expected)).toEqual([]);
  });
});

function note({ result, requests, seconds, stopToResultMs, seenAfter }: CaseRecord): string {
  const stopped = stopToResultMs === undefined ? "" : `, ${Math.round(stopToResultMs)} ms after the stop`;
  const outcome = result.errorClass === null ? result.outcome : `${result.outcome}/${result.errorClass}`;
  return `${outcome}, ${seconds.toFixed(1)} s${stopped}, ${requests} requests, ${seenAfter.length} survivors`;
}
