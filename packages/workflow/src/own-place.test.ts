import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@agentcore/contract";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { collectOutputs, copyArtifact } from "./steps/artifacts.ts";
import { JsonLinesFile } from "./records/json-lines-file.ts";
import { noteOutputs } from "./steps/output-age.ts";
import { appendToFile, openPlace, replaceFile, replaceFileSync } from "./own-place.ts";
import { prepareContextDir } from "./steps/check-places.ts";
import { writeJson } from "./records/record-files.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-own-place-")));
afterAll(() => rmSync(root, { recursive: true }));
let workspace: string;
let contextDir: string;
/** A place that no worker can reach, and that the run must not change for one. */
let hidden: string;
beforeEach(() => {
  const scene = mkdtempSync(join(root, "scene-"));
  workspace = join(scene, "workspace");
  contextDir = join(workspace, "context");
  hidden = join(scene, "hidden");
  mkdirSync(contextDir, { recursive: true });
  mkdirSync(hidden);
  writeFileSync(join(hidden, "state"), "precious");
  writeFileSync(join(workspace, "out"), "of a worker");
});

const step = () => join(contextDir, "step");
const outputsOf = () => ({ contextDir, stepId: "step", workspace, paths: ["out"] });
const collect = (path = "out") =>
  collectOutputs({
    outputs: [{ name: "out", path, optional: false }],
    workspace,
    contextDir,
    stepId: "step",
  });

const writers: Record<string, () => Promise<unknown>> = {
  _json: () => writeJson(join(step(), "_json"), { n: 1 }),
  _meta: async () => replaceFileSync(join(step(), "_meta"), "text"),
  "_outputs.json": () => noteOutputs(outputsOf(), { run: "r", iteration: 1 }),
  _lines: () => appendToFile(join(step(), "_lines"), "line\n"),
  out: () => collect(),
};
const untouched = (): void => {
  expect(readdirSync(hidden)).toEqual(["state"]);
  expect(readFileSync(join(hidden, "state"), "utf8")).toBe("precious");
};

describe.each(Object.entries(writers))("what becomes %s", (name, write) => {
  it("is not written where a link stands for its directory", async () => {
    symlinkSync(hidden, step());
    await expect(write()).rejects.toMatchObject({
      code: "AC_WORKFLOW_CONTEXT",
      message: expect.stringContaining(step()),
    });
    untouched();
  });

  it("is not written where the workspace became a link", async () => {
    renameSync(workspace, `${workspace}-moved`);
    symlinkSync(hidden, workspace);
    await expect(write()).rejects.toThrow(/does not write through|leaves the workspace/);
    untouched();
  });

  it("neither follows a link nor waits for a pipe called so", async () => {
    mkdirSync(step());
    const path = join(step(), name);
    symlinkSync(join(hidden, "state"), path);
    const isAppended = name === "_lines";
    const tryIt = async (): Promise<void> =>
      isAppended ? expect(write()).rejects.toThrow(/ELOOP|ENXIO/) : expect(write()).resolves.not.toThrow();
    await tryIt();
    untouched();
    rmSync(path, { recursive: true, force: true });
    execFileSync("mkfifo", [path]);
    await tryIt();
    if (!isAppended) expect(lstatSync(path).isFIFO()).toBe(false);
  });

  it("removes what a killed process left of a write, and not what another process writes now", async () => {
    mkdirSync(step());
    const [old, young] = ["11", "22"].map((end) => join(step(), `.agentcore-new-${end}`)) as [string, string];
    for (const path of [old, young]) writeFileSync(path, "half");
    const now = Date.now() / 1000;
    utimesSync(old, now - 7200, now - 7200);
    await write();
    if (name !== "_lines") expect(existsSync(old)).toBe(false);
    expect(existsSync(young)).toBe(true);
    untouched();
  });
});

it("a link that comes once the directory is open leads nothing astray", () => {
  const place = openPlace(step());
  renameSync(step(), `${step()}-moved`);
  symlinkSync(hidden, step());
  writeFileSync(join(place.at, "file"), "");
  place.close();
  untouched();
  expect(readdirSync(`${step()}-moved`)).toEqual(["file"]);
});

it("a file of lines with a pipe in its place is told once, and ends", async () => {
  execFileSync("mkfifo", [join(contextDir, "lines")]);
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_facts: object, text: string) => void warnings.push(text) };
  const lines = new JsonLinesFile(join(contextDir, "lines"), log);
  lines.append({ n: 1 });
  await lines.flush();
  lines.append({ n: 2 });
  await lines.flush();
  expect(warnings).toHaveLength(1);
});

it("an artifact cannot hold the directory that it is put into", async () => {
  await expect(collect(".")).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
  await expect(copyArtifact(workspace, join(step(), "all"))).rejects.toMatchObject({
    code: "AC_WORKFLOW_PATH",
  });
});

it("runs that write to one context directory at once are not in each other's way", async () => {
  const texts = Array.from({ length: 40 }, (_, index) => `text ${index} `.repeat(100));
  await Promise.all([
    ...texts.map((text) => replaceFile(join(contextDir, "_workflow.json"), text)),
    ...texts.map(() => prepareContextDir(contextDir)),
  ]);
  expect(texts).toContain(readFileSync(join(contextDir, "_workflow.json"), "utf8"));
  expect(readdirSync(contextDir)).toEqual(["_workflow.json"]);
});
