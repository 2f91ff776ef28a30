import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { collectOutputs, copyInputs } from "./artifacts.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-artifacts-")));
afterAll(() => rmSync(root, { recursive: true }));
let workspace: string;
let contextDir: string;
beforeEach(() => {
  workspace = mkdtempSync(join(root, "ws-"));
  contextDir = join(workspace, "context");
});

const output = (name: string, path: string, optional = false) => ({ name, path, optional });
const collect = (...outputs: ReturnType<typeof output>[]) =>
  collectOutputs({ outputs, workspace, contextDir, stepId: "build" });

describe("outputs", () => {
  it("are collected under their own names, and a later collection replaces an earlier one", async () => {
    mkdirSync(join(workspace, "dist"));
    writeFileSync(join(workspace, "dist/a.js"), "1");
    writeFileSync(join(workspace, "note.txt"), "hello");
    await collect(output("code", "dist"), output("note", "note.txt"));
    rmSync(join(workspace, "dist/a.js"));
    writeFileSync(join(workspace, "dist/b.js"), "2");
    expect(await collect(output("code", "dist"), output("note", "note.txt"))).toEqual({
      artifacts: ["code", "note"],
      missing: [],
    });
    expect(readdirSync(join(contextDir, "build")).sort()).toEqual(["code", "note"]);
    expect(readdirSync(join(contextDir, "build/code/dist"))).toEqual(["b.js"]);
    expect(readFileSync(join(contextDir, "build/note/note.txt"), "utf8")).toBe("hello");
  });

  it("that are missing are named, and nothing is collected, unless they are optional", async () => {
    writeFileSync(join(workspace, "a"), "");
    expect(await collect(output("a", "a"), output("b", "gone"))).toEqual({
      artifacts: [],
      missing: ["b (gone)"],
    });
    expect(await collect(output("a", "a"), output("b", "gone", true))).toEqual({
      artifacts: ["a"],
      missing: [],
    });
  });

  it("outside the workspace are refused, by .. and by link", async () => {
    symlinkSync("/etc", join(workspace, "link"));
    await expect(collect(output("x", "../x"))).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
    await expect(collect(output("x", "link/hostname"))).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
  });
});

describe("inputs", () => {
  it("are copied beside what is there", async () => {
    mkdirSync(join(contextDir, "build/code/dist"), { recursive: true });
    writeFileSync(join(contextDir, "build/code/dist/a.js"), "1");
    mkdirSync(join(workspace, "in"));
    writeFileSync(join(workspace, "in/mine"), "");
    await copyInputs(
      [
        { step: "build", artifact: "code", isMade: true, from: join(contextDir, "build/code"), as: "in" },
        { step: "build", artifact: "gone", isMade: false, from: join(contextDir, "gone"), as: "none" },
      ],
      workspace,
    );
    expect(readdirSync(join(workspace, "in")).sort()).toEqual(["dist", "mine"]);
    expect(readdirSync(join(workspace, "none"))).toEqual([]);
  });
});
