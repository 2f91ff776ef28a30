import type { Artifact } from "@agentcore/contract";
import { attemptRef, createMemoryStore, type JobStore } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimAs,
  settleOne,
  startAt,
  testJob,
  testResult,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { processOwner } from "@agentcore/core";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readArtifactChunk, readLogChunk } from "./attempt-files.ts";

let root: string;
let attemptsDir: string;
let store: JobStore;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-artifacts-")));
  attemptsDir = join(root, "attempts");
  store = createMemoryStore();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A job whose only attempt has a directory, and a result that names the artifacts. */
async function ended(artifactsIn: (directory: string) => readonly Artifact[]) {
  const job = testJob();
  const directory = join(attemptsDir, job.id, "1");
  mkdirSync(directory, { recursive: true });
  await store.submit([testSubmission(job)], byJobDedup);
  const [record] = await claimAs(store, "owner", 1, { only: [job.id] });
  const result = testResult({ artifacts: [...artifactsIn(directory)] });
  const charge = { costUsd: 0, tokens: 0 };
  await settleOne(store, { ref: attemptRef(record!), at: startAt, kind: "succeeded", result, charge });
  const whole = { jobId: job.id, attempt: null, kind: null, offset: 0, limit: 1000 };
  const read = (name: string, change: object = {}) =>
    readArtifactChunk({ ...whole, name, ...change }, { store, attemptsDir });
  return { directory, read };
}

const artifact = (path: string, change: Partial<Artifact> = {}): Artifact => ({
  name: "changes",
  kind: "patch",
  path,
  bytes: 1,
  ...change,
});

it("reads an artifact by its name and kind, in parts", async () => {
  const { read } = await ended((directory) => {
    writeFileSync(join(directory, "changes.patch"), "+grüße\n-b\n");
    writeFileSync(join(directory, "other"), "other");
    return [
      artifact(join(directory, "changes.patch")),
      artifact(join(directory, "other"), { kind: "output" }),
    ];
  });
  expect(await read("changes")).toMatchObject({ kind: "patch", text: "+grüße\n-b\n", sizeBytes: 12 });
  expect(await read("changes", { offset: -3 })).toMatchObject({ text: "-b\n", offset: 9, nextOffset: 12 });
  expect(await read("changes", { attempt: 1, limit: 4 })).toMatchObject({ text: "+gr", nextOffset: 3 });
  expect(await read("changes", { kind: "output" })).toMatchObject({ kind: "output", text: "other" });
  expect(await read("changes", { offset: 99 })).toMatchObject({ text: "", offset: 12, nextOffset: 12 });
});

it("opens nothing that the result of the attempt does not name", async () => {
  const { directory, read } = await ended(() => []);
  writeFileSync(join(directory, "changes.patch"), "secret");
  writeFileSync(join(root, "secret"), "secret");
  const names = ["changes.patch", "../../../secret", join(root, "secret"), "changes", "__proto__"];
  for (const name of names) await expect(read(name)).rejects.toMatchObject({ code: "AC_ARTIFACT_NOT_FOUND" });
  await expect(read("changes", { attempt: 2 })).rejects.toMatchObject({ code: "AC_ARTIFACT_NOT_FOUND" });
  await expect(read("changes", { jobId: "none" })).rejects.toMatchObject({ code: "AC_JOB_NOT_FOUND" });
});

it("reads no path out of the directory of the attempt, no link, no pipe, no device and no directory", async () => {
  const { read } = await ended((directory) => {
    writeFileSync(join(root, "secret"), "secret");
    mkdirSync(join(root, "elsewhere"));
    writeFileSync(join(root, "elsewhere", "file"), "secret");
    symlinkSync(join(root, "secret"), join(directory, "link"));
    symlinkSync(join(root, "elsewhere"), join(directory, "outputs"));
    symlinkSync("/dev/zero", join(directory, "device"));
    mkdirSync(join(directory, "folder"));
    execFileSync("mkfifo", [join(directory, "pipe")]);
    const paths = {
      outside: join(root, "secret"),
      up: `${directory}/../../../secret`,
      link: join(directory, "link"),
      "below a link": join(directory, "outputs", "file"),
      "link to a device": join(directory, "device"),
      device: "/dev/zero",
      folder: join(directory, "folder"),
      pipe: join(directory, "pipe"),
      gone: join(directory, "gone"),
      "of the same beginning": `${directory}0/secret`,
      relative: "changes.patch",
    };
    mkdirSync(`${directory}0`);
    writeFileSync(`${directory}0/secret`, "secret");
    return Object.entries(paths).map(([name, path]) => artifact(path, { name }));
  });
  const names = ["outside", "up", "link", "below a link", "link to a device", "device", "folder", "pipe"];
  for (const name of [...names, "gone", "of the same beginning", "relative"])
    await expect(read(name)).rejects.toMatchObject({
      code: "AC_ARTIFACT_NOT_FOUND",
      message: expect.stringContaining(`"${name}"`) as string,
    });
});

it("of a shared store, an attempt without a directory here is on another machine, unless it has just begun here", async () => {
  const job = testJob();
  await store.submit([testSubmission(job)], byJobDedup);
  const owner = (host: string) =>
    ({
      owner: host,
      process: { ...processOwner(), host, place: `${host}:/state` },
      leaseMs: 1000,
      at: startAt,
    }) as const;
  await store.registerOwner(owner("elsewhere"));
  const [record] = await claimAs(store, "elsewhere", 1, { only: [job.id] });
  const request = {
    jobId: job.id,
    attempt: null,
    stream: "stdout",
    encoding: "utf8",
    offset: 0,
    limit: 9,
  } as const;
  const read = (isShared: boolean) =>
    readLogChunk(request, { store, attemptsDir, ...(isShared && { place: "here:/state" }) });
  await expect(read(true)).rejects.toMatchObject({
    code: "AC_ATTEMPT_ELSEWHERE",
    message: `attempt 1 of job ${job.id} is on elsewhere:/state`,
  });
  expect(await read(false)).toMatchObject({ text: "", ended: false });
  await store.removeOwner("elsewhere");
  expect(await read(true)).toMatchObject({ text: "", ended: false });
  const charge = { costUsd: 0, tokens: 0 };
  const ref = attemptRef(record!);
  await settleOne(store, { ref, at: startAt, kind: "succeeded", result: testResult(), charge });
  await expect(read(true)).rejects.toThrow("ran elsewhere, or its files were deleted");
});
