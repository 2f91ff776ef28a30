/** The pictures of the guide, taken of a daemon at work. `PICTURES` names the folder for them; without it they are thrown away. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { settled, until, type DaemonCheck, type Look, type Rig, type RigOptions } from "./rig.ts";

export const guideFile: RigOptions = {
  file: `events:
  night: { type: cron, schedule: "0 3 * * *", timezone: Europe/Berlin }
  pull-requests: { type: queue, topic: pull-requests }
  releases: { type: queue, topic: releases }
triggers:
  maintenance: { on: night, workflow: release.yaml }
  review: { on: pull-requests, workflow: review.yaml, overlap: buffer_all }
  release: { on: releases, workflow: release.yaml }
`,
  files: {
    "review.yaml": `name: review
version: "1"
timeout: 30m
steps:
  tests: { worker: shell, capabilities: [run_commands], instructions: "echo 214 tests passed; sleep 600" }
`,
    "release.yaml": `name: release
version: "1"
timeout: 2h
steps:
  build: { worker: shell, capabilities: [run_commands], instructions: "echo built 14 packages" }
  tests: { worker: shell, capabilities: [run_commands], depends_on: [build], instructions: "echo 214 tests passed" }
  audit: { worker: shell, capabilities: [run_commands], depends_on: [build], instructions: "echo 2 advisories; exit 1", on_failure: continue }
  sign-off: { depends_on: [tests], approval: { message: "Publish 1.4.0?" } }
  publish: { worker: shell, capabilities: [run_commands], depends_on: [sign-off], instructions: "echo published" }
`,
  },
};

export const guideChecks: readonly DaemonCheck[] = [
  { name: "the pictures of the guide show a daemon at work", run: pictures },
];

async function pictures(rig: Rig): Promise<void> {
  const named = process.env["PICTURES"];
  const folder = named ?? (await mkdtemp(join(tmpdir(), "agentcore-pictures-")));
  try {
    await rig.call("/v1/triggers/maintenance/pause", { note: "moving to new hardware until Friday" });
    await rig.call("/v1/topics/releases", { payload: { version: "1.4.0" } });
    await until("the release waits for its sign-off", async () =>
      (await attention(rig)).includes("approval"),
    );
    for (const number of [611, 614]) await rig.call("/v1/topics/pull-requests", { payload: { number } });
    const job = await workingJob(rig);
    const { items } = await rig.call<{ items: readonly { id: string; name: string }[] }>("/v1/workflow-runs");
    const release = items.find(({ name }) => name === "release");
    assert.ok(release !== undefined);
    await picture(rig, "/", { width: 1200 }, join(folder, "daemon-now.png"));
    await picture(rig, `/runs/${release.id}`, { width: 1200 }, join(folder, "daemon-run.png"));
    await picture(rig, `/jobs/${job}`, { width: 1200, colorScheme: "dark" }, join(folder, "daemon-job.png"));
    await picture(rig, "/", { width: 390, colorScheme: "dark" }, join(folder, "daemon-phone.png"));
  } finally {
    if (named === undefined) await rm(folder, { recursive: true });
  }
}

const attention = async (rig: Rig): Promise<readonly string[]> =>
  (await rig.call<{ attention: readonly { kind: string }[] }>("/v1/overview")).attention.map(
    ({ kind }) => kind,
  );

/** The id of the job of the review, once it says something. */
async function workingJob(rig: Rig): Promise<string> {
  let id = "";
  await until("the review works", async () => {
    const { running } = await rig.call<{ running: readonly { job: string; activity: string }[] }>(
      "/v1/overview",
    );
    id = running.find(({ activity }) => activity === "working")?.job ?? "";
    return id !== "";
  });
  return id;
}

async function picture(rig: Rig, path: string, look: Look, file: string): Promise<void> {
  const page: Page = await rig.open(path, look);
  await page.locator(".badge", { hasText: "live" }).waitFor();
  await settled(page);
  await page.screenshot({ path: file, fullPage: true });
  await page.context().close();
  assert.ok((await stat(file)).size > 10_000);
}
