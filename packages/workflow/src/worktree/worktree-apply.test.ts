/** What a step did in its worktree is in the workspace afterwards, in bytes and modes, or the step fails. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorktreeRig, filesIn, type WorktreeRig } from "../testing/worktree-rig.ts";
import { rm } from "node:fs/promises";

let rig: WorktreeRig;
beforeEach(() => {
  rig = createWorktreeRig();
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const write = (name: string, text: string): void => writeFileSync(at(name), text);
const text = (name: string): string => readFileSync(at(name), "latin1");

const nextSecond = (): Promise<void> => sleep(1000 - (Date.now() % 1000));

/** Merges the changes of the script; the workspace must then equal the worktree. */
async function expectMerged(script: string): Promise<void> {
  const before = filesIn(rig.workspace);
  const step = await rig.begin();
  expect(filesIn(step.path)).toEqual(before);
  step.run(script);
  const wanted = filesIn(step.path);
  expect({ script, same: JSON.stringify(wanted) === JSON.stringify(before) }).toEqual({
    script,
    same: false,
  });
  await step.merge();
  expect({ script, files: filesIn(rig.workspace) }).toEqual({ script, files: wanted });
  await step.discard();
}

describe("what a step did in its worktree", () => {
  it("is in the workspace, whatever kind of change it is", async () => {
    const lines = "tick\n".repeat(8);
    for (const [name, content] of Object.entries({ "a.txt": "one\n", log: lines, "-dash": "x", empty: "" }))
      write(name, content);
    writeFileSync(at("binary"), Buffer.from(Array.from({ length: 512 }, (_, n) => n % 256)));
    mkdirSync(at("dir/deep"), { recursive: true });
    write("dir/deep/file", "deep\n");
    write("dir/other", "other\n");
    rig.git("add", "a.txt", "log", "dir");
    rig.git("commit", "-qm", "x");
    for (const script of [
      "chmod +x a.txt",
      "echo tick >> log",
      "sed -i 3d log",
      "chmod -x a.txt; echo two >> a.txt",
      "printf '\\000\\377' >> binary",
      "ln -s a.txt link; ln -s /nowhere dangling",
      "ln -sf log link; rm dangling",
      "rm link; echo file > link",
      "rm -r dir/deep; echo file > dir/deep",
      "rm dir/deep; mkdir -p dir/deep/er; echo x > dir/deep/er/file",
      "rm -r dir; ln -s . dir",
      "rm dir; ln -s dir dir",
      "rm dir; mkdir dir; echo x > dir/x",
      "mv log 'log 2'; mv a.txt dir/; rm empty; touch empty2",
      "printf 'a\\r\\nb\\r\\n' > crlf; printf 'a\\nb\\r\\n' > mixed",
      "printf x > -dash; printf 'y' > $'new\\nline'; printf z > $'caf\\xe9'; printf 'q' > '\"quoted\\\\\"'",
      "chmod +x $'caf\\xe9'; rm $'new\\nline'; printf w > $'tab\\t*?[x]:(top)'",
      "echo x > .gitattributes; echo '*.tmp' > .gitignore",
      "rm -rf -- *",
    ])
      await expectMerged(script);
    expect(rig.git("for-each-ref", "refs/agentcore")).toBe("");
  }, 60_000);

  it("is there byte for byte where the repository converts line endings, and whatever it overlooks", async () => {
    write(".gitattributes", "* text=auto\n");
    write("a.txt", "one\n");
    rig.commit();
    for (const setting of ["core.autocrlf=input", "core.safecrlf=true", "core.fileMode=false"])
      rig.git("config", ...setting.split("="));
    write("config", "mine\n");
    rig.git("add", "config");
    rig.git("update-index", "--assume-unchanged", "a.txt");
    rig.git("update-index", "--skip-worktree", "config");
    for (const name of ["a.txt", "config"]) write(name, "two\n");
    await expectMerged("printf 'a\\r\\nb\\r\\n' > crlf; chmod +x a.txt; printf 'x\\r\\n' >> config");
    expect(text("crlf")).toBe("a\r\nb\r\n");
  });

  it("begins with a change that git was told to overlook, though it came in the second in which the file was added", async () => {
    await nextSecond();
    write("a.txt", "one\n");
    rig.git("add", "a.txt");
    rig.git("update-index", "--assume-unchanged", "a.txt");
    write("a.txt", "two\n");
    write("new.txt", "new\n");
    // Git compares whole seconds, and reads a file again only if its index was written within the file's own second.
    await nextSecond();
    const step = await rig.begin();
    expect(filesIn(step.path)).toEqual(filesIn(rig.workspace));
  });

  it("keeps the permissions that git does not know of", async () => {
    write("secret", "one\n");
    chmodSync(at("secret"), 0o600);
    const step = await rig.begin();
    step.run("echo two >> secret; umask 077; echo x > new; chmod 700 new");
    await step.merge();
    expect([statSync(at("secret")).mode & 0o777, statSync(at("new")).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it("is merged with what others did to the same file elsewhere", async () => {
    const lines = Array.from({ length: 20 }, (_, n) => `${n}\n`);
    write("text", lines.join(""));
    const step = await rig.begin();
    step.run("sed -i 's/^3$/three/' text; chmod +x text; echo mine > mine");
    write("text", lines.join("").replace("15\n", "fifteen\nmore\n"));
    write("theirs", "theirs\n");
    await step.merge();
    expect(filesIn(rig.workspace)).toEqual({
      text: `program ${lines.join("").replace("15\n", "fifteen\nmore\n").replace("3\n", "three\n")}`,
      mine: "file mine\n",
      theirs: "file theirs\n",
    });
  });

  it("that others did as well is never taken once for both: the step fails, and touches nothing", async () => {
    write("res.txt", "");
    const steps = await Promise.all(["a", "b", "c"].map((name) => rig.begin(name)));
    for (const step of steps) step.run("echo '- ok' >> res.txt; echo x > other-$(basename $PWD)");
    await steps[0]?.merge();
    for (const step of steps.slice(1))
      await expect(step.merge()).rejects.toMatchObject({
        code: "AC_WORKFLOW_GIT",
        message: expect.stringContaining("res.txt: it was also changed in the workspace meanwhile"),
      });
    expect(filesIn(rig.workspace)).toEqual({ "res.txt": "file - ok\n", "other-a": "file x\n" });
    // A change that may be made twice is no conflict.
    const [one, two] = [await rig.begin("one"), await rig.begin("two")];
    for (const step of [one, two]) step.run("rm res.txt; chmod +x other-a; ln -s other-a link");
    await one.merge();
    await two.merge();
    expect(filesIn(rig.workspace)).toEqual({ "other-a": "program x\n", link: "link other-a" });
  });

  it("does not go where something is that is no part of the work, nor through a link", async () => {
    write(".gitignore", "ignored\n");
    write("ignored", "mine\n");
    mkdirSync(at("dir"));
    write("dir/file", "x\n");
    const cases: readonly [script: string, meanwhile: () => void, reason: string][] = [
      ["rm .gitignore; echo theirs > ignored", () => {}, "ignored: a file that git ignores is in its place"],
      ["rm -r dir; echo x > dir", () => write("dir/ignored", "kept\n"), "dir: a directory with other files"],
      ["mkdir new; echo x > new/file", () => symlinkSync("/tmp", at("new")), "new"],
    ];
    for (const [script, meanwhile, reason] of cases) {
      const step = await rig.begin();
      step.run(script);
      meanwhile();
      const before = filesIn(rig.workspace);
      await expect(step.merge()).rejects.toMatchObject({ message: expect.stringContaining(reason) });
      expect(filesIn(rig.workspace)).toEqual(before);
      await step.discard(false);
    }
  });

  it("is gone on with where its merge was interrupted between two files, and a file that changed then is not lost", async () => {
    for (const name of ["one", "two", "gone", "dir"]) write(name, `${name}\n`);
    const step = await rig.begin();
    step.run(
      "echo tick >> one; echo tick >> two; chmod +x two; rm gone dir; mkdir dir; echo x > dir/x; echo n > new",
    );
    const before = filesIn(rig.workspace);
    const wanted = filesIn(step.path);
    await step.merge();
    const interrupt = async (): Promise<void> => {
      await rm(`${step.path}.merged`);
      write("one", "one\n");
      rmSync(at("new"));
      rmSync(at("dir"), { recursive: true });
      write("gone", "gone\n");
    };
    await interrupt();
    await step.merge();
    expect(filesIn(rig.workspace)).toEqual(wanted);
    await interrupt();
    write("one", "somebody else's\n");
    await expect(step.merge()).rejects.toMatchObject({
      message: expect.stringContaining("one: it was changed while the merge was interrupted"),
    });
    expect(text("one")).toBe("somebody else's\n");
    expect(before["one"]).toBe("file one\n");
  });

  it("in a repository of its own is an error that names it, and stays", async () => {
    const step = await rig.begin();
    step.run(
      "mkdir app; cd app; git init -q; echo x > x; git add x; git -c user.name=a -c user.email=a@b commit -qm x",
    );
    await expect(step.merge()).rejects.toMatchObject({
      message: expect.stringContaining("app: it is another repository"),
    });
    expect(await step.discard(false)).toBe("kept");
    expect(existsSync(join(step.path, "app/x"))).toBe(true);
  });

  it("is taken from the worktree itself, wherever its git configuration points", async () => {
    write("a.txt", "one\n");
    const step = await rig.begin();
    step.run("echo two >> a.txt; git config core.worktree /tmp; rm .git; git init -q .");
    await step.merge();
    expect(text("a.txt")).toBe("one\ntwo\n");
  });
});
