/**
 * The matrix of cases × real workers. What a case does and what must come of it is in `cases.ts`; this file compares.
 * Cases run several at a time, the slow ones first, each in a folder and with a model key of its own.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  startModelServer,
  startRefusingPort,
  type ModelServer,
  type RefusingPort,
} from "@agentcore/model-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases, workerNames, type Expectation } from "./cases.ts";
import { driveCase, sleepers, type CaseRecord, type Rig } from "./drive-case.ts";
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
  test.each(slowestFirst)("$worker: $testCase.name", async ({ worker, testCase, expected }, { task }) => {
    const record = await driveCase(rig, workerSetup(worker), testCase);
    Object.assign(task.meta, { note: note(record) });
    await check(record, expected);
  });
});

function note({ result, requests, seconds, stopToResultMs, seenAfter }: CaseRecord): string {
  const stopped = stopToResultMs === undefined ? "" : `, ${Math.round(stopToResultMs)} ms after the stop`;
  const outcome = result.errorClass === null ? result.outcome : `${result.outcome}/${result.errorClass}`;
  return `${outcome}, ${seconds.toFixed(1)} s${stopped}, ${requests} requests, ${seenAfter.length} survivors`;
}

async function check(record: CaseRecord, expected: Expectation): Promise<void> {
  const { result, events } = record;
  // First what must hold whatever happened: nothing is left, and the receipt says the same.
  expect(record.seenAfter, "processes seen from outside after the result").toEqual([]);
  expect(result.containment?.survivors, "survivors on the receipt").toBe(0);

  const story = JSON.stringify({ result, lastEvents: events.slice(-6) }, null, 1);
  expect({ outcome: result.outcome, errorClass: result.errorClass }, story).toEqual({
    outcome: expected.outcome,
    errorClass: expected.errorClass,
  });
  expect(record.seconds, "seconds").toBeLessThan(expected.maxSeconds);
  if (expected.retryAfterMs !== undefined) expect(result.retryAfterMs, story).toBe(expected.retryAfterMs);
  if (expected.usage !== undefined) expect(result.usage, story).toEqual(expected.usage);
  const [min, max] = expected.requests ?? [1, Number.POSITIVE_INFINITY];
  expect(record.requests, "requests to the model").toBeGreaterThanOrEqual(min);
  expect(record.requests, "requests to the model").toBeLessThanOrEqual(max);
  for (const command of expected.commands ?? []) {
    const observed = result.observations.commands.map((each) => each.command);
    expect(observed, story).toContainEqual(expect.stringContaining(command));
  }
  for (const [name, text] of Object.entries(expected.files ?? {})) {
    expect(await readFile(join(record.workspace, name), "utf8")).toBe(text);
    expect(result.observations.filesChanged, story).toContain(name);
  }
  if (expected.denied !== undefined) {
    const denied = events.filter((event) => event.type === "denied").map((event) => event.tool);
    expect(denied, story).toContainEqual(expect.stringMatching(expected.denied));
  }
  if (expected.sleepersSeen !== undefined) {
    expect(sleepers(record.seenBefore).length, "sleeping processes seen during the run").toBe(
      expected.sleepersSeen,
    );
  }
}
