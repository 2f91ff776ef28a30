import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
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

  it("that cannot be kept as they are fail with the file, and nothing is collected", async () => {
    const bytes = (...parts: (string | number)[]): Buffer =>
      Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))));
    const dist = join(workspace, "dist");
    const refused = async (what: string): Promise<void> => {
      writeFileSync(join(workspace, "a"), "");
      await expect(collect(output("a", "a"), output("code", "dist"))).rejects.toMatchObject({
        code: "AC_WORKFLOW_OUTPUT",
        message: `output "code" cannot be kept: ${what}`,
      });
      expect(existsSync(join(contextDir, "build"))).toBe(false);
      rmSync(dist, { recursive: true });
    };
    mkdirSync(join(dist, "deep"), { recursive: true });
    writeFileSync(bytes(dist, "/deep/b", 0xff, "é.txt"), "");
    await refused("the name of dist/deep/b\\xffé.txt is not UTF-8");
    mkdirSync(dist);
    mkdirSync(bytes(dist, "/", 0xe9));
    await refused("the name of dist/\\xe9 is not UTF-8");
    mkdirSync(dist);
    symlinkSync(bytes("x", 0xfe), join(dist, "link"));
    await refused("the target of the link dist/link is not UTF-8");
    mkdirSync(dist);
    execFileSync("mkfifo", [join(dist, "pipe")]);
    await refused("dist/pipe is neither a file, a directory nor a link");
    mkdirSync(dist);
    writeFileSync(join(dist, "\uFFFD.txt"), "");
    expect(await collect(output("code", "dist"))).toEqual({ artifacts: ["code"], missing: [] });
  });

  it("outside the workspace are refused, by .. and by link", async () => {
    symlinkSync("/etc", join(workspace, "link"));
    await expect(collect(output("x", "../x"))).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
    await expect(collect(output("x", "link/hostname"))).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
  });
});

it("several collections of one artifact at once leave one of them whole, and nothing else", async () => {
  mkdirSync(join(workspace, "dist"));
  const names = Array.from({ length: 20 }, (_, index) => String(index));
  for (const name of names) writeFileSync(join(workspace, "dist", name), name);
  await Promise.all(names.slice(0, 8).map(() => collect(output("code", "dist"))));
  expect(readdirSync(join(contextDir, "build"))).toEqual(["code"]);
  expect(readdirSync(join(contextDir, "build/code/dist")).toSorted()).toEqual(names.toSorted());
});

describe("inputs", () => {
  it("can be copied to one place by several at once, while what is there stays readable", async () => {
    const from = join(contextDir, "build/code");
    mkdirSync(join(from, "dist"), { recursive: true });
    const names = Array.from({ length: 20 }, (_, index) => String(index));
    for (const name of names) writeFileSync(join(from, "dist", name), name.repeat(1000));
    symlinkSync("0", join(from, "dist/link"));
    const input = [{ step: "build", artifact: "code", isMade: true, from, as: "in" }];
    await copyInputs(input, workspace);
    const place = join(workspace, "in/dist");
    const read = async (): Promise<void> => {
      for (const name of [...names, "link"])
        expect((await readFile(join(place, name), "utf8")).length).toBeGreaterThanOrEqual(1000);
    };
    const copies = Array.from({ length: 8 }, () => copyInputs(input, workspace));
    await Promise.all([...copies, read(), read(), read()]);
    expect(readdirSync(place).toSorted()).toEqual([...names, "link"].toSorted());
  });

  it("are not copied through a link that is in the place of a directory", async () => {
    const from = join(contextDir, "build/code");
    mkdirSync(join(from, "dist"), { recursive: true });
    writeFileSync(join(from, "dist/a.js"), "1");
    const outside = mkdtempSync(join(root, "outside-"));
    mkdirSync(join(workspace, "in"));
    symlinkSync(outside, join(workspace, "in/dist"));
    const input = { step: "build", artifact: "code", isMade: true, from, as: "in" };
    await expect(copyInputs([input], workspace)).rejects.toMatchObject({ code: "AC_WORKFLOW_PATH" });
    expect(readdirSync(outside)).toEqual([]);
  });

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
