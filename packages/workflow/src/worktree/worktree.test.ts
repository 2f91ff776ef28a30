import { AgentCoreError, silentLog, systemClock, type Git } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Step } from "../definition.ts";
import { createRunRig, git, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, testWorkflow } from "../testing/test-workflow.ts";
import { mergeWorktree } from "./merge-worktree.ts";
import { beginAttempt, discardWorktree, ensureWorktree } from "./worktree.ts";
import { worktreePlace } from "./worktree-place.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
  const { workspace } = rig;
  const real = (...args: string[]) => execFileSync("git", args, { cwd: workspace });
  real("init", "-qb", "work");
  writeFileSync(join(workspace, "tracked"), Array.from({ length: 20 }, (_, n) => `${n + 1}\n`).join(""));
  real("add", "tracked");
  real("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x");
  writeFileSync(join(workspace, "untracked"), "mine\n");
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const text = (...path: string[]): string => readFileSync(at(...path), "utf8");
const output = (name: string, path: string) => ({ name, path, optional: false, type: null });
const isolated = (id: string, script: string, rest: Partial<Step> = {}): Step =>
  shellStep(id, script, { isolation: "worktree", merge: "apply", ...rest });
const asked = async (...args: string[]): Promise<string> => (await git(rig.workspace, args)).stdout.trim();
const worktrees = async (): Promise<number> => (await asked("worktree", "list")).split("\n").length;
const refs = (): Promise<string> => asked("for-each-ref", "--format=%(refname)", "refs/agentcore");
/** What runs leave in the repository's own directory. */
const leftInGit = (): string[] => readdirSync(at(".git/agentcore")).filter((name) => name !== "lock");

describe("a step with a worktree of its own", () => {
  it("starts from all that is there, and its patch is merged back, new files included", async () => {
    const steps = [
      isolated(
        "a",
        "test $(cat untracked) = mine; sed -i 's/^1$/A/' tracked; echo new > fresh; touch in-tree",
        { outputs: [output("f", "fresh")] },
      ),
      isolated("b", "sed -i 's/^20$/C/' tracked; test ! -e in-tree"),
    ];
    const result = await rig.run(testWorkflow(steps));
    expect(result).toMatchObject({
      outcome: "SUCCEEDED",
      steps: [{ artifacts: ["f", "patch"] }, { artifacts: ["patch"] }],
    });
    expect(text("tracked")).toMatch(/^A\n2\n[^]*\n19\nC\n$/);
    expect(text("fresh")).toBe("new\n");
    expect(text("context/a/f/fresh")).toBe("new\n");
    expect(text("context/b/patch/changes.patch")).toContain("+C");
    expect(await worktrees()).toBe(1);
  });

  it("leaves no directory and no ref behind when its work is merged", async () => {
    await rig.run(testWorkflow([isolated("a", "echo x > x"), isolated("b", "true")]));
    expect({ left: leftInGit(), refs: await refs() }).toEqual({ left: [], refs: "" });
  });

  it("works where the context directory is an ignored one", async () => {
    writeFileSync(at(".gitignore"), "context/\n");
    expect((await rig.run(testWorkflow([isolated("a", "echo x > x")]))).outcome).toBe("SUCCEEDED");
    expect(text("x")).toBe("x\n");
  });

  it("removes nothing that a sparse checkout leaves out, and begins with what is only staged", async () => {
    for (const name of ["in", "out"]) {
      mkdirSync(at(name));
      writeFileSync(at(name, "file"), `${name}\n`);
    }
    await asked("add", "in", "out");
    await asked("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "y");
    await asked("sparse-checkout", "set", "in");
    writeFileSync(at("in/staged"), "staged\n");
    await asked("add", "in/staged");
    expect(existsSync(at("out"))).toBe(false);
    const result = await rig.run(testWorkflow([isolated("a", "test -e in/staged; echo changed > in/file")]));
    expect(result).toMatchObject({ outcome: "SUCCEEDED" });
    expect(text("in/file")).toBe("changed\n");
    expect(text("context/a/patch/changes.patch")).not.toContain("out/file");
    expect(await asked("status", "--porcelain", "--", "in", "out")).toBe("M in/file\nA  in/staged".trim());
  });

  it("touches nothing with `merge: none`", async () => {
    const apart = await rig.run(testWorkflow([isolated("a", "echo x > tracked", { merge: "none" })]));
    expect(apart.outcome).toBe("SUCCEEDED");
    expect(text("tracked")).toMatch(/^1\n2\n/);
    expect(text("context/a/patch/changes.patch")).toContain("+x");
  });

  it("merges texts in any encoding, whatever git is configured to show", async () => {
    for (const setting of ["diff.noprefix=true", "color.diff=always", "diff.renames=copies"])
      await asked("config", ...setting.split("="));
    const result = await rig.run(
      testWorkflow([isolated("a", "printf 'caf\\xe9\\n' > latin1; mv tracked moved")]),
    );
    expect(result.outcome).toBe("SUCCEEDED");
    expect(readFileSync(at("latin1"))).toEqual(Buffer.from("caf\xe9\n", "latin1"));
    expect({ tracked: existsSync(at("tracked")), moved: existsSync(at("moved")) }).toEqual({
      tracked: false,
      moved: true,
    });
  });

  it("that fails keeps what it did, untracked files included, in a ref, and nothing else", async () => {
    const result = await rig.run(
      testWorkflow([isolated("a", "echo begun > fresh; sed -i 1d tracked; exit 1")]),
    );
    const ref = `refs/agentcore/${result.run}/a`;
    expect(await refs()).toBe(`${ref}/after\n${ref}/before`);
    expect(await asked("show", `${ref}/after:fresh`)).toBe("begun");
    expect(await asked("diff", "--name-only", `${ref}/before`, `${ref}/after`)).toBe("fresh\ntracked");
    // As the documentation says.
    await asked("restore", `--source=${ref}/after`, "--", ".");
    expect(text("fresh")).toBe("begun\n");
    expect({ left: leftInGit(), worktrees: await worktrees() }).toEqual({ left: [], worktrees: 1 });
  });

  it("begins each further attempt with what the first one began with, and keeps what that one changed", async () => {
    const script = `echo "in $AGENTCORE_ITERATION" >> tracked; touch only-$AGENTCORE_ITERATION
      n=$(cat ${at("context/n")} 2>/dev/null || echo 0); echo $((n + 1)) > ${at("context/n")}; test $((n % 2)) = 1`;
    const step = isolated("a", script, { maxRetries: 1, loop: shellLoop("test -e only-2") });
    const { run, outcome } = await rig.run(testWorkflow([step]));
    expect(outcome).toBe("SUCCEEDED");
    expect(text("tracked").replace(/^[^]*\n20\n/, "")).toBe("in 1\nin 2\n");
    const ref = `refs/agentcore/${run}/a/attempt`;
    expect(await refs()).toBe(`${ref}-1\n${ref}-3`);
    expect(await asked("show", `${ref}-3:tracked`)).toMatch(/\n20\nin 1\nin 2$/);
  });

  it("begins anew after an attempt that was lost, and keeps what that one changed", async () => {
    const mark = at("context/was-lost");
    const script = `echo in >> tracked; touch untracked-$(test -e ${mark}; echo $?)
      if test ! -e ${mark}; then touch ${mark}; echo lost; fi`;
    const { run, outcome, steps } = await rig.run(testWorkflow([isolated("a", script)]));
    expect({ outcome, attempts: steps[0]?.attempts }).toEqual({ outcome: "SUCCEEDED", attempts: 2 });
    expect(text("tracked").replace(/^[^]*\n20\n/, "")).toBe("in\n");
    expect([existsSync(at("untracked-0")), existsSync(at("untracked-1"))]).toEqual([true, false]);
    expect(await refs()).toBe(`refs/agentcore/${run}/a/attempt-1`);
    expect(await asked("show", `refs/agentcore/${run}/a/attempt-1:untracked-1`)).toBe("");
  });

  it.each(["cancel", "interrupt"] as const)(
    "is left half made by a run that is stopped (%s): git ends with it",
    async (how) => {
      const ended: string[] = [];
      const { promise: hanging, resolve: hangs } = Promise.withResolvers<void>();
      const hangingGit: Git = async (cwd, args, options) => {
        if (args[0] !== "worktree" || args[1] !== "add") return git(cwd, args, options);
        hangs();
        await new Promise<void>((resolve) => {
          options?.signal?.addEventListener("abort", () => resolve());
        });
        ended.push(args[1]);
        throw new AgentCoreError("AC_CANCELLED", "no longer wanted");
      };
      const workflow = testWorkflow([isolated("a", "echo x > x")]);
      const handle = await rig.start(workflow, { git: hangingGit });
      await hanging;
      handle[how]({ reason: "stop" });
      const { outcome } = await handle.result();
      expect({ outcome, ended }).toEqual({
        outcome: how === "cancel" ? "CANCELLED" : "INTERRUPTED",
        ended: ["add"],
      });
      if (how === "cancel") return;
      expect((await (await rig.resume(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
      expect(text("x")).toBe("x\n");
    },
  );

  it("that fails without a change leaves nothing", async () => {
    await rig.run(testWorkflow([isolated("a", "exit 1")]));
    expect({ left: leftInGit(), refs: await refs() }).toEqual({ left: [], refs: "" });
  });

  it("that fails after commits of its own keeps them", async () => {
    const script =
      "echo 1 > fresh; git add fresh; git -c user.name=a -c user.email=a@b commit -qm one; git rm -q fresh; git reset -q; exit 1";
    const { run } = await rig.run(testWorkflow([isolated("a", script)]));
    expect(await asked("log", "--format=%s", `refs/agentcore/${run}/a/after`)).toBe(
      "snapshot of a workflow step\none\nsnapshot of a workflow step\nx",
    );
  });

  it("whose patch does not apply fails, touches nothing and keeps its work in the patch and in a ref", async () => {
    const clash = isolated("b", `echo mine > tracked; echo theirs > ${at("tracked")}`);
    const result = await rig.run(testWorkflow([clash]));
    expect(result.reason).toContain("the step's changes do not apply to the workspace");
    expect(result.reason).toContain(`refs/agentcore/${result.run}/b/after`);
    expect(text("tracked")).toBe("theirs\n");
    expect(text("context/b/patch/changes.patch")).toContain("+mine");
    expect(await asked("show", `refs/agentcore/${result.run}/b/after:tracked`)).toBe("mine");
    expect(await worktrees()).toBe(1);
  });

  it("is left where it is when it holds a repository of its own, which no snapshot takes up", async () => {
    const script =
      "git init -q inner; cd inner; git -c user.name=a -c user.email=a@b commit -qm x --allow-empty; exit 1";
    const { run } = await rig.run(testWorkflow([isolated("a", script)]));
    expect(existsSync(at(".git/agentcore", run, "a/inner/.git"))).toBe(true);
    expect(await worktrees()).toBe(2);
  });

  it("that removes its worktree fails, and leaves nothing", async () => {
    const result = await rig.run(testWorkflow([isolated("a", 'rm -rf "$PWD"')]));
    expect(result.reason).toMatch(/the step's worktree .*\/a is not there any more/);
    expect({ left: leftInGit(), refs: await refs(), worktrees: await worktrees() }).toEqual({
      left: [],
      refs: "",
      worktrees: 1,
    });
  });

  it("leaves the worktrees of others alone, also those whose directory is away", async () => {
    await asked("worktree", "add", "--quiet", "-b", "other", at("other"));
    rmSync(at("other"), { recursive: true });
    await rig.run(testWorkflow([isolated("a", "echo x > x"), isolated("b", "echo y > y; exit 1")]));
    expect(await asked("worktree", "list", "--porcelain")).toContain("branch refs/heads/other");
  });

  it("has another place than one whose combination only reads like its own", () => {
    const base = { root: "/r", gitDir: "/r/.git" };
    const places = ["s[a=x,b=y]", "s[a=x_b=y]", "s_a_x_b_y_"].map(
      (id) => worktreePlace(base, "run", id).path,
    );
    expect(new Set(places).size).toBe(3);
  });

  it("is refused outside a repository, before anything runs", async () => {
    rmSync(at(".git"), { recursive: true });
    await expect(rig.start(testWorkflow([isolated("a", "true")]))).rejects.toMatchObject({
      code: "AC_WORKFLOW_GIT",
    });
  });
});

describe("a worktree that is interrupted", () => {
  const [clock, log] = [systemClock, silentLog];
  const setUp = () => {
    const place = worktreePlace({ root: rig.workspace, gitDir: at(".git") }, "run", "step[a=1]");
    const request = {
      place,
      patchFile: at("context/p"),
      merge: "apply",
      exclude: [],
      contextDir: at("context"),
    } as const;
    return {
      place,
      request,
      ensure: (by: Git = git) => ensureWorktree({ git: by, clock, log }, place, at("context")),
    };
  };
  /** Only commands that write can leave a difference if git dies at them. */
  const writes = /^(?:add|worktree|update-ref|commit-tree)/;
  /** Dies instead of the n-th writing command, from 0, or right after it. */
  const dyingGit = (at: number, after: boolean): Git => {
    let count = 0;
    return async (...command) => {
      const args = command[1].filter((arg) => !/^-c$|=(true|false|default)$/.test(arg)).join(" ");
      if ((!writes.test(args) && !args.includes("--output")) || count++ !== at) return git(...command);
      if (after) await git(...command);
      throw new TypeError("died here");
    };
  };

  it("while it is made is made again, never used by half", async () => {
    const { place, ensure } = setUp();
    mkdirSync(place.path, { recursive: true });
    writeFileSync(join(place.path, ".git"), "gitdir: nowhere\n");
    await ensure();
    expect(readFileSync(join(place.path, "untracked"), "utf8")).toBe("mine\n");
  });

  it("by a git that died holding its locks is not stopped by them", async () => {
    const { place, request, ensure } = setUp();
    mkdirSync(at(".git", place.refs), { recursive: true });
    for (const name of ["before", "after"]) writeFileSync(at(".git", `${place.refs}/${name}.lock`), "");
    await ensure();
    writeFileSync(`${place.path}.index.lock`, "");
    await mergeWorktree({ git, clock, log }, request);
    await discardWorktree({ git, clock, log }, place, true);
    expect(await refs()).toBe("");
  });

  it("made by the first release, which noted neither its name nor where an attempt began, goes on", async () => {
    const { place, request, ensure } = setUp();
    // Git then has a different name for it than its directory's.
    await asked("worktree", "add", "--detach", at(".git/other", basename(place.path)));
    await ensure();
    writeFileSync(`${place.path}.ready`, "");
    await asked("update-ref", "-d", `${place.refs}/begun`);
    const ports = { git, clock, log };
    for (const attempt of [2, 3]) {
      writeFileSync(join(place.path, "fresh"), `${attempt}\n`);
      const kept = await beginAttempt(ports, { place, iteration: 1, attempt });
      expect(await asked("show", `${kept}:fresh`)).toBe(`${attempt}`);
      expect(existsSync(join(place.path, "fresh"))).toBe(false);
    }
    writeFileSync(join(place.path, "tracked"), "done\n");
    await mergeWorktree(ports, request);
    await discardWorktree(ports, place, true);
    expect(text("tracked")).toBe("done\n");
  });

  it.each([false, true])(
    "at any command of its life ends as one that was not (after the command: %s)",
    async (after) => {
      for (let command = 0, died = true; died; command++) {
        const { place, request, ensure } = setUp();
        const dying = dyingGit(command, after);
        const life = async (by: Git): Promise<void> => {
          await ensure(by);
          writeFileSync(join(place.path, "tracked"), `changed ${command}\n`);
          writeFileSync(join(place.path, `fresh-${command}`), "fresh\n");
          await mergeWorktree({ git: by, clock, log }, request);
          await discardWorktree({ git: by, clock, log }, place, true);
        };
        died = await life(dying).then(
          () => false,
          () => true,
        );
        // The step's end was journaled before the removal began: only the removal is repeated.
        if (died && existsSync(`${place.path}.merged`))
          await discardWorktree({ git, clock, log }, place, true);
        else if (died) await life(git);
        expect([text("tracked"), text(`fresh-${command}`)]).toEqual([`changed ${command}\n`, "fresh\n"]);
        expect({ left: leftInGit(), refs: await refs(), worktrees: await worktrees() }).toEqual({
          left: [],
          refs: "",
          worktrees: 1,
        });
        if (!died) expect(command).toBeGreaterThan(7);
      }
    },
    300_000,
  );

  it("is read once where git cannot take up all of it, since that takes long and would fail again", async () => {
    const { place, request, ensure } = setUp();
    await ensure();
    writeFileSync(join(place.path, "fresh"), "fresh\n");
    let adds = 0;
    const refusing: Git = (...command) => {
      if (!command[1].includes("add")) return git(...command);
      adds += 1;
      const stderr = 'error: open("fresh"): Permission denied\nfatal: adding files failed\n';
      return Promise.resolve({ exitCode: 128, stdout: "", stderr });
    };
    const merged = mergeWorktree({ git: refusing, clock, log }, request);
    await expect(merged).rejects.toThrow('open("fresh"): Permission denied');
    expect(adds).toBe(1);
  });

  it("while its unmerged work is saved keeps all of it", async () => {
    for (let command = 0, died = true; died; command++) {
      const { place, ensure } = setUp();
      await ensure();
      writeFileSync(join(place.path, "fresh"), `fresh ${command}\n`);
      const ports = { git: dyingGit(command, true), clock, log };
      died = await discardWorktree(ports, place, false).then(
        () => false,
        () => true,
      );
      await discardWorktree({ git, clock, log }, place, false);
      expect(await asked("show", `${place.refs}/after:fresh`)).toBe(`fresh ${command}`);
      expect({ left: leftInGit(), worktrees: await worktrees() }).toEqual({ left: [], worktrees: 1 });
    }
  });
});
